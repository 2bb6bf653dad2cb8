//! A compute system and its process by either DLL: what differs between them ends here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hcs_schema::properties::{Properties, State, Statistics};
use hcs_schema::results::ProcessStatus;
use hcs_sys::vmcompute::Progress;
use hcs_sys::{Code, Started, computecore, vmcompute};

use super::Deadlines;
use super::error::{failed, is_gone, located};
use super::events::{Events, Said, Told};
use crate::document::{ProcessDocument, Schema, SystemDocument};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::ContainerId;

/// An open system; closing it ends it.
#[derive(Debug)]
pub(super) struct Compute {
    handle: SystemHandle,
    pub(super) events: Arc<Events>,
    /// Whether it was started.
    runs: AtomicBool,
    subject: String,
    deadlines: Deadlines,
}

#[derive(Debug)]
enum SystemHandle {
    V1(vmcompute::System),
    V2(computecore::System),
}

/// The DLL that a system is opened by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// vmcompute.dll.
    V1,
    /// computecore.dll.
    V2,
}

impl Api {
    /// Returns the DLL's file name.
    pub(super) fn library(self) -> &'static str {
        match self {
            Self::V1 => "vmcompute.dll",
            Self::V2 => "computecore.dll",
        }
    }

    /// Returns the schema of its documents.
    pub(super) fn schema(self) -> Schema {
        match self {
            Self::V1 => Schema::V1,
            Self::V2 => Schema::V2,
        }
    }

    /// Returns the systems that `query` (JSON) asks for, as a JSON array.
    pub(super) fn enumerate(self, query: &str, ask: Duration) -> hcs_sys::Result<String> {
        match self {
            Self::V1 => vmcompute::enumerate(query),
            Self::V2 => computecore::enumerate(query, ask),
        }
    }
}

/// An open process.
#[derive(Debug)]
pub(super) enum ProcessHandle {
    /// Of vmcompute.dll.
    V1(vmcompute::Process),
    /// Of computecore.dll.
    V2(computecore::Process),
}

impl Compute {
    /// Makes the system, and waits until it is made. Returns it beside why it was not made: it may be there all the
    /// same, and is the caller's to end.
    ///
    /// # Errors
    /// The service refuses at once, and there is none.
    pub(super) fn create(
        id: &ContainerId,
        document: &SystemDocument,
        deadlines: Deadlines,
    ) -> Result<(Self, Result<()>)> {
        let text = to_json(document)?;
        let made = Self::create_of(id, document, &text, deadlines);
        let (system, made) = made.map_err(|error| located(error, &text))?;
        Ok((system, made.map_err(|error| located(error, &text))))
    }

    fn create_of(
        id: &ContainerId,
        document: &SystemDocument,
        text: &str,
        deadlines: Deadlines,
    ) -> Result<(Self, Result<()>)> {
        let subject = format!("container {id}");
        let refused = |error| failed("create", subject.clone(), error);
        let events = Arc::new(Events::new());
        let (handle, watched, made) = match document {
            SystemDocument::V1(_) => {
                let (mut system, progress) = vmcompute::System::create(id.as_str(), text).map_err(refused)?;
                // What making it led to is kept for the callback.
                let watched = system.watch(events.sender());
                (SystemHandle::V1(system), watched, Ok(progress))
            }
            SystemDocument::V2(_) => {
                let (mut system, made) =
                    computecore::System::create(id.as_str(), text, deadlines.create).map_err(refused)?;
                let watched = system.watch(events.sender());
                (SystemHandle::V2(system), watched, made.map(|()| Progress::Done).map_err(refused))
            }
        };
        let runs = AtomicBool::new(false);
        let system = Self { handle, events, runs, subject: subject.clone(), deadlines };
        if let Err(error) = watched {
            // As where the service went away, nothing will tell when it ends: that is to be asked for.
            system.events.disconnect();
            return Ok((system, made.and_then(|_| Err(refused(error)))));
        }
        let made = made.and_then(|progress| {
            system.settle(("create", "HcsCreateComputeSystem"), progress, |told| told.created.as_ref())
        });
        Ok((system, made))
    }

    /// Opens the system of a container that another process made; `None` where there is none.
    pub(super) fn open(id: &ContainerId, api: Api, deadlines: Deadlines) -> Result<Option<Self>> {
        let subject = format!("container {id}");
        let events = Arc::new(Events::new());
        let open = || -> hcs_sys::Result<SystemHandle> {
            Ok(match api {
                Api::V1 => {
                    let mut system = vmcompute::System::open(id.as_str())?;
                    system.watch(events.sender())?;
                    SystemHandle::V1(system)
                }
                Api::V2 => {
                    let mut system = computecore::System::open(id.as_str())?;
                    system.watch(events.sender())?;
                    SystemHandle::V2(system)
                }
            })
        };
        match open() {
            Ok(handle) => {
                let runs = AtomicBool::new(true);
                Ok(Some(Self { handle, events, runs, subject, deadlines }))
            }
            Err(error) if is_gone(&error) => Ok(None),
            // A DLL that this Windows lacks has made none.
            Err(hcs_sys::Error::NoLibrary { .. }) => Ok(None),
            Err(error) => Err(failed("open", subject, error)),
        }
    }

