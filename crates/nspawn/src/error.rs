//! The library's one error: what we tried, on what, and why it failed. What to do next stands in [`Error::hint`]
//! where the place that failed knows it; the command line adds a hint by kind elsewhere.

use std::error::Error as StdError;
use std::fmt;

/// A result of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// The operation of every refusal of an input.
const ACCEPT: &str = "accept";

/// What sort of failure it is. One table maps it to an exit status, a C return code and an RPC code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is wrong: nothing was touched.
    InvalidSpec,
    /// The file that shall be executed is not there (status 127).
    ProgramNotFound,
    /// The file that shall be executed cannot be executed here (status 126).
    ProgramNotExecutable,
    /// A container, layer or file that was named does not exist.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// The container is not in a state that allows it.
    WrongState,
    /// This host or this version cannot do it.
    Unsupported,
    /// The caller may not do it.
    Denied,
    /// This signal told us to end before the program ran.
    Interrupted(u8),
    /// A deadline passed.
    Timeout,
    /// Something of ours on disk is damaged.
    Corrupt,
    /// The host failed: a system call, the disk, the Host Compute Service.
    Host,
}

/// A failure, printed as `cannot <op> <subject>`; the cause is its source.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    op: &'static str,
    subject: String,
    reason: Option<String>,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    events: Vec<String>,
}

impl Error {
    /// Makes an error of `kind`: `op` is a verb in the infinitive, `subject` what it was done to.
    pub fn new(kind: ErrorKind, op: &'static str, subject: impl Into<String>) -> Self {
        let subject = subject.into();
        Self(Box::new(Inner {
            kind,
            op,
            subject,
            reason: None,
            hint: None,
            source: None,
            events: Vec::new(),
        }))
    }

    /// Makes the error of a system call or file operation.
    pub fn io(op: &'static str, subject: impl Into<String>, source: impl Into<std::io::Error>) -> Self {
        let source = source.into();
        let kind = match source.kind() {
            std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            std::io::ErrorKind::Unsupported => ErrorKind::Unsupported,
            _ => ErrorKind::Host,
        };
        Self::new(kind, op, subject).source(source)
    }

    /// Makes the refusal of an input: `subject` names the key, `reason` what is wrong with which value.
    pub fn invalid(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidSpec, ACCEPT, subject).reason(reason)
    }

    /// Says why, in words.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Says what to do next: one sentence.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Changes the kind, where the caller knows better what the failure means.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Attaches what went wrong besides, such as a failed undo step: it never replaces the first failure.
    pub fn attach(&mut self, event: impl Into<String>) {
        self.0.events.push(event.into());
    }

    /// Returns the sort of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns what to do next, where the place that failed knew it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns what went wrong besides: failed undo steps, the host's own records.
    pub fn events(&self) -> &[String] {
        &self.0.events
    }

    /// Returns the whole chain on one line, control characters escaped: `cannot open /x: No such file`.
    pub fn one_line(&self) -> String {
        let mut line = self.to_string();
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            line.push_str(": ");
            line.push_str(&cause.to_string());
            source = cause.source();
        }
        line.chars()
            .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
            .collect()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { op, subject, reason, .. } = &*self.0;
        // A refused input, invalid or unsupported, is known by its key: "process_directory: is not absolute".
        match *op {
            ACCEPT => write!(f, "{subject}")?,
            _ => write!(f, "cannot {op} {subject}")?,
        }
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|s| &**s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_was_tried_on_what_and_why() {
        // The reason is the system's own, in its own words.
        let reason = || std::io::Error::from_raw_os_error(2);
        let error = Error::io("open", "/x\ny", reason());
        assert_eq!(error.one_line(), format!("cannot open /x\\ny: {}", reason()));
        assert_eq!(Error::invalid("cpus_count", "is 0").one_line(), "cpus_count: is 0");
        let unsupported = Error::invalid("user", "is not supported").with_kind(ErrorKind::Unsupported);
        assert_eq!(unsupported.one_line(), "user: is not supported");
    }
}
