//! A compute system of the service, and its process.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use hcs_schema::results::ProcessStatus;
use hcs_schema::v2::Processor;
use hcs_sys::affinity;
use hcs_sys::presence::Presence;

use super::compute::{self, Compute, ProcessHandle};
use super::error::failed;
use super::events::{Events, Told};
use super::grants::HcsGrants;
use super::relay::{Ends, Relay};
use super::{Deadlines, SERVER_2019};
use crate::document::{ProcessDocument, Request, SystemDocument};
use crate::engine::{Enforcement, Event, Exit, ExitStatus, Process, System, Usage, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::rollback::Rollback;
use crate::spec::{AffinityMask, ContainerId};

/// What being killed is reported as, on every engine.
const KILL: u8 = 9;

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
        let compute = Compute::create(&id, &request.system, engine.deadlines)?;
        let affinity = request.extras.affinity;
        Ok(Self {
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
        })
    }

    fn compute(&self) -> Result<&Arc<Compute>> {
        self.compute.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::WrongState, "use", format!("container {}", self.id))
                .reason("it is released")
        })
    }
}

impl System for HcsSystem {
    fn start(&mut self) -> Result<()> {
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

    fn spawn(&mut self) -> Result<Arc<dyn Process>> {
        let compute = Arc::clone(self.compute()?);
        let ends = self.ends.take().ok_or_else(|| {
            Error::new(ErrorKind::WrongState, "run", "the program").reason("it was run before")
        })?;
        let (handle, started) = compute.spawn(&self.document)?;
        let (handle, pid, ask) = (Arc::new(handle), started.pid, self.deadlines.ask);
        let relay = Relay::start(started, ends, &handle, ask)
            .map_err(|error| Error::io("pass on", "the program's output", error))?;
        let process = Arc::new(HcsProcess {
            relay: Mutex::new(Some(relay)),
            compute: Arc::downgrade(&compute),
            events: Arc::clone(&compute.events),
            handle: Mutex::new(Some(handle)),
            id: self.id.clone(),
            pid,
            v1: matches!(self.document, ProcessDocument::V1(_)),
            killed: AtomicBool::new(false),
            exit: OnceLock::new(),
            deadlines: self.deadlines,
            signals: self.signals,
        });
        self.process = Some(Arc::clone(&process));
        if let Some(mask) = self.affinity {
            match affinity::confine_process(pid, processors(mask)?) {
                Ok(()) => {}
                // One that has ended refuses, and is no failure.
                Err(_) if process.status().is_some_and(|status| status.exited) => {}
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

    fn terminate(&self) -> Result<()> {
        self.compute.as_ref().map_or(Ok(()), |compute| compute.terminate())
    }

    fn enforcement(&self) -> Vec<Enforcement> {
        self.enforcement.clone()
    }

    fn release(mut self: Box<Self>) -> Result<()> {
        let ended = self.end();
        // Even where it did not end: then unmounting fails, and the layer is found by its name later.
        let undone = self.rollback.undo(|_| {});
        match (ended, undone) {
            (Err(mut first), Err(second)) => {
                first.attach(second.one_line());
                Err(first)
            }
            (first, second) => first.and(second),
        }
    }
}

impl HcsSystem {
    fn affinity_became(&mut self, verdict: Verdict) {
        self.affinity = None;
        self.enforcement.push(Enforcement { limit: "cpu_affinity_hex", verdict });
    }

    /// Ends the system and closes its handles, those of the process first.
    fn end(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.close();
        }
        self.compute.take().map_or(Ok(()), |compute| compute.end())
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

/// When a process is looked at first, should nothing be told of its end: it may have ended before it was watched.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// See [`Process`].
#[derive(Debug)]
struct HcsProcess {
    handle: Mutex<Option<Arc<ProcessHandle>>>,
    relay: Mutex<Option<Relay>>,
    events: Arc<Events>,
    compute: Weak<Compute>,
    id: ContainerId,
    pid: u32,
    /// Whether it is vmcompute.dll's.
    v1: bool,
    /// Whether we ended it, or are about to.
    killed: AtomicBool,
    exit: OnceLock<Exit>,
    deadlines: Deadlines,
    /// Whether this Windows has signals.
    signals: bool,
}

impl Process for HcsProcess {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn signal(&self, event: Event) -> Result<()> {
        let options = match (event, self.signals) {
            (Event::CtrlC, true) => r#"{"Signal":"CtrlC"}"#,
            (Event::CtrlShutdown, true) => r#"{"Signal":"CtrlShutdown"}"#,
            // As hcsshim does on builds that have no signals.
            (Event::CtrlShutdown, false) => return self.kill(),
            (Event::CtrlC, false) => {
                return Err(Error::new(ErrorKind::Unsupported, "signal", "the program").reason(
                    "this Windows has no signals for containers: they came with Windows Server 2019",
                ));
            }
        };
        let Some(handle) = self.handle() else { return Ok(()) };
        let ask = self.deadlines.ask;
        // On Server Core the call returns only when the program has ended.
        let thread = thread::Builder::new().name("signal".to_owned());
        let sent = thread.spawn(move || handle.signal(options, ask));
        sent.map(drop).map_err(|error| Error::io("signal", "the program", error))
    }

    fn kill(&self) -> Result<()> {
        if self.exit.get().is_some() || self.killed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        if compute::kill(&self.id, self.pid, self.v1, self.deadlines.terminate).is_ok() {
            return Ok(());
        }
        // One that has ended cannot be killed, and the codes for that mean other things too: who may not kill is denied
        // access as well. So it is asked for; its end is then its own.
        if self.status().is_some_and(|status| status.exited) {
            self.killed.store(false, Ordering::Relaxed);
            return Ok(());
        }
        self.compute.upgrade().map_or(Ok(()), |compute| compute.terminate())
    }

    fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>> {
        if let Some(exit) = self.exit.get() {
            return Ok(Some(*exit));
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (mut heard, mut look) = (0, self.deadlines.look.min(FIRST_LOOK));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let within = left.map_or(look, |left| left.min(look));
            look = self.deadlines.look.min(look * 2);
            let told = self.events.wait(Some(within), |told: &Told| {
                let over = told.system_exited.is_some() || told.disconnected;
                (over || told.process_exits > heard).then_some((over, told.process_exits))
            });
            // It ends with its system, and where the service went away nothing more is told. All else is asked for: a
            // notification may be early, and may be lost.
            let status = self.status();
            let ended = match told {
                Some((true, _)) => true,
                Some((false, exits)) => {
                    heard = exits;
                    status.is_none_or(|status| status.exited)
                }
                None => status.is_some_and(|status| status.exited),
            };
            if ended {
                return Ok(Some(*self.exit.get_or_init(|| self.ended(status))));
            }
            if left.is_some_and(|left| left <= within) && told.is_none() {
                return Ok(None);
            }
        }
    }
}

impl HcsProcess {
    fn handle(&self) -> Option<Arc<ProcessHandle>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the handle, whoever still holds this process.
    fn close(&self) {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Asks how it stands; `None` where the service does not say.
    fn status(&self) -> Option<ProcessStatus> {
        self.handle().and_then(|handle| handle.status(self.deadlines.ask).ok())
    }

    /// Puts together how it ended. What cannot be asked any more, because the system has ended too, is not known.
    fn ended(&self, asked: Option<ProcessStatus>) -> Exit {
        if let Some(relay) = self.relay.lock().unwrap_or_else(PoisonError::into_inner).take() {
            relay.finish(self.deadlines.relay);
        }
        let told = || self.events.wait(Some(Duration::ZERO), |told| told.process_status);
        let status = asked.or_else(told);
        let status = match status.and_then(ProcessStatus::code) {
            // Its code is then one that the service chose.
            _ if self.killed.load(Ordering::Relaxed) => ExitStatus::Signal(KILL),
            Some(code) => ExitStatus::Code(code),
            None => ExitStatus::Lost,
        };
        let statistics = self.compute.upgrade().and_then(|compute| compute.statistics());
        let usage = statistics.map_or_else(Usage::default, |used| Usage {
            cpu_time_us: used.processor.total_runtime_100ns / 10,
            memory_peak_bytes: Some(used.memory.memory_usage_commit_peak_bytes),
            largest_process_bytes: None,
        });
        Exit { status, usage }
    }
}
