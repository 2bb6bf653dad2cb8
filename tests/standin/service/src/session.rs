//! What handles stand for, and what is done with them, in both DLLs alike.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use hcs_schema::properties::State;
use hcs_schema::results::{ExitType, ProcessStatus, SystemExitStatus};
use serde::Serialize;
use serde_json::{Value, json};

use crate::code::{Code, Failure, Family, Result};
use crate::document::{self, ProcessChange, PropertyQuery, StreamName, SystemQuery};
use crate::fault::Delivery;
use crate::machine::Record;
use crate::process::{self, Pipes};
use crate::signal;
use crate::store::{Holder, Store};
use crate::watch::{Kind, Mailbox, News, Watch};

/// A call that was noted.
#[derive(Debug)]
pub struct Call {
    /// Where the state lies.
    pub store: Store,
    /// How its news shall be told.
    pub delivery: Delivery,
}

impl Call {
    /// Notes a call.
    ///
    /// # Errors
    /// There is no state to note it in, or it fails by script.
    pub fn begin(name: &str, arguments: &Value) -> Result<Self> {
        let store = Store::from_environment()?;
        let delivery = store.lock()?.begin(name, arguments)?;
        Ok(Self { store, delivery })
    }
}

/// An open compute system.
#[derive(Debug)]
pub struct System {
    store: Store,
    id: String,
    mailbox: Arc<Mailbox>,
    /// How it is told to this handle that the system ended.
    exit: Arc<Mutex<Delivery>>,
    holder: Option<Holder>,
}

impl System {
    fn new(store: Store, id: &str, holder: Holder) -> Self {
        Self { store, id: id.to_owned(), mailbox: Arc::default(), exit: Arc::default(), holder: Some(holder) }
    }

    /// Makes one.
    ///
    /// # Errors
    /// Its document is refused, or there is one of its id.
    pub fn create(call: &Call, family: Family, id: &str, text: &str) -> Result<Self> {
        let wanted = document::container(family, id, text)?;
        sweep(&call.store)?;
        let holder = call.store.lock()?.create(&Record::new(id, wanted), text)?;
        let created = Self::new(call.store.clone(), id, holder);
        created.exit_if(call.delivery)?;
        Ok(created)
    }

    /// Exits unexpectedly, where that is what shall be told.
    fn exit_if(&self, delivery: Delivery) -> Result<()> {
        match delivery {
            Delivery::Exits => self.end(ExitType::UnexpectedExit, Delivery::Once),
            _ => Ok(()),
        }
    }

    /// Opens one.
    ///
    /// # Errors
    /// There is none of that id.
    pub fn open(call: &Call, id: &str) -> Result<Self> {
        sweep(&call.store)?;
        let holder = call.store.lock()?.open(id)?;
        Ok(Self::new(call.store.clone(), id, holder))
    }

    /// Returns its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Tells this handle's callback something.
    pub fn tell(&self, kind: Kind, delivery: Delivery) {
        self.mailbox.put(News { kind, status: None, data: None }, delivery);
    }

    /// Starts it.
    ///
    /// # Errors
    /// It was started before.
    pub fn start(&self, delivery: Delivery) -> Result<()> {
        if matches!(delivery, Delivery::Refused(_)) {
            return Ok(());
        }
        self.store.lock()?.change(&self.id, Record::start)?;
        self.exit_if(delivery)
    }

    /// Ends it with its processes.
    ///
    /// # Errors
    /// It has ended, or shall shut down and does not run.
    pub fn end(&self, how: ExitType, delivery: Delivery) -> Result<()> {
        if delivery == Delivery::Ignored {
            return Ok(());
        }
        let processes = self.store.lock()?.change(&self.id, |record| {
            let processes = record.end(how)?;
            let early = delivery == Delivery::Early;
            // Set while the state is held, so that no callback finds the end before.
            *locked(&self.exit) = if early { Delivery::Never } else { delivery };
            Ok(processes)
        })?;
        if delivery == Delivery::Early {
            self.mailbox.put(exited(Some(how)), delivery);
        }
        end(processes);
        Ok(())
    }

    /// Returns what it says of itself, as JSON.
    ///
    /// # Errors
    /// The query is refused.
    pub fn properties(&self, query: &str) -> Result<String> {
        let query: PropertyQuery = document::read(query)?;
        Ok(text(&self.store.lock()?.record(&self.id)?.properties(&query.property_types)))
    }

    /// Runs a process in it.
    ///
    /// # Errors
    /// The document is refused, the system does not run, or the program cannot be run.
    pub fn create_process(&self, family: Family, text: &str, delivery: Delivery) -> Result<(Process, Pipes)> {
        let wanted = document::process(family, text)?;
        // Held until the process is noted, so that it is in every list of those to be ended.
        let state = self.store.lock()?;
        let record = state.record(&self.id)?;
        record.may_run()?;
        let (mut child, pipes) = process::spawn(&wanted, &record.wanted.mappings)?;
        let process = Process { pipes: Mutex::new(pipes.again()?), ..self.process(child.id(), delivery) };
        state.change(&self.id, |record| {
            record.add(process.pid);
            Ok(())
        })?;
        let (store, id, pid) = (self.store.clone(), self.id.clone(), process.pid);
        let note = move || {
            let (code, used) = process::wait(&mut child);
            let exited = |record: &mut Record| {
                record.exited(pid, code, used);
                Ok(())
            };
            // A system that is gone needs no note of it.
            let _ = store.lock().and_then(|state| state.change(&id, exited));
        };
        thread::spawn(note);
        Ok((process, pipes))
    }

