//! `hostcompute_nspawn --dry-run`: what would be done.

use nspawn::host::Host;
use nspawn::report::Status;

use super::run::{config_path, spec};
use crate::args::Arguments;

/// Prints the documents and the plan.
///
/// # Errors
/// The config is refused.
pub(crate) fn run(arguments: &Arguments) -> nspawn::Result<Status> {
    let places = arguments.places()?;
    let schema = arguments.run.hcs_schema.map(Into::into);
    let host = Host::open(&places, arguments.run.unenforced());
    let spec = spec(arguments, &places, &config_path(arguments)?)?;
    let described = host.describe(&spec, schema)?;
    super::print(&format!("{described:#}"))
}
