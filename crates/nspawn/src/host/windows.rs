use std::path::PathBuf;

use super::Places;
use crate::engine::hcs::{Deadlines, HcsEngine};
use crate::engine::{Engine, Unenforced};
use crate::error::{Error, ErrorKind, Result};

/// What a caller who may not make containers is told to do.
pub const ELEVATE: &str = "containers need an administrator: start this from an elevated prompt";

pub(super) fn usual_places(name: &str) -> Result<Places> {
    let root = std::env::var_os("ProgramData").map(|data| PathBuf::from(data).join(name));
    let root = root.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "find", "the place for state")
            .reason("the environment has no ProgramData")
            .with_hint("name a directory with --root")
    })?;
    Ok(Places { run: root.join("run"), data: root.join("data") })
}

/// Nothing is to be done: who is no administrator is told so when a container is made.
#[expect(clippy::unnecessary_wraps, reason = "other hosts refuse")]
pub(super) fn prepare() -> Result<()> {
    Ok(())
}

pub(super) fn engine(places: &Places, _unenforced: Unenforced) -> Box<dyn Engine> {
    Box::new(HcsEngine::new(&places.data, places.roots(), Deadlines::default()))
}
