//! Where things of ours are kept.

use std::path::PathBuf;

use nspawn::state::State;
use nspawn::{Error, Result};

use crate::args::Arguments;
use crate::host;

/// Directories of running state and of what outlives a boot.
#[derive(Debug)]
pub(crate) struct Places {
    /// Running state, which means nothing after a boot.
    pub(crate) run: PathBuf,
    /// What outlives a boot.
    pub(crate) data: PathBuf,
}

impl Places {
    /// Returns the usual places, or those below `--root`.
    ///
    /// # Errors
    /// `--root` cannot be resolved, or this host does not say where the usual places are.
    pub(crate) fn of(arguments: &Arguments) -> Result<Self> {
        let Some(root) = &arguments.root else {
            return host::usual_places("hostcompute_nspawn");
        };
        let root = std::path::absolute(root)
            .map_err(|error| Error::io("resolve", root.display().to_string(), error))?;
        Ok(Self { run: root.join("run"), data: root.join("data") })
    }

    /// Returns the directories that must not be mapped into a container.
    pub(crate) fn roots(&self) -> Vec<PathBuf> {
        vec![self.run.clone(), self.data.clone()]
    }

    pub(crate) fn state(&self) -> State {
        State::new(&self.run)
    }
}

/// Returns the path of a file that lies beside this program.
///
/// # Errors
/// Where this program lies is not known.
pub(crate) fn beside_us(name: &str) -> Result<PathBuf> {
    let program =
        std::env::current_exe().map_err(|error| Error::io("find", "this program's own file", error))?;
    Ok(program.with_file_name(name))
}

/// Returns random bytes of the system.
///
/// # Errors
/// The system has none.
pub(crate) fn random() -> Result<[u8; 8]> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(nspawn::ErrorKind::Host, "draw", "random bytes").source(error))?;
    Ok(bytes)
}
