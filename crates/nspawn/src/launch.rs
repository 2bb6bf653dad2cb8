//! One run, from a spec to its end. Phases are types: each step consumes the last, and dropping any of them gives
//! everything back.
//!
//! ```text
//! Launcher::create -> Created::start -> Running::wait -> Ended::remove -> Report
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::document::{self, Root, Schema};
use crate::engine::{Enforcement, Engine, Event, Exit, ExitStatus, Observer, Process, System};
use crate::error::{Error, ErrorKind, Result};
use crate::report::{Outcome, Phases, Report, UserReport};
use crate::spec::{ContainerId, Spec, User};
use crate::state::{Claim, State};

macro_rules! debug_by_id {
    ($($phase:ident: $id:expr),*) => {
        $(impl std::fmt::Debug for $phase<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let id: fn(&Self) -> &ContainerId = $id;
                f.debug_tuple(stringify!($phase)).field(id(self)).finish()
            }
        })*
    };
}

debug_by_id!(Created: |c| c.claim.id(), Running: |r| r.created.claim.id(), Ended: |e| e.created.claim.id());

/// How long a program has, after it was told to end, before it is killed.
pub const GRACE: Duration = Duration::from_secs(10);

/// Starts containers on one engine.
#[derive(Clone, Copy)]
pub struct Launcher<'a> {
    /// What runs them.
    pub engine: &'a dyn Engine,
    /// Where it is said that we live.
    pub state: &'a State,
    /// Told each step.
    pub observer: &'a dyn Observer,
    /// The schema of the documents; the engine's own where absent.
    pub schema: Option<Schema>,
    /// How long a program has between being told to end and being killed.
    pub grace: Duration,
}

impl std::fmt::Debug for Launcher<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Launcher").field("engine", &self.engine.capabilities()).finish_non_exhaustive()
    }
}

/// A container that was made and does not run yet.
pub struct Created<'a> {
    // Dropped in this order: the container goes before its name.
    system: Box<dyn System>,
    claim: Claim,
    launcher: Launcher<'a>,
    schema: Schema,
    timeout: Option<Duration>,
    user: User,
    clock: Clock,
}

/// A container whose program runs.
pub struct Running<'a> {
    process: Arc<dyn Process>,
    stop: Stop,
    created: Created<'a>,
}

/// A container whose program has ended.
pub struct Ended<'a> {
    exit: Exit,
    outcome: Outcome,
    enforcement: Vec<Enforcement>,
    created: Created<'a>,
}

impl<'a> Launcher<'a> {
    /// Makes a container: claims its name, takes what it needs from the host, builds its documents.
    ///
    /// # Errors
    /// The spec cannot be carried out here, or the host refuses; nothing is left.
    pub fn create(&self, id: &ContainerId, spec: &Spec) -> Result<Created<'a>> {
        let mut clock = Clock::start();
        let capabilities = self.engine.capabilities();
        let schema = capabilities.choose(self.schema)?;
        let claim = self.state.claim(id)?;
        let grants = self.engine.acquire(id, spec, schema, self.observer)?;
        go_on(self.observer)?;
        clock.lap(|phases, ms| phases.acquire_ms = ms);
        let (request, remarks) =
            document::build(id, grants.spec(), grants.root(), capabilities.host_cpus, schema)?;
        remarks.iter().for_each(|remark| self.observer.step(&remark.to_string()));
        self.observer.step(&format!("Container config: {}", json(&request.system)));
        let process = format!("Process config: {}", json(&request.process));
        let (timeout, user) = (grants.spec().timeout, grants.spec().process.user.clone());
        let system = grants.create(request)?;
        self.observer.step(&format!("HcsCreateComputeSystem: Container created, name: [{id}]"));
        self.observer.step(&process);
        clock.lap(|phases, ms| phases.create_ms = ms);
        Ok(Created { system, claim, launcher: *self, schema, timeout, user, clock })
    }
}

/// Fails where a signal told us to end: nothing runs yet, and all is given back.
///
/// # Errors
/// `Interrupted`.
pub(crate) fn go_on(observer: &dyn Observer) -> Result<()> {
    observer.interrupted().map_or(Ok(()), |signal| {
        let kind = ErrorKind::Interrupted(signal);
        Err(Error::new(kind, "start", "the container").reason(format!("signal {signal} told us to end")))
    })
}

/// Describes what [`Launcher::create`] would make of a spec, touching nothing: both documents, the extras, what they do
/// not say word for word, and the engine's own plan. Nil ids and placeholder paths stand for what the host would grant.
///
/// # Errors
/// The spec cannot be carried out by this engine.
pub fn describe(engine: &dyn Engine, spec: &Spec, schema: Option<Schema>) -> Result<serde_json::Value> {
    let id = spec.name.as_ref().map_or_else(|| ContainerId::from_random([0; 8]), ContainerId::named);
    let root = Root::stand_in(spec);
    let capabilities = engine.capabilities();
    let schema = capabilities.choose(schema)?;
    let (request, remarks) = document::build(&id, spec, &root, capabilities.host_cpus, schema)?;
    let plan = engine.explain(spec, &request)?;
    let remarks: Vec<String> = remarks.iter().map(ToString::to_string).collect();
    Ok(
        serde_json::json!({ "id": id.as_str(), "schema": schema, "request": request, "remarks": remarks, "plan": plan }),
    )
}

fn json(document: &impl serde::Serialize) -> String {
    serde_json::to_string(document).unwrap_or_else(|error| format!("({error})"))
}

