//! The Windows engine: the documents go to the Host Compute Service itself.
//!
//! ```text
//! acquire   privileges -> directories, program, output file -> chain of layers -> scratch layer, mounted
//! create    HcsCreateComputeSystem      (schema v1: vmcompute.dll, schema v2: computecore.dll, never mixed)
//! start     HcsStartComputeSystem
//! spawn     HcsCreateProcess, and its output relayed
//! release   shutdown, or else termination -> handles closed -> layer unmounted and destroyed
//! <data>/scratch/nspawn_<name>/   the scratch layer of one container
//! ```
//!
//! A system ends with the last handle to it, so that of a launcher that was killed only the layer is left, under the
//! container's name.

mod compute;
mod error;
mod events;
mod files;
mod grants;
mod layers;
mod relay;
mod system;

use std::path::PathBuf;
use std::time::Duration;

use hcs_sys::version::{self, Version};

use crate::document::{Request, Schema};
use crate::engine::{Capabilities, Engine, Grants, Observer, Search};
use crate::error::Result;
use crate::spec::{ContainerId, Spec};
use crate::state::ids_in;

/// The first build that has computecore.dll, schema v2 and signals: Windows Server 2019.
const SERVER_2019: u32 = 17_763;

/// How long the service may take for each thing. hcsshim's own values are the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// To make a system, or to start it.
    pub create: Duration,
    /// To start a process, or to answer a question.
    pub ask: Duration,
    /// To shut a system down, before it is terminated.
    pub shutdown: Duration,
    /// To terminate a system, before it is left to `gc`.
    pub terminate: Duration,
    /// Between two looks at whether a process still runs, should nothing be told of its end.
    pub look: Duration,
    /// To pass on what a process wrote last, once it has ended.
    pub relay: Duration,
    /// Between two tries to mount a layer.
    pub retry: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            create: Duration::from_secs(240),
            ask: Duration::from_secs(240),
            shutdown: Duration::from_secs(30),
            terminate: Duration::from_secs(30),
            look: Duration::from_secs(30),
            relay: Duration::from_secs(1),
            retry: Duration::from_millis(100),
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
        let schema = if self.windows.build >= SERVER_2019 { Schema::V2 } else { Schema::V1 };
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Capabilities { engine: "hcs", schema, host_cpus: u32::try_from(cpus).unwrap_or(1) }
    }

    fn acquire(&self, id: &ContainerId, spec: &Spec, observer: &dyn Observer) -> Result<Box<dyn Grants>> {
        Ok(Box::new(grants::acquire(self, id, spec, observer)?))
    }

    fn explain(&self, _spec: &Spec, _request: &Request) -> Result<Option<serde_json::Value>> {
        Ok(None)
    }

    /// Systems are not looked for: they end with their launchers.
    fn leftovers(&self, _search: Search) -> Result<Vec<ContainerId>> {
        ids_in(&self.scratch())
    }

    /// All that is made here belongs to a container.
    fn tidy(&self) -> Result<()> {
        Ok(())
    }

    fn reclaim(&self, id: &ContainerId) -> Result<()> {
        layers::reclaim(&self.scratch().join(id.as_str()))
    }
}
