//! A compute system of the service.

use std::num::NonZeroUsize;
use std::sync::Arc;

use hcs_schema::v2::Processor;
use hcs_sys::affinity;
use hcs_sys::presence::Presence;

use super::compute::Compute;
use super::error::failed;
use super::grants::HcsGrants;
use super::process::HcsProcess;
use super::relay::Ends;
use super::{Deadlines, SERVER_2019};
use crate::document::{ProcessDocument, Request, SystemDocument};
use crate::engine::{Enforcement, Process, System, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::rollback::Rollback;
use crate::spec::{AffinityMask, ContainerId};

/// See [`System`].
#[derive(Debug)]
pub(super) struct HcsSystem {
    // Dropped in this order: the process's handle, the system's, the scratch layer once nothing uses it, and last
    // what says that we live.
    process: Option<Arc<HcsProcess>>,
    compute: Option<Arc<Compute>>,
    rollback: Rollback,
    _presence: Presence,
    id: ContainerId,
    document: ProcessDocument,
    ends: Option<Ends>,
    /// What is still to be set.
    affinity: Option<AffinityMask>,
    /// Why it could not be set on the container as a whole.
    unconfined: Option<String>,
    enforcement: Vec<Enforcement>,
    deadlines: Deadlines,
    signals: bool,
}

impl HcsSystem {
    pub(super) fn create(grants: HcsGrants, request: Request) -> Result<Self> {
        let HcsGrants { engine, id, ends, rollback, presence, .. } = grants;
        let (compute, made) = Compute::create(&id, &request.system, engine.deadlines)?;
        let affinity = request.extras.affinity;
        let mut system = Self {
            process: None,
            compute: Some(Arc::new(compute)),
            rollback,
            _presence: presence,
            enforcement: enforced(&request.system),
            id,
            document: request.process,
            ends: Some(ends),
            affinity,
            unconfined: None,
            deadlines: engine.deadlines,
            signals: engine.windows.build >= SERVER_2019,
        };
        match made {
            Ok(()) => Ok(system),
            Err(error) => Err(system.give_up(error)),
        }
    }

    fn compute(&self) -> Result<&Arc<Compute>> {
        self.compute.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::WrongState, "use", format!("container {}", self.id))
                .reason("it is released")
        })
    }
}

impl HcsSystem {
    fn start_it(&mut self) -> Result<()> {
        let compute = Arc::clone(self.compute()?);
        if let Some(mask) = self.affinity {
            // On the container as a whole where we may: no process of it can be too early for that.
            match affinity::confine_container(self.id.as_str(), processors(mask)?) {
                Ok(()) => self.affinity_became(Verdict::Enforced),
                Err(error) => self.unconfined = Some(error.to_string()),
            }
        }
        compute.start()
    }

    fn spawn_in_it(&mut self) -> Result<Arc<dyn Process>> {
        let compute = Arc::clone(self.compute()?);
        let ends = self.ends.take().ok_or_else(|| {
            Error::new(ErrorKind::WrongState, "run", "the program").reason("it was run before")
        })?;
        let (handle, started) = compute.spawn(&self.document)?;
        let pid = started.pid;
        let ran = (handle, started, ends);
        let process = HcsProcess::new(self.id.clone(), &compute, ran, self.deadlines, self.signals)?;
        let process = Arc::new(process);
        self.process = Some(Arc::clone(&process));
        if let Some(mask) = self.affinity {
            match affinity::confine_process(pid, processors(mask)?) {
                Ok(()) => {}
                // One that has ended refuses, and is no failure.
                Err(_) if process.has_exited() => {}
                Err(error) => return Err(failed("confine", "the program", error)),
            }
            let why = self.unconfined.take().unwrap_or_default();
            let reason = format!(
                "set on the program once it ran, what it had started by then is free: the container as a whole \
                cannot be confined ({why})"
            );
            self.affinity_became(Verdict::Partial(reason));
        }
        Ok(process)
    }
}

impl System for HcsSystem {
    fn start(&mut self) -> Result<()> {
        self.start_it().map_err(|error| self.give_up(error))
    }

    fn spawn(&mut self) -> Result<Arc<dyn Process>> {
        self.spawn_in_it().map_err(|error| self.give_up(error))
    }

    fn terminate(&self) -> Result<()> {
        self.compute.as_ref().map_or(Ok(()), |compute| compute.terminate())
    }

    fn enforcement(&self) -> Vec<Enforcement> {
        self.enforcement.clone()
    }

    fn release(mut self: Box<Self>) -> Result<()> {
        // What it uses is not taken from under it: where it does not end that is left to `gc`.
        self.end()?;
        self.rollback.undo(|_| {})
    }
}

impl HcsSystem {
    fn affinity_became(&mut self, verdict: Verdict) {
        self.affinity = None;
        self.enforcement.push(Enforcement { limit: "cpu_affinity_hex", verdict });
    }

    /// Ends the system and closes its handles, those of the process first. Where it is not known to have ended its
    /// layer stays mounted, under its name.
    fn end(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.close();
        }
        let ended = self.compute.take().map_or(Ok(()), |compute| compute.end());
        ended.map_err(|mut error| {
            self.rollback.abandon();
            error.attach(
                "its scratch layer is left mounted, as it may be in use: hostcompute_nspawn gc removes it",
            );
            error
        })
    }

    /// Ends it, because of a failure that is told first.
    fn give_up(&mut self, mut failure: Error) -> Error {
        if let Err(error) = self.end() {
            failure.attach(error.one_line());
            error.events().iter().for_each(|event| failure.attach(event.clone()));
        }
        failure
    }
}

impl Drop for HcsSystem {
    fn drop(&mut self) {
        // The failure that led here is the one to report.
        let _ = self.end();
    }
}

fn processors(mask: AffinityMask) -> Result<NonZeroUsize> {
    let bits = usize::try_from(mask.bits()).ok().and_then(NonZeroUsize::new);
    bits.ok_or_else(|| Error::invalid("cpu_affinity_hex", "names processors that this system cannot have"))
}

/// Returns what becomes of the limits that a document holds: the service enforces them.
fn enforced(document: &SystemDocument) -> Vec<Enforcement> {
    let (memory, count, percent, iops, bandwidth) = match document {
        SystemDocument::V1(config) => (
            config.memory_maximum_in_mb.is_some(),
            config.processor_count.is_some(),
            config.processor_maximum.is_some(),
            config.storage_iops_maximum.is_some(),
            config.storage_bandwidth_maximum.is_some(),
        ),
        SystemDocument::V2(system) => {
            let container = &system.container;
            let qos = container.storage.as_ref().and_then(|storage| storage.qos).unwrap_or_default();
            (
                container.memory.is_some(),
                matches!(container.processor, Some(Processor::Count(_))),
                matches!(container.processor, Some(Processor::Maximum(_))),
                qos.iops_maximum.is_some(),
                qos.bandwidth_maximum.is_some(),
            )
        }
    };
    let storage = || match document {
        SystemDocument::V1(_) => Verdict::Enforced,
        SystemDocument::V2(_) => {
            Verdict::Partial("mapped directories are not limited in schema v2".to_owned())
        }
    };
    let all = [
        ("max_ram_mb", memory, Verdict::Enforced),
        ("cpus_count", count, Verdict::Enforced),
        ("max_cpu_percent", percent, Verdict::Enforced),
        ("max_storage_iops", iops, storage()),
        ("max_storage_bandwidth_bytes_per_sec", bandwidth, storage()),
    ];
    let asked = all.into_iter().filter(|(_, asked, _)| *asked);
    asked.map(|(limit, _, verdict)| Enforcement { limit, verdict }).collect()
}