    /// Opens a process of it.
    ///
    /// # Errors
    /// There is none of that number.
    pub fn open_process(&self, pid: u32) -> Result<Process> {
        self.store.lock()?.record(&self.id)?.process(pid)?;
        Ok(self.process(pid, Delivery::Once))
    }

    fn process(&self, pid: u32, delivery: Delivery) -> Process {
        let (store, system) = (self.store.clone(), self.id.clone());
        Process { store, system, pid, delivery, pipes: Mutex::default() }
    }

    /// Registers a callback.
    pub fn watch(&self, tell: impl Fn(&News) + Send + 'static) -> Watch {
        let (store, id, exit) = (self.store.clone(), self.id.clone(), Arc::clone(&self.exit));
        let mut told = false;
        let look = move || {
            let record = store.lock().and_then(|state| state.record(&id)).ok();
            let ended = record.filter(|record| record.state == State::Stopped && !told);
            let Some(record) = ended else { return Vec::new() };
            told = true;
            exited(record.exit).delivered(*locked(&exit))
        };
        Watch::start(Arc::clone(&self.mailbox), look, tell)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        drop(self.holder.take());
        // What cannot be removed now is removed by the next call.
        let _ = sweep(&self.store);
    }
}

/// An open process.
#[derive(Debug)]
pub struct Process {
    store: Store,
    system: String,
    pid: u32,
    delivery: Delivery,
    /// The service's own ends of its pipes, where it was created by this handle.
    pipes: Mutex<Pipes>,
}

impl Process {
    /// Returns its number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    fn status(&self) -> Result<ProcessStatus> {
        self.store.lock()?.record(&self.system)?.process(self.pid)
    }

    /// Returns how it stands, as JSON.
    ///
    /// # Errors
    /// Its system is gone.
    pub fn properties(&self) -> Result<String> {
        self.status().map(|status| text(&status))
    }

    /// Tells whether it runs.
    ///
    /// # Errors
    /// It has ended.
    pub fn needs_running(&self) -> Result<()> {
        let ended = || Failure::new(Code::PROCESS_ALREADY_STOPPED, format!("process {} has ended", self.pid));
        if self.status()?.exited { Err(ended()) } else { Ok(()) }
    }

    /// Ends it by force.
    ///
    /// # Errors
    /// It has ended.
    pub fn terminate(&self, delivery: Delivery) -> Result<()> {
        self.needs_running()?;
        if delivery == Delivery::Ignored { Ok(()) } else { process::kill(self.pid) }
    }

    /// Returns its number and handles of its pipes.
    ///
    /// # Errors
    /// It has ended.
    pub fn information(&self) -> Result<(u32, Pipes)> {
        self.needs_running()?;
        Ok((self.pid, locked(&self.pipes).again()?))
    }

    /// Changes it. A stream of its that is closed is open still while the caller has its end; a console has no size
    /// here.
    ///
    /// # Errors
    /// The request is refused, or it has ended.
    pub fn modify(&self, settings: &str) -> Result<()> {
        let change: ProcessChange = document::read(settings)?;
        self.needs_running()?;
        let mut pipes = locked(&self.pipes);
        match change {
            ProcessChange::ConsoleSize { .. } => {}
            ProcessChange::CloseHandle { stream } => match stream.handle {
                StreamName::StdIn => pipes.stdin = None,
                StreamName::StdOut => pipes.stdout = None,
                StreamName::StdErr => pipes.stderr = None,
            },
        }
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self) -> Result<()> {
        self.needs_running()?;
        signal::send(self.pid)
    }

    /// Registers a callback.
    pub fn watch(&self, tell: impl Fn(&News) + Send + 'static) -> Watch {
        let (store, system, pid, delivery) =
            (self.store.clone(), self.system.clone(), self.pid, self.delivery);
        let mut told = false;
        let look = move || {
            let status = store.lock().and_then(|state| state.record(&system)?.process(pid)).ok();
            let early = matches!(delivery, Delivery::Early | Delivery::Leaves);
            let Some(status) = status.filter(|status| !told && (status.exited || early)) else {
                return Vec::new();
            };
            told = true;
            News { kind: Kind::ProcessExited, status: None, data: Some(text(&status)) }.delivered(delivery)
        };
        Watch::start(Arc::default(), look, tell)
    }
}

/// Lists the systems that a query asks for, as JSON.
///
/// # Errors
/// The query is refused.
pub fn enumerate(call: &Call, query: &str) -> Result<String> {
    let query: SystemQuery = document::read(query)?;
    sweep(&call.store)?;
    let state = call.store.lock()?;
    let records = state.ids().into_iter().filter_map(|id| state.record(&id).ok());
    let asked = records.filter(|record| query.takes(&record.id, record.wanted.owner.as_deref()));
    Ok(json!(asked.map(|record| record.properties(&[])).collect::<Vec<_>>()).to_string())
}

/// Removes the systems whose last handle is closed, and ends what ran in them.
fn sweep(store: &Store) -> Result<()> {
    end(store.lock()?.sweep()?);
    Ok(())
}

/// Ends processes; one that has ended by itself meanwhile is none to end.
fn end(processes: Vec<u32>) {
    for id in processes {
        let _ = process::kill(id);
    }
}

fn exited(exit_type: Option<ExitType>) -> News {
    let unexpected = exit_type == Some(ExitType::UnexpectedExit);
    let code = unexpected.then_some(Code::UNEXPECTED_EXIT);
    let status = code.map_or(0, |code| code.hresult(Family::V1).cast_signed());
    let data = text(&SystemExitStatus { status, exit_type });
    News { kind: Kind::SystemExited, status: code, data: Some(data) }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
