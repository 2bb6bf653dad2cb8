use std::path::PathBuf;

use nspawn::engine::Engine;
use nspawn::engine::hcs::{Deadlines, HcsEngine};
use nspawn::{Error, ErrorKind, Result};

use crate::args::Run;
use crate::places::Places;

/// Returns where running state lies and where the rest does: both below %ProgramData%.
///
/// # Errors
/// The variable is not set.
pub(crate) fn usual_places(name: &str) -> Result<Places> {
    let root = std::env::var_os("ProgramData").map(|data| PathBuf::from(data).join(name));
    let root = root.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "find", "the place for state")
            .reason("the environment has no ProgramData")
            .with_hint("name a directory with --root")
    })?;
    Ok(Places { run: root.join("run"), data: root.join("data") })
}

/// Returns the engine that keeps its things in `places`.
///
/// # Errors
/// None here.
pub(crate) fn engine(places: &Places, _arguments: &Run) -> Result<Box<dyn Engine>> {
    Ok(Box::new(HcsEngine::new(&places.data, places.roots(), Deadlines::default())))
}
