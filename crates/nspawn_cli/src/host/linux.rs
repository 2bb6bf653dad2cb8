use std::path::PathBuf;

use nspawn::Result;
use nspawn::engine::Engine;
use nspawn::engine::linux::{LinuxEngine, Unenforced};
use rustix::fs::Mode;

use crate::args::Run;
use crate::places::Places;

/// Returns where running state lies, which no boot survives, and what does survive one.
///
/// # Errors
/// None here.
pub(crate) fn usual_places(name: &str) -> Result<Places> {
    Ok(Places { run: PathBuf::from("/run").join(name), data: PathBuf::from("/var/lib").join(name) })
}

/// Returns the engine that keeps its things in `places`. From here on our umask is one of our own.
///
/// # Errors
/// None here.
pub(crate) fn engine(places: &Places, arguments: &Run) -> Result<Box<dyn Engine>> {
    let unenforced = if arguments.allow_unenforced { Unenforced::Report } else { Unenforced::Refuse };
    // What containers are made of must be readable in them, whatever the caller wants its new files to be: that is for
    // the file of the output alone.
    let callers = rustix::process::umask(Mode::from_raw_mode(0o022));
    let output_mode = 0o644 & !callers.as_raw_mode();
    let engine = LinuxEngine::new(&places.data, places.roots(), unenforced);
    Ok(Box::new(engine.with_output_mode(output_mode)))
}
