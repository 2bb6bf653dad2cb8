//! The crate's error: what was tried on what, and the system's answer.

use std::fmt;
use std::io;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What of a sandbox failed, where the cure depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// Its user namespace.
    UserNamespace,
    /// That files are shown as its account's own, and that its account has ids of the host's.
    Account,
    /// An overlay of its root.
    Overlay,
    /// Its /proc.
    Proc,
    /// The filter of its system calls.
    Filter,
    /// Its program.
    Program,
    /// Anything else.
    Other,
}

/// A failed host operation, printed as `cannot <op> <subject>`; the system's answer is its source.
#[derive(Debug)]
pub struct Error {
    part: Part,
    op: &'static str,
    subject: String,
    source: io::Error,
}

impl Error {
    /// Makes an error: `op` is a verb in the infinitive, `subject` what it was done to.
    pub fn new(op: &'static str, subject: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self { part: Part::Other, op, subject: subject.into(), source: source.into() }
    }

    /// Says what of the sandbox failed.
    #[must_use]
    pub fn of(self, part: Part) -> Self {
        Self { part, ..self }
    }

    /// Returns what of the sandbox failed.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Returns the operation that failed.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// Returns what it was done to.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether it says that this host cannot have the account as it is: its file systems or this kernel cannot show files
    /// as another's, or we may not use the host's ids. A want of memory or of descriptors, say, is no such answer.
    pub fn refuses_account(&self) -> bool {
        use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
        self.part == Part::Account
            && matches!(self.source.kind(), InvalidInput | PermissionDenied | Unsupported)
    }

    /// Returns the system's answer.
    pub fn io(&self) -> &io::Error {
        &self.source
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}", self.op, self.subject)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Adds the operation and its subject to a system's answer.
pub(crate) trait Context<T> {
    /// Wraps the error; `subject` is only made where there is one.
    fn context<S: Into<String>>(self, op: &'static str, subject: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn context<S: Into<String>>(self, op: &'static str, subject: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|source| Error::new(op, subject(), source))
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn an_account_is_refused_by_what_the_host_cannot_and_not_by_what_it_lacks() {
        for (part, errno, refuses) in [
            (Part::Account, Errno::PERM, true),
            (Part::Account, Errno::ACCESS, true),
            (Part::Account, Errno::INVAL, true),
            (Part::Account, Errno::NOSYS, true),
            (Part::Account, Errno::OPNOTSUPP, true),
            (Part::Account, Errno::MFILE, false),
            (Part::Account, Errno::NOMEM, false),
            (Part::Account, Errno::AGAIN, false),
            (Part::UserNamespace, Errno::PERM, false),
            (Part::Other, Errno::INVAL, false),
        ] {
            let error = Error::new("map", "ids", errno).of(part);
            assert_eq!(error.refuses_account(), refuses, "{part:?} {errno:?}");
        }
    }
}
