//! The Windows engine: the documents go to the Host Compute Service itself.
//!
//! ```text
//! acquire   version, privileges, DLLs, limits -> directories, program -> chain of layers and its build: nothing made so far
//!           output file -> scratch layer, mounted
//! create    HcsCreateComputeSystem      (schema v1: vmcompute.dll, schema v2: computecore.dll, never mixed)
//! start     HcsStartComputeSystem
//! spawn     HcsCreateProcess, and its output relayed
//! release   shutdown, or else termination -> handles closed -> layer unmounted and destroyed
//! <data>/scratch/nspawn_<name>/      the scratch layer of one container
//! <data>/scratch/rm-nspawn_<name>/   the same, while it is destroyed
//! ```
//!
//! A system ends with the last handle to it, so that of a launcher that was killed only the layer should be left, under
//! the container's name. A thorough search asks the service all the same.

mod checks;
mod compute;
mod error;
mod events;
mod files;
mod grants;
mod layers;
mod outlet;
mod process;
mod relay;
mod system;
mod systems;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use hcs_sys::processors;
use hcs_sys::version::{self, Version};

use crate::doctor::Finding;
use crate::document::{Request, Schema};
use crate::engine::{Capabilities, Engine, Grants, Leftovers, Observer, Search};
use crate::error::Result;
use crate::spec::{ContainerId, Spec};

/// The first build that has computecore.dll, schema v2 and signals: Windows Server 2019.
const SERVER_2019: u32 = 17_763;

/// How long the service may take for each thing. hcsshim's own values are the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// To make a system, or to start it.
    pub create: Duration,
    /// To start a process, or to answer a question.
    pub ask: Duration,
    /// To refuse a signal, before that is taken to be on its way: the answer may come only when the program has ended.
    pub signal: Duration,
    /// To shut a system down, before it is terminated.
    pub shutdown: Duration,
    /// To terminate a system, before it is left to `gc`.
    pub terminate: Duration,
    /// Between two looks at whether a process still runs, should nothing be told of its end.
    pub look: Duration,
    /// To pass on what a process wrote last, once it has ended: so long nothing of it moves.
    pub relay: Duration,
    /// Between two tries of what fails for a moment.
    pub retry: Duration,
    /// How long what is in use is waited for, such as a layer to be destroyed, before it is left to `gc`.
    pub busy: Duration,
}

impl Deadlines {
    /// Does something again and again while its failure is a passing one, for as long as `busy` says.
    fn while_busy<T, E>(
        self,
        passing: impl Fn(&E) -> bool,
        mut once: impl FnMut() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let deadline = Instant::now() + self.busy;
        loop {
            match once() {
                Err(error) if passing(&error) && Instant::now() < deadline => thread::sleep(self.retry),
                done => return done,
            }
        }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            create: Duration::from_secs(240),
            ask: Duration::from_secs(240),
            signal: Duration::from_secs(1),
            shutdown: Duration::from_secs(30),
            terminate: Duration::from_secs(30),
            look: Duration::from_secs(30),
            relay: Duration::from_secs(1),
            retry: Duration::from_millis(100),
            busy: Duration::from_secs(5),
        }
    }
}

/// Runs containers on this Windows host.
#[derive(Debug, Clone)]
pub struct HcsEngine {
    data: PathBuf,
    own_roots: Vec<PathBuf>,
    deadlines: Deadlines,
    windows: Version,
}

impl HcsEngine {
    /// Makes an engine that keeps scratch layers below `data`. `own_roots` are all directories where we keep
    /// something: they are never mapped into a container.
    pub fn new(data: impl Into<PathBuf>, own_roots: Vec<PathBuf>, deadlines: Deadlines) -> Self {
        Self { data: data.into(), own_roots, deadlines, windows: version::of_this_windows() }
    }

    fn scratch(&self) -> PathBuf {
        self.data.join("scratch")
    }
}

impl Engine for HcsEngine {
    fn capabilities(&self) -> Capabilities {
        let (schema, schemas) = match self.windows.build >= SERVER_2019 {
            true => (Schema::V2, Schema::ALL),
            false => (Schema::V1, &[Schema::V1][..]),
        };
        Capabilities { engine: "hcs", schema, schemas, host_cpus: processors::count() }
    }

    fn acquire(
        &self,
        id: &ContainerId,
        spec: &Spec,
        schema: Schema,
        observer: &dyn Observer,
    ) -> Result<Box<dyn Grants>> {
        Ok(Box::new(grants::acquire(self, id, spec, schema, observer)?))
    }

    fn explain(&self, _spec: &Spec, _request: &Request) -> Result<Option<serde_json::Value>> {
        Ok(None)
    }

    /// Systems are looked for where that is asked: they end with their launchers, so that is seldom of use.
    fn leftovers(&self, search: Search) -> Leftovers {
        let mut found = Leftovers::default();
        found.add(layers::left(&self.scratch()));
        if search == Search::Thorough {
            systems::left(self.windows, self.deadlines).into_iter().for_each(|systems| found.add(systems));
        }
        found
    }

    fn examine(&self, _id: &ContainerId) -> Vec<Finding> {
        checks::examine(self.windows, self.deadlines)
    }

    /// All that is made here belongs to a container.
    fn tidy(&self) -> Result<()> {
        Ok(())
    }

    fn reclaim(&self, id: &ContainerId, observer: &dyn Observer) -> Result<()> {
        // Where it does not end its layer stays as it is: that is not taken from under who may run on it.
        if systems::end(id, self.windows, self.deadlines)? {
            observer.step(&format!("HcsTerminateComputeSystem: Container terminated, name: [{id}]"));
        }
        if layers::reclaim(&self.scratch().join(id.as_str()), self.deadlines)? {
            observer.step(&format!("DestroyLayer: Layer destroyed, name: [{id}]"));
        }
        Ok(())
    }
}
