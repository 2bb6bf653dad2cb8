//! This host, as every front end uses it: where things are kept, which engine runs containers, and one run on it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as sys;
#[cfg(windows)]
use windows as sys;

use std::path::{Path, PathBuf};

use crate::collect::{Collected, collect_telling};
use crate::doctor::Finding;
use crate::engine::{Engine, Observer, Search, Silent, Unenforced};
use crate::error::{Error, ErrorKind, Result};
use crate::launch::{self, GRACE, Launcher, Stop};
use crate::report::Report;
use crate::spec::{ContainerId, Spec};
use crate::state::State;

pub use crate::document::Schema;
pub use sys::ELEVATE;

/// The name of the directories of ours.
const NAME: &str = "hostcompute_nspawn";

/// Directories of running state and of what outlives a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Running state, which means nothing after a boot.
    pub run: PathBuf,
    /// What outlives a boot.
    pub data: PathBuf,
}

impl Places {
    /// Returns the usual places of this host.
    ///
    /// # Errors
    /// The host does not say where they are.
    pub fn usual() -> Result<Self> {
        sys::usual_places(NAME)
    }

    /// Returns the places below a directory of the caller's choice.
    ///
    /// # Errors
    /// The path cannot be made absolute.
    pub fn below(root: &Path) -> Result<Self> {
        let root = std::path::absolute(root)
            .map_err(|error| Error::io("resolve", root.display().to_string(), error))?;
        Ok(Self { run: root.join("run"), data: root.join("data") })
    }

    /// Returns the directories that must not be mapped into a container.
    pub fn roots(&self) -> Vec<PathBuf> {
        vec![self.run.clone(), self.data.clone()]
    }
}

/// Makes this process fit for containers, once, while it has one thread. On Linux, where a plain user started it, it
/// becomes root of a user namespace of its own. The usual places are the user's: ask for them before.
///
/// # Errors
/// `Denied` where the host has no such thing for plain users.
pub fn prepare() -> Result<()> {
    sys::prepare()
}

/// This host, opened for running containers.
pub struct Host {
    engine: Box<dyn Engine>,
    state: State,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let engine = self.engine.capabilities();
        f.debug_struct("Host").field("engine", &engine).field("state", &self.state).finish()
    }
}

impl Host {
    /// Opens it. On Linux the umask is one of our own from here on, in all threads that share the caller's: a caller
    /// with threads of other purposes calls this, and all that follows, on a thread that shares with none
    /// (`CLONE_FS`).
    pub fn open(places: &Places, unenforced: Unenforced) -> Self {
        Self { engine: sys::engine(places, unenforced), state: State::new(&places.run) }
    }

    /// Runs a container to the end of its program, and removes it. What killed launchers left is removed before.
    /// `running` is given what ends the program from another thread, once it runs.
    ///
    /// # Errors
    /// What kept the program from running, or its end from being told. Where the container cannot be removed, the
    /// observer is warned, and the report stands all the same: the program's own end is what counts.
    pub fn run(
        &self,
        spec: &Spec,
        schema: Option<Schema>,
        observer: &dyn Observer,
        running: impl FnOnce(Stop),
    ) -> Result<Report> {
        let collected = self.collect(Search::Quick, &Silent)?;
        for id in collected.removed {
            observer.step(&format!("Removed what a killed launcher left, name: [{id}]"));
        }
        let failures = collected.failed.iter().map(|(_, error)| error).chain(&collected.unsearched);
        failures.for_each(|error| observer.warn(error));
        let id = match &spec.name {
            Some(name) => ContainerId::named(name),
            None => ContainerId::from_random(random()?),
        };
        let launcher = Launcher { engine: &*self.engine, state: &self.state, observer, schema, grace: GRACE };
        let program = launcher.create(&id, spec)?.start()?;
        running(program.stop());
        let (report, removed) = program.wait()?.remove();
        observer.step(&format!("Process ended: {}", report.summary()));
        removed.unwrap_or_else(|error| observer.warn(&error));
        Ok(report)
    }

    /// See [`launch::describe`].
    ///
    /// # Errors
    /// The spec cannot be carried out here.
    pub fn describe(&self, spec: &Spec, schema: Option<Schema>) -> Result<serde_json::Value> {
        launch::describe(&*self.engine, spec, schema)
    }

    /// Finds out what this host can do.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn examine(&self) -> Result<Vec<Finding>> {
        Ok(self.engine.examine(&ContainerId::from_random(random()?)))
    }

    /// See [`collect_telling`].
    ///
    /// # Errors
    /// Nobody can say who lives.
    pub fn collect(&self, search: Search, observer: &dyn Observer) -> Result<Collected> {
        collect_telling(&*self.engine, &self.state, search, observer)
    }
}

/// Returns random bytes of the system.
pub(crate) fn random() -> Result<[u8; 8]> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(ErrorKind::Host, "draw", "random bytes").source(error))?;
    Ok(bytes)
}
