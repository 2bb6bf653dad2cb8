//! One file a command.

pub(crate) mod doctor;
pub(crate) mod dry_run;
pub(crate) mod gc;
pub(crate) mod manual;
mod report_file;
pub(crate) mod run;
pub(crate) mod schema;

use std::io::Write as _;

use nspawn::Error;
use nspawn::report::Status;

use crate::SUCCESS;

/// Prints a result on standard output. A reader who has read enough is no failure.
///
/// # Errors
/// It cannot be written.
fn print(text: &str) -> nspawn::Result<Status> {
    let mut output = std::io::stdout().lock();
    let written = writeln!(output, "{text}").and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write to", "standard output", error))
        }
        _ => Ok(SUCCESS),
    }
}
