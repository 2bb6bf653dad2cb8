//! `hostcompute_nspawn schema`: what a config.json may hold.

use nspawn::report::Status;

/// Prints the JSON Schema of config.json.
///
/// # Errors
/// It cannot be written.
pub(crate) fn run() -> nspawn::Result<Status> {
    super::print(nspawn::config::json_schema().trim_end())
}
