//! A scripted engine: does what a test says, and records what it was asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::doctor::Finding;
use crate::document::{Request, Root, Schema};
use crate::engine::{
    Capabilities, Enforcement, Engine, Event, Exit, ExitStatus, Grants, Leftovers, Observer, Process, Search,
    System, Usage,
};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{ContainerId, Spec};

/// A step of a run that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `Engine::acquire`.
    Acquire,
    /// `Grants::create`.
    Create,
    /// `System::start`.
    Start,
    /// `System::spawn`.
    Spawn,
    /// `System::release`.
    Release,
}

/// How the scripted program behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// It ends by itself.
    Ends(ExitStatus),
    /// It runs until it gets an event, and then exits with this code.
    Obeys(u32),
    /// It runs until it is killed.
    Ignores,
}

/// An engine that runs nothing.
#[derive(Debug, Clone)]
pub struct FakeEngine {
    program: Program,
    fails: Option<Step>,
    calls: Arc<Mutex<Vec<String>>>,
    held: Arc<Mutex<BTreeSet<ContainerId>>>,
}

impl FakeEngine {
    /// Makes an engine whose program behaves as `program` says.
    pub fn new(program: Program) -> Self {
        Self { program, fails: None, calls: Arc::default(), held: Arc::default() }
    }

    /// Makes `step` fail.
    #[must_use]
    pub fn failing(mut self, step: Step) -> Self {
        self.fails = Some(step);
        self
    }

    /// Returns what it was asked, in order; giving back what was acquired is the call `release`.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.calls).clone()
    }

    fn call(&self, name: &str, step: Option<Step>) -> Result<()> {
        lock(&self.calls).push(name.to_owned());
        match step.is_some() && step == self.fails {
            true => Err(Error::new(ErrorKind::Host, "do", name.to_owned()).reason("as the script says")),
            false => Ok(()),
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine for FakeEngine {
    fn capabilities(&self) -> Capabilities {
        Capabilities { engine: "fake", schema: Schema::V2, schemas: Schema::ALL, host_cpus: 4 }
    }

    fn acquire(
        &self,
        id: &ContainerId,
        spec: &Spec,
        _schema: Schema,
        _observer: &dyn Observer,
    ) -> Result<Box<dyn Grants>> {
        self.call("acquire", Some(Step::Acquire))?;
        let root = Root { volume: format!("/fake/{id}"), scratch: format!("/fake/{id}"), layers: Vec::new() };
        lock(&self.held).insert(id.clone());
        let held = Held { engine: self.clone(), id: id.clone() };
        Ok(Box::new(FakeGrants { held, spec: spec.clone(), root }))
    }

    fn explain(&self, _spec: &Spec, _request: &Request) -> Result<Option<serde_json::Value>> {
        Ok(None)
    }

    fn leftovers(&self, _search: Search) -> Leftovers {
        Leftovers { ids: lock(&self.held).iter().cloned().collect(), unsearched: Vec::new() }
    }

    fn examine(&self, _id: &ContainerId) -> Vec<Finding> {
        Vec::new()
    }

    fn tidy(&self) -> Result<()> {
        self.call("tidy", None)
    }

    fn reclaim(&self, id: &ContainerId, _observer: &dyn Observer) -> Result<()> {
        lock(&self.held).remove(id);
        self.call(&format!("reclaim {id}"), None)
    }
}

/// What was acquired and must be given back exactly once. Where giving it back shall fail, it stays for `reclaim`.
struct Held {
    engine: FakeEngine,
    id: ContainerId,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.engine.call("release", Some(Step::Release)).is_ok() {
            lock(&self.engine.held).remove(&self.id);
        }
    }
}

struct FakeGrants {
    held: Held,
    spec: Spec,
    root: Root,
}

impl Grants for FakeGrants {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn root(&self) -> &Root {
        &self.root
    }

    fn create(self: Box<Self>, _request: Request) -> Result<Box<dyn System>> {
        let engine = &self.held.engine;
        engine.call("create", Some(Step::Create))?;
        let end = match engine.program {
            Program::Ends(status) => Some(status),
            Program::Obeys(_) | Program::Ignores => None,
        };
        let process = FakeProcess { engine: engine.clone(), end: Mutex::new(end), ended: Condvar::new() };
        let process = Arc::new(process);
        Ok(Box::new(FakeSystem { process, held: self.held }))
    }
}

struct FakeSystem {
    process: Arc<FakeProcess>,
    held: Held,
}

impl System for FakeSystem {
    fn start(&mut self) -> Result<()> {
        self.held.engine.call("start", Some(Step::Start))
    }

    fn spawn(&mut self) -> Result<Arc<dyn Process>> {
        self.held.engine.call("spawn", Some(Step::Spawn))?;
        Ok(Arc::clone(&self.process) as _)
    }

    fn terminate(&self) -> Result<()> {
        self.process.kill()
    }

    fn enforcement(&self) -> Vec<Enforcement> {
        Vec::new()
    }

    fn release(self: Box<Self>) -> Result<()> {
        self.held.engine.call("give back", Some(Step::Release))
    }
}

struct FakeProcess {
    engine: FakeEngine,
    end: Mutex<Option<ExitStatus>>,
    ended: Condvar,
}

impl FakeProcess {
    fn end(&self, status: ExitStatus) {
        lock(&self.end).get_or_insert(status);
        self.ended.notify_all();
    }
}

impl Process for FakeProcess {
    fn pid(&self) -> u32 {
        1
    }

    fn signal(&self, event: Event) -> Result<()> {
        self.engine.call(&format!("signal {event:?}"), None)?;
        if let Program::Obeys(code) = self.engine.program {
            self.end(ExitStatus::Code(code));
        }
        Ok(())
    }

    fn kill(&self) -> Result<()> {
        self.engine.call("kill", None)?;
        self.end(ExitStatus::Signal(9));
        Ok(())
    }

    fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut end = lock(&self.end);
        while end.is_none() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            end = match left {
                Some(Duration::ZERO) => break,
                Some(left) => self.ended.wait_timeout(end, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.ended.wait(end).unwrap_or_else(PoisonError::into_inner),
            };
        }
        Ok(end.map(|status| Exit { status, usage: Usage::default() }))
    }
}