impl<'a> Created<'a> {
    /// Starts the container and its program.
    ///
    /// # Errors
    /// The program cannot be executed, or the host refuses; nothing is left.
    pub fn start(mut self) -> Result<Running<'a>> {
        let observer = self.launcher.observer;
        go_on(observer)?;
        self.system.start()?;
        self.system.shortfall().into_iter().for_each(|error| observer.warn(error));
        observer.step(&format!("HcsStartComputeSystem: Container started, name: [{}]", self.claim.id()));
        let process = self.system.spawn()?;
        observer.step(&format!("HcsCreateProcess: Process created, pid: [{}]", process.pid()));
        self.clock.lap(|phases, ms| phases.start_ms = ms);
        let stop = Stop { process: Arc::clone(&process), cause: Arc::default() };
        Ok(Running { process, stop, created: self })
    }
}

/// Ends a running program from another thread.
#[derive(Clone)]
pub struct Stop {
    process: Arc<dyn Process>,
    cause: Arc<Mutex<Option<u8>>>,
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop").field("pid", &self.process.pid()).finish_non_exhaustive()
    }
}

impl Stop {
    /// Tells the program to end, because `signal` came; it may take its time or refuse.
    ///
    /// # Errors
    /// It has ended, or the host refuses.
    pub fn ask(&self, signal: u8, event: Event) -> Result<()> {
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(signal);
        self.process.signal(event)
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// The host refuses.
    pub fn kill(&self) -> Result<()> {
        self.process.kill()
    }
}

impl<'a> Running<'a> {
    /// Returns what ends the program from another thread.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits until the program has ended, or ends it when its time is up: event, grace, kill.
    ///
    /// # Errors
    /// The host cannot tell; the container is ended and removed.
    pub fn wait(mut self) -> Result<Ended<'a>> {
        let timeout = self.created.timeout;
        let (exit, timed_out) = match self.process.wait(timeout)? {
            Some(exit) => (exit, false),
            None => (self.end_it()?, true),
        };
        self.created.clock.lap(|phases, ms| phases.run_ms = ms);
        let undelivered = std::iter::from_fn(|| self.process.undelivered());
        undelivered.for_each(|error| self.created.launcher.observer.warn(&error));
        let cause = *self.stop.cause.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = match (exit.status, cause) {
            _ if timed_out => Outcome::TimedOut,
            (ExitStatus::Lost | ExitStatus::Signal(_), Some(signal)) => Outcome::Stopped(signal),
            (ExitStatus::Code(code), _) => Outcome::Exited(code),
            (ExitStatus::Signal(signal), None) => Outcome::Signalled(signal),
            (ExitStatus::OutOfMemory, _) => Outcome::OutOfMemory,
            (ExitStatus::Lost, None) => Outcome::Lost,
        };
        let enforcement = self.created.system.enforcement();
        Ok(Ended { exit, outcome, enforcement, created: self.created })
    }

    fn end_it(&self) -> Result<Exit> {
        let observer = self.created.launcher.observer;
        let name = self.created.claim.id();
        observer.step(&format!("HcsSignalProcess: Time is up, shutting down, name: [{name}]"));
        // One that cannot be told needs no time to end.
        let refused = self.process.signal(Event::CtrlShutdown).err();
        let grace = if refused.is_some() { Duration::ZERO } else { self.created.launcher.grace };
        if let Some(exit) = self.process.wait(Some(grace))? {
            return Ok(exit);
        }
        refused.iter().for_each(|error| observer.warn(error));
        self.process.kill()?;
        // How long that may take, and what is tried meanwhile, is the engine's to know.
        let exit = self.process.wait(None)?.ok_or_else(|| {
            Error::new(ErrorKind::Timeout, "end", format!("container {name}"))
                .reason("it outlives being killed")
        })?;
        observer.step(&format!("HcsTerminateComputeSystem: Container terminated, name: [{name}]"));
        Ok(exit)
    }
}

impl Ended<'_> {
    /// Gives everything back and reports.
    ///
    /// # Errors
    /// Something could not be removed; its name stays taken, so that the next command that collects removes it.
    /// The report stands all the same.
    pub fn remove(self) -> (Report, Result<()>) {
        let Created { system, claim, launcher, schema, user, mut clock, .. } = self.created;
        let id = claim.id().clone();
        let asked = match user {
            User::Default => None,
            User::Named(name) => Some(UserReport { name: name.as_str().to_owned(), ids: None }),
        };
        let (shortfall, user) = (system.shortfall().map(Error::one_line), system.user().or(asked));
        let released = system.release();
        match released {
            Ok(()) => {
                launcher.observer.step(&format!("DestroyLayer: Layer destroyed, name: [{id}]"));
                drop(claim);
            }
            Err(_) => claim.abandon(),
        }
        clock.lap(|phases, ms| phases.release_ms = ms);
        let report = Report::new(
            id,
            (launcher.engine.capabilities().engine, schema),
            self.outcome,
            (clock.started, clock.phases),
            self.exit.usage,
            self.enforcement,
        );
        (Report { shortfall, user, ..report }, released)
    }
}

/// Measures the phases of a run.
struct Clock {
    started: Timestamp,
    last: Instant,
    phases: Phases,
}

impl Clock {
    fn start() -> Self {
        Self { started: Timestamp::now(), last: Instant::now(), phases: Phases::default() }
    }

    fn lap(&mut self, set: impl FnOnce(&mut Phases, f64)) {
        let now = Instant::now();
        let ms = now.duration_since(self.last).as_secs_f64() * 1e3;
        set(&mut self.phases, (ms * 1e3).round() / 1e3);
        self.last = now;
    }
}
