//! What handles stand for, and what is done with them, in both DLLs alike.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::json;

use crate::build;
use crate::call::Call;
use crate::code::{Code, Failure, Family, Result};
use crate::document::{self, Stream, StreamName};
use crate::fault::Delivery;
use crate::job::Job;
use crate::machine::{ExitType, ProcessStatus, Record, State};
use crate::process::{self, Pipes};
use crate::signal;
use crate::store::{Holder, Store};
use crate::watch::{Kind, Mailbox, News, Watch};

/// An open compute system.
#[derive(Debug)]
pub struct System {
    store: Store,
    /// The DLL that the handle is of.
    family: Family,
    id: String,
    /// The job object that its processes are in, where this handle made it.
    job: Option<Job>,
    mailbox: Arc<Mailbox>,
    /// How it is told to this handle that the system ended.
    exit: Arc<Mutex<Delivery>>,
    holder: Option<Holder>,
}

impl System {
    fn new(store: Store, family: Family, id: &str, job: Option<Job>, holder: Holder) -> Self {
        let (id, mailbox, exit) = (id.to_owned(), Arc::default(), Arc::default());
        Self { store, family, id, job, mailbox, exit, holder: Some(holder) }
    }

    /// Makes one.
    ///
    /// # Errors
    /// Its document is refused, or there is one of its id.
    pub fn create(call: &Call, family: Family, id: &str, text: &str) -> Result<Self> {
        let wanted = document::system(family, build::of_this_windows(), id, text)?;
        sweep(&call.store)?;
        let state = call.store.lock()?;
        let layer = state.layer_of(&wanted.volume)?;
        let holder = state.create(&Record::new(id, wanted, layer), text)?;
        let job = Job::of_container(id, state.is_of_system());
        drop(state);
        let created = Self::new(call.store.clone(), family, id, job, holder);
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
    pub fn open(call: &Call, family: Family, id: &str) -> Result<Self> {
        sweep(&call.store)?;
        let holder = call.store.lock()?.open(id)?;
        Ok(Self::new(call.store.clone(), family, id, None, holder))
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
    /// It was started before, or another DLL made it.
    pub fn start(&self, delivery: Delivery) -> Result<()> {
        if matches!(delivery, Delivery::Refused(_)) {
            return Ok(());
        }
        let start = |record: &mut Record| {
            record.needs_own(self.family, "start")?;
            record.start()
        };
        self.store.lock()?.change(&self.id, start)?;
        self.exit_if(delivery)
    }

    /// Ends it with its processes.
    ///
    /// # Errors
    /// It has ended; or it shall shut down, and does not run or another DLL made it.
    pub fn end(&self, how: ExitType, delivery: Delivery) -> Result<()> {
        if delivery == Delivery::Ignored {
            return Ok(());
        }
        let processes = self.store.lock()?.change(&self.id, |record| {
            if how == ExitType::GracefulExit {
                record.needs_own(self.family, "shut down")?;
            }
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
    pub fn properties(&self, query: Option<&str>) -> Result<String> {
        let query = document::property_query(self.family, build::of_this_windows(), query)?;
        Ok(self.store.lock()?.record(&self.id)?.properties(&query.property_types).to_string())
    }

    /// Runs a process in it.
    ///
    /// # Errors
    /// The document is refused, the system does not run, another DLL made it, or the program cannot be run.
    pub fn create_process(&self, text: &str, delivery: Delivery) -> Result<(Process, Pipes)> {
        let wanted = document::process(self.family, build::of_this_windows(), text)?;
        // Held until the process is noted, so that it is in every list of those to be ended.
        let state = self.store.lock()?;
        let record = state.record(&self.id)?;
        record.needs_own(self.family, "create a process in")?;
        record.may_run()?;
        let (mut child, pipes) = process::spawn(&wanted, &record.wanted.mappings, self.job.as_ref())?;
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
        self.status().map(|status| json!(status).to_string())
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
        let change = document::change(build::of_this_windows(), settings)?;
        self.needs_running()?;
        let mut pipes = locked(&self.pipes);
        match change.close_handle {
            None => {}
            Some(Stream { handle: StreamName::StdIn }) => pipes.stdin = None,
            Some(Stream { handle: StreamName::StdOut }) => pipes.stdout = None,
            Some(Stream { handle: StreamName::StdErr }) => pipes.stderr = None,
        }
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// The request is refused, or it has ended.
    pub fn signal(&self, options: &str) -> Result<()> {
        document::signal(build::of_this_windows(), options)?;
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
            News { kind: Kind::ProcessExited, status: None, data: Some(json!(status).to_string()) }
                .delivered(delivery)
        };
        Watch::start(Arc::default(), look, tell)
    }
}

/// Lists the systems that a query asks for, as JSON.
///
/// # Errors
/// The query is refused.
pub fn enumerate(call: &Call, query: Option<&str>) -> Result<String> {
    let query = document::system_query(build::of_this_windows(), query)?;
    sweep(&call.store)?;
    let state = call.store.lock()?;
    let records = state.ids().into_iter().filter_map(|id| state.record(&id).ok());
    let asked = records.filter(|record| query.takes(&record.id, record.wanted.owner.as_deref()));
    Ok(json!(asked.map(|record| record.properties(&[])).collect::<Vec<_>>()).to_string())
}

/// Removes the systems whose last handle is closed, and ends what ran in them.
///
/// # Errors
/// One cannot be removed.
pub fn sweep(store: &Store) -> Result<()> {
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
    let mut data = json!({"Status": status});
    if let Some(exit_type) = exit_type {
        data["ExitType"] = json!(exit_type);
    }
    News { kind: Kind::SystemExited, status: code, data: Some(data.to_string()) }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
