use std::process::ExitCode;

use nspawn::report::Status;

/// Ends us with that status, all 32 bits of it: what `main` can return has 8. Called last, when nothing is held.
#[expect(
    clippy::disallowed_methods,
    reason = "all is cleaned up, and std's ExitCode cannot hold such a status"
)]
pub(crate) fn with(status: Status) -> ExitCode {
    match u8::try_from(status) {
        Ok(status) => ExitCode::from(status),
        Err(_) => std::process::exit(status.cast_signed()),
    }
}
