//! How a run ended, for people and machines.

use jiff::Timestamp;
use serde::Serialize;

use crate::document::Schema;
use crate::engine::{Enforcement, Usage};
use crate::error::{Error, ErrorKind};
use crate::ntstatus;
use crate::spec::ContainerId;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as host;
#[cfg(windows)]
use windows as host;

pub use host::Status;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The program exited with this code.
    Exited(u32),
    /// A signal ended the program.
    Signalled(u8),
    /// The program was killed at its memory limit.
    OutOfMemory,
    /// The program's time was up.
    TimedOut,
    /// We were told to end by this signal, and the program had to be killed.
    Stopped(u8),
    /// Unknown: what watched over the program was killed.
    Lost,
}

/// Exit status of a launcher whose program's time was up.
pub const TIMED_OUT: Status = 124;
/// Exit status of a launcher that itself failed.
pub const FAILED: Status = 125;

impl Outcome {
    /// Returns the launcher's exit status: the program's own where it exited.
    pub fn status(self) -> Status {
        match self {
            Self::Exited(code) => host::status_of(code),
            Self::Signalled(signal) | Self::Stopped(signal) => host::status_of(u32::from(128 | signal)),
            Self::OutOfMemory => 128 | 9,
            Self::TimedOut => TIMED_OUT,
            Self::Lost => FAILED,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Exited(_) => "exited",
            Self::Signalled(_) => "signal",
            Self::OutOfMemory => "out of memory",
            Self::TimedOut => "timeout",
            Self::Stopped(_) => "stopped",
            Self::Lost => "lost",
        }
    }
}

/// Returns the exit status of a launcher that failed so.
pub fn status_of_failure(kind: ErrorKind) -> Status {
    match kind {
        ErrorKind::ProgramNotFound => 127,
        ErrorKind::ProgramNotExecutable => 126,
        ErrorKind::Interrupted(signal) => Outcome::Stopped(signal).status(),
        _ => FAILED,
    }
}

/// Returns the record of a launch that failed: the JSON that stands where a [`Report`] would.
pub fn record_of_failure(error: &Error) -> String {
    let record = serde_json::json!({
        "version": 1,
        "reason": "failed",
        "error": error.one_line(),
        "exit_status": status_of_failure(error.kind()),
    });
    record.to_string()
}

/// Durations of a run's phases, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Phases {
    /// Taking what it needs from the host.
    pub acquire_ms: f64,
    /// Building the documents and making the container of them.
    pub create_ms: f64,
    /// Starting container and program.
    pub start_ms: f64,
    /// The program, to its end.
    pub run_ms: f64,
    /// Giving everything back.
    pub release_ms: f64,
}

/// Who a program was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserReport {
    /// The name of its account.
    pub name: String,
    /// Whose ids it and the system's files in its root have on the host; absent on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<HostIds>,
}

/// Whose ids programs, and what of their root is not theirs, have on a Linux host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostIds {
    /// The container's own, which nobody else has; the rest is root's.
    Own,
    /// The caller's, who is no root; the rest is a subordinate id's of his.
    Two,
    /// The caller's, who is no root, and the rest is his, too.
    One,
    /// Those of the owner of the process directory, for want of idmapped mounts; the rest is root's.
    Directory,
}

/// The record of a run that `--report` writes: one JSON object. Fields are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of this record: 1.
    pub version: u8,
    /// The container's id.
    pub id: String,
    /// The engine that ran it.
    pub engine: &'static str,
    /// The HCS schema of its documents.
    pub schema: Schema,
    /// Why it ended: `exited`, `signal`, `out of memory`, `timeout`, `stopped`, `lost`.
    pub reason: &'static str,
    /// The program's exit code, all 32 bits; absent where it did not exit by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u32>,
    /// The name of the exit code where it is a well-known NTSTATUS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_name: Option<&'static str>,
    /// The signal that ended the program, or that told us to end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<u8>,
    /// The launcher's own exit status.
    pub exit_status: Status,
    /// What `reason`, `exit_code`, `signal` and `exit_status` are made of.
    #[serde(skip)]
    pub outcome: Outcome,
    /// When the launch began, UTC.
    pub started: Timestamp,
    /// When everything was given back, UTC.
    pub ended: Timestamp,
    /// How long each phase took.
    pub phases: Phases,
    /// What the container used.
    #[serde(flatten)]
    pub usage: Usage,
    /// What became of each limit that was asked for.
    pub limits: Vec<Enforcement>,
    /// The account of the program; absent where the documents name none, and the service takes its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserReport>,
    /// What of the usual isolation this host could not give, and why; absent where it gave all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<String>,
}

impl Report {
    /// Says in a few words how it ended.
    pub fn summary(&self) -> String {
        let name = self.status_name.map(|name| format!(" ({name})")).unwrap_or_default();
        match (self.exit_code, self.signal) {
            (Some(code), _) => format!("exit code {code}{name}"),
            (None, Some(signal)) => format!("{}, signal {signal}", self.reason),
            (None, None) => self.reason.to_owned(),
        }
    }

    pub(crate) fn new(
        id: ContainerId,
        (engine, schema): (&'static str, Schema),
        outcome: Outcome,
        (started, phases): (Timestamp, Phases),
        usage: Usage,
        limits: Vec<Enforcement>,
    ) -> Self {
        let exit_code = match outcome {
            Outcome::Exited(code) => Some(code),
            _ => None,
        };
        let signal = match outcome {
            Outcome::Signalled(signal) | Outcome::Stopped(signal) => Some(signal),
            Outcome::OutOfMemory => Some(9),
            _ => None,
        };
        Self {
            version: 1,
            id: id.to_string(),
            engine,
            schema,
            reason: outcome.reason(),
            exit_code,
            status_name: exit_code.and_then(ntstatus::name),
            signal,
            exit_status: outcome.status(),
            outcome,
            started,
            ended: Timestamp::now(),
            phases,
            usage,
            limits,
            user: None,
            shortfall: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_exit_code_has_a_status_of_its_own() {
        let outcomes = [
            (Outcome::Exited(0), 0),
            (Outcome::Exited(7), 7),
            (Outcome::Exited(255), 255),
            (Outcome::Signalled(9), 137),
            (Outcome::OutOfMemory, 137),
            (Outcome::TimedOut, 124),
            (Outcome::Stopped(15), 143),
            (Outcome::Lost, 125),
        ];
        for (outcome, status) in outcomes {
            assert_eq!(outcome.status(), status, "{outcome:?}");
        }
    }
}
