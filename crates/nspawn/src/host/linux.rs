use std::path::PathBuf;

use rustix::fs::Mode;

use super::Places;
use crate::engine::linux::LinuxEngine;
use crate::engine::{Engine, Unenforced};
use crate::error::Result;

/// What a caller who may not make containers is told to do.
pub const ELEVATE: &str = "containers need root: start this with sudo";

pub(super) fn usual_places(name: &str) -> Result<Places> {
    Ok(Places { run: PathBuf::from("/run").join(name), data: PathBuf::from("/var/lib").join(name) })
}

pub(super) fn engine(places: &Places, unenforced: Unenforced) -> Box<dyn Engine> {
    // What containers are made of must be readable in them, whatever the caller wants its new files to be: that is for
    // the file of the output alone.
    let callers = rustix::process::umask(Mode::from_raw_mode(0o022));
    let output_mode = 0o644 & !callers.as_raw_mode();
    let engine = LinuxEngine::new(&places.data, places.roots(), unenforced);
    Box::new(engine.with_output_mode(output_mode))
}
