use std::path::PathBuf;

use nspawn::Result;
use nspawn::engine::Engine;
use nspawn::engine::linux::{LinuxEngine, Unenforced};

use crate::args::Run;
use crate::places::Places;

/// Returns where running state lies, which no boot survives, and what does survive one.
///
/// # Errors
/// None here.
pub(crate) fn usual_places(name: &str) -> Result<Places> {
    Ok(Places { run: PathBuf::from("/run").join(name), data: PathBuf::from("/var/lib").join(name) })
}

/// Returns the engine that keeps its things in `places`.
///
/// # Errors
/// None here.
pub(crate) fn engine(places: &Places, arguments: &Run) -> Result<Box<dyn Engine>> {
    let unenforced = if arguments.allow_unenforced { Unenforced::Report } else { Unenforced::Refuse };
    Ok(Box::new(LinuxEngine::new(&places.data, places.roots(), unenforced)))
}