    /// Starts it, and waits until it has started.
    pub(super) fn start(&self) -> Result<()> {
        let refused = |error| failed("start", self.subject.clone(), error);
        let progress = match &self.handle {
            SystemHandle::V1(system) => system.start().map_err(refused)?,
            SystemHandle::V2(system) => {
                system.start(self.deadlines.create).map_err(refused)?;
                Progress::Done
            }
        };
        self.settle(("start", "HcsStartComputeSystem"), progress, |told| told.started.as_ref())?;
        self.runs.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Waits for what a call of `function` that is not done yet leads to.
    fn settle(
        &self,
        (op, function): (&'static str, &'static str),
        progress: Progress,
        done: fn(&Told) -> Option<&Said>,
    ) -> Result<()> {
        if progress == Progress::Done {
            return Ok(());
        }
        let look = |told: &Told| match (done(told), &told.system_exited, told.disconnected) {
            (Some(said), _, _) if !said.code.is_failure() => Some(Ok(())),
            (Some(said), _, _) => Some(Err((said.clone(), None))),
            (None, Some(exit), _) => {
                let code = if exit.code.is_failure() { exit.code } else { Code::UNEXPECTED_EXIT };
                Some(Err((Said { code, ..exit.clone() }, exit.document.clone())))
            }
            (None, None, true) => Some(Err((Said { code: Code::SERVICE_DISCONNECT, document: None }, None))),
            (None, None, false) => None,
        };
        match self.events.wait(self.deadlines.create, look) {
            Some(Ok(())) => Ok(()),
            Some(Err((Said { code, document }, exit))) => {
                let refused = hcs_sys::Error::Refused { function, code, document };
                let mut error = failed(op, self.subject.clone(), refused);
                exit.into_iter().for_each(|exit| error.attach(format!("the system has exited: {exit}")));
                Err(error)
            }
            None => Err(self.late(op, self.deadlines.create)),
        }
    }

    fn late(&self, op: &'static str, deadline: Duration) -> Error {
        let reason = format!("the Host Compute Service did not answer within {} s", deadline.as_secs_f32());
        Error::new(ErrorKind::Timeout, op, self.subject.clone()).reason(reason)
    }

    /// Runs a process in it, whose end is told to the system's events.
    pub(super) fn spawn(&self, document: &ProcessDocument) -> Result<(ProcessHandle, Started)> {
        let (text, ask) = (to_json(document)?, self.deadlines.ask);
        let refused = |error| located(failed("run", "the program", error), &text);
        let (process, started) = match &self.handle {
            SystemHandle::V1(system) => {
                let (mut process, started) = system.create_process(&text).map_err(refused)?;
                process.watch(self.events.sender()).map_err(refused)?;
                (ProcessHandle::V1(process), started)
            }
            SystemHandle::V2(system) => {
                let (mut process, started) = system.create_process(&text, ask).map_err(refused)?;
                // Seen on Windows Server 2022: the process runs, and only what was started cannot be told. Asking again
                // after a success would race with its end, so this is for failures alone, and the first one counts.
                let started = started.or_else(|error| process.started(ask).map_err(|_| error));
                process.watch(self.events.sender()).map_err(refused)?;
                (ProcessHandle::V2(process), started.map_err(refused)?)
            }
        };
        Ok((process, started))
    }

    /// Shuts it down, and terminates it where that fails or takes too long; waits for its end.
    ///
    /// # Errors
    /// As [`Compute::force`].
    pub(super) fn end(&self) -> Result<()> {
        // One that does not run cannot shut down, and by schema v2 nothing would tell that.
        if !self.runs.load(Ordering::Relaxed) {
            return self.force();
        }
        let asked = match &self.handle {
            SystemHandle::V1(system) => system.shut_down().map(drop),
            SystemHandle::V2(system) => system.shut_down(),
        };
        match accepted(asked) {
            Ok(()) if self.has_ended(self.deadlines.shutdown) => return Ok(()),
            Err(error) if is_gone(&error) => return Ok(()),
            Ok(()) | Err(_) => {}
        }
        self.force()
    }

    /// Terminates it and waits for its end.
    ///
    /// # Errors
    /// It is not known to have ended: what it uses must be left to it.
    pub(super) fn force(&self) -> Result<()> {
        let mut failure = match accepted(self.ask_to_terminate()) {
            Ok(()) if self.has_ended(self.deadlines.terminate) => return Ok(()),
            Ok(()) => self.late("terminate", self.deadlines.terminate),
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => failed("terminate", self.subject.clone(), error),
        };
        // A failure, or that nothing is told, is not the last word.
        let look = |of: &Told| Some((of.system_exited.is_some(), of.disconnected));
        let (exited, disconnected) = self.events.wait(Duration::ZERO, look).unwrap_or_default();
        if exited || self.is_stopped(self.deadlines.ask.min(self.deadlines.terminate)) {
            return Ok(());
        }
        if disconnected {
            failure
                .attach("the Host Compute Service tells nothing of it any more; the container may still run");
        }
        Err(failure)
    }

    /// Terminates it; does not wait.
    pub(super) fn terminate(&self) -> Result<()> {
        match accepted(self.ask_to_terminate()) {
            Err(error) if !is_gone(&error) => Err(failed("terminate", self.subject.clone(), error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn ask_to_terminate(&self) -> hcs_sys::Result<()> {
        match &self.handle {
            SystemHandle::V1(system) => system.terminate().map(drop),
            SystemHandle::V2(system) => system.terminate(self.deadlines.terminate),
        }
    }

    /// Returns what its processes have used, as far as the service says.
    pub(super) fn statistics(&self) -> Option<Statistics> {
        let query = r#"{"PropertyTypes":["Statistics"]}"#;
        let text = self.properties(query, self.deadlines.ask).ok()?;
        serde_json::from_str::<Properties>(&text).ok()?.statistics
    }

    fn properties(&self, query: &str, within: Duration) -> hcs_sys::Result<String> {
        match &self.handle {
            SystemHandle::V1(system) => system.properties(query),
            SystemHandle::V2(system) => system.properties(query, within),
        }
    }

    /// Waits for its end. Where the service went away nothing is told of it, so it is asked for.
    fn has_ended(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let look = |told: &Told| match (&told.system_exited, told.disconnected) {
            (Some(_), _) => Some(true),
            (None, true) => Some(false),
            (None, false) => None,
        };
        match self.events.wait(within, look) {
            Some(true) => return true,
            Some(false) => {}
            None => return false,
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            if self.is_stopped(left) {
                return true;
            }
            thread::sleep(self.deadlines.retry.min(left));
        }
    }

    /// Asks whether it has ended; false where the service does not say.
    fn is_stopped(&self, within: Duration) -> bool {
        match self.properties("{}", within) {
            Ok(text) => {
                let properties = serde_json::from_str::<Properties>(&text);
                properties.is_ok_and(|of| of.stopped || of.state == Some(State::Stopped))
            }
            Err(error) => is_gone(&error),
        }
    }
}

impl ProcessHandle {
    /// Asks how the process stands.
    pub(super) fn status(&self, ask: Duration) -> Result<ProcessStatus> {
        let text = match self {
            Self::V1(process) => process.properties(),
            Self::V2(process) => process.properties(ask),
        };
        let text = text.map_err(|error| failed("inspect", "the program", error))?;
        serde_json::from_str(&text)
            .map_err(|error| Error::new(ErrorKind::Host, "read", "the program's status").source(error))
    }

    /// Sends it a signal (JSON). May block until it has ended.
    pub(super) fn signal(&self, options: &str, ask: Duration) -> hcs_sys::Result<()> {
        match self {
            Self::V1(process) => process.signal(options),
            Self::V2(process) => process.signal(options, ask),
        }
    }

    /// Closes its standard input.
    pub(super) fn close_input(&self, ask: Duration) -> hcs_sys::Result<()> {
        let settings = r#"{"Operation":"CloseHandle","CloseHandle":{"Handle":"StdIn"}}"#;
        match self {
            Self::V1(process) => process.modify(settings),
            Self::V2(process) => process.modify(settings, ask),
        }
    }
}

/// Takes the answer that something is not done yet as it is meant: the end is told later (hcsshim does the same).
fn accepted(answer: hcs_sys::Result<()>) -> hcs_sys::Result<()> {
    match answer {
        Err(error) if error.code() == Some(Code::PENDING) => Ok(()),
        answer => answer,
    }
}

/// Ends a process by handles of its own: the service takes one signal at a time by each handle, and one that is not
/// answered must not keep us.
pub(super) fn kill(id: &ContainerId, pid: u32, v1: bool, ask: Duration) -> hcs_sys::Result<()> {
    match v1 {
        true => vmcompute::System::open(id.as_str())?.open_process(pid)?.terminate(),
        false => computecore::System::open(id.as_str())?.open_process(pid)?.terminate(ask),
    }
}

fn to_json(document: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(document)
        .map_err(|error| Error::new(ErrorKind::Host, "write", "a document").source(error))
}
