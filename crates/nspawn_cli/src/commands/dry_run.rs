//! `hostcompute_nspawn --dry-run`: what would be done.

use std::process::ExitCode;

use nspawn::launch::describe;

use super::run::spec;
use crate::args::Arguments;
use crate::host;
use crate::places::Places;

/// Prints the documents and the plan.
///
/// # Errors
/// The config is refused.
pub(crate) fn run(arguments: &Arguments) -> nspawn::Result<ExitCode> {
    let places = Places::of(arguments)?;
    let schema = arguments.run.hcs_schema.map(Into::into);
    let engine = host::engine(&places, &arguments.run)?;
    let described = describe(&*engine, &spec(arguments, &places)?, schema)?;
    super::print(&format!("{described:#}"))
}
