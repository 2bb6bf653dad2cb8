use std::process::ExitCode;

use nspawn::report::Status;

/// Ends us, once `main` returns it, with that status.
pub(crate) fn with(status: Status) -> ExitCode {
    ExitCode::from(status)
}
