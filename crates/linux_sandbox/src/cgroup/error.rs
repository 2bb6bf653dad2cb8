//! The one error of this module: what was tried on which file for which controller, why it failed, and the cure.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;

use super::Controller;

/// What sort of failure it is; each has its own cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No control group file system that is mounted here offers the controller.
    Absent,
    /// The control group file system is mounted read-only.
    ReadOnly,
    /// The caller may not make groups there: nothing is delegated to it.
    Denied,
    /// The host has the controller, and did not delegate it to the plain user's systemd.
    Undelegated,
    /// Version 2: each group that could pass the controller on has processes of its own.
    Occupied,
    /// A group of that name is there.
    Exists,
    /// The group still has processes, or the kernel has not let go of them yet.
    Busy,
    /// The directory lies on no block device, so that its input and output cannot be limited.
    NoDevice,
    /// The kernel or the host's own limits do not allow this value.
    Refused,
    /// The host failed otherwise.
    Host,
}

/// A failure, printed as `cannot <op> <subject>: <reason>`; the cause is its source.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    op: &'static str,
    subject: String,
    controller: Option<Controller>,
    reason: Option<String>,
    cure: Option<&'static str>,
    source: Option<io::Error>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, op: &'static str, subject: impl Into<String>) -> Self {
        let subject = subject.into();
        Self(Box::new(Inner { kind, op, subject, controller: None, reason: None, cure: None, source: None }))
    }

    /// Makes the error of a system call on `path`; the error number decides the kind.
    pub(super) fn io(op: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let kind = match source.kind() {
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
            io::ErrorKind::AlreadyExists => ErrorKind::Exists,
            io::ErrorKind::ResourceBusy => ErrorKind::Busy,
            _ => ErrorKind::Host,
        };
        let mut error = Self::new(kind, op, path.display().to_string());
        error.0.source = Some(source);
        error
    }

    #[must_use]
    pub(super) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    #[must_use]
    pub(super) fn of(mut self, controller: Controller) -> Self {
        self.0.controller = Some(controller);
        self
    }

    #[must_use]
    pub(super) fn because(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Says what to do next, where that is not the same for all of this kind.
    #[must_use]
    pub(super) fn cured_by(mut self, cure: &'static str) -> Self {
        self.0.cure = Some(cure);
        self
    }

    /// Returns what was tried: a verb in the infinitive.
    pub fn op(&self) -> &'static str {
        self.0.op
    }

    /// Returns what it was tried on, and for which controller.
    pub fn subject(&self) -> String {
        let controller = self.0.controller.map(|controller| format!(" (controller {controller})"));
        format!("{}{}", self.0.subject, controller.unwrap_or_default())
    }

    /// Returns why it failed: our reason, the system's, or both.
    pub fn reason(&self) -> Option<String> {
        let system = self.0.source.as_ref().map(ToString::to_string);
        let reasons: Vec<&str> = self.0.reason.iter().chain(&system).map(String::as_str).collect();
        (!reasons.is_empty()).then(|| reasons.join(": "))
    }

    /// Returns the sort of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the controller that the failure is about, where it is about one.
    pub fn controller(&self) -> Option<Controller> {
        self.0.controller
    }

    /// Returns what to do next, where that is known: one sentence.
    pub fn cure(&self) -> Option<&'static str> {
        self.0.cure.or(match self.0.kind {
            ErrorKind::Absent => Some(
                "mount a control group file system with this controller, or enable it on the kernel's command line",
            ),
            ErrorKind::ReadOnly => {
                Some("mount the control group file system writable, as a privileged container has it")
            }
            ErrorKind::Denied => Some("run as root"),
            ErrorKind::Undelegated => Some(
                "let systemd delegate it, as root: the line Delegate=cpu cpuset io memory pids under [Service] in \
                 /etc/systemd/system/user@.service.d/delegate.conf, and log in anew",
            ),
            ErrorKind::Occupied => Some(
                "run in a delegated group (systemd-run --scope -p Delegate=yes), or move the processes of that \
                 group into a child group of it",
            ),
            ErrorKind::Exists => Some("collect what an ended sandbox of that name has left"),
            ErrorKind::NoDevice => Some("keep the directory on a disk's file system, such as ext4 or xfs"),
            ErrorKind::Busy | ErrorKind::Refused | ErrorKind::Host => None,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}", self.op(), self.subject())?;
        self.0.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_number_decides_the_kind() {
        for (number, kind) in [
            (13, ErrorKind::Denied),
            (1, ErrorKind::Denied),
            (30, ErrorKind::ReadOnly),
            (17, ErrorKind::Exists),
            (16, ErrorKind::Busy),
            (5, ErrorKind::Host),
        ] {
            let error = Error::io("make", Path::new("/x"), io::Error::from_raw_os_error(number));
            assert_eq!(error.kind(), kind, "errno {number}");
        }
    }

    #[test]
    fn names_path_controller_and_cause() {
        let error =
            Error::io("make", Path::new("/x"), io::Error::from_raw_os_error(13)).of(Controller::Memory);
        assert_eq!(error.to_string(), "cannot make /x (controller memory)");
        assert!(error.source().expect("a cause").to_string().starts_with("Permission denied"));
        assert_eq!(error.cure(), Some("run as root"));
        let (reason, cause) = (error.reason(), error.source().expect("a cause").to_string());
        assert_eq!(reason, Some(cause.clone()));
        let error = error.because("it is another's").cured_by("ask him");
        assert_eq!(error.reason(), Some(format!("it is another's: {cause}")));
        assert_eq!(error.cure(), Some("ask him"));
    }
}
