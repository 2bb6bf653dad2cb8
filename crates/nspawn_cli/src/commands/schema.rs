//! `hostcompute_nspawn schema`: what a config.json may hold.

use std::process::ExitCode;

/// Prints the JSON Schema of config.json.
///
/// # Errors
/// It cannot be written.
pub(crate) fn run() -> nspawn::Result<ExitCode> {
    super::print(nspawn::config::json_schema().trim_end())
}
