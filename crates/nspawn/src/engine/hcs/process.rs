//! The process of a compute system.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use hcs_schema::results::ProcessStatus;
use hcs_sys::{Code, Started};

use super::Deadlines;
use super::compute::{self, Compute, ProcessHandle};
use super::error::{failed, is_gone};
use super::events::{Events, Told};
use super::relay::{Ends, Relay};
use crate::engine::{Event, Exit, ExitStatus, Process, Usage};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::ContainerId;

/// What being killed is reported as, on every engine.
const KILL: u8 = 9;

/// When a process is looked at first, should nothing be told of its end: it may have ended before it was watched.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// How far we went to end a process, and until when that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ending {
    /// We do not.
    #[default]
    Not,
    /// It was killed, or is about to be.
    Killed(Instant),
    /// Its system was terminated, because that had no effect.
    Terminated(Instant),
}

impl Ending {
    fn due(self) -> Option<Instant> {
        match self {
            Self::Not => None,
            Self::Killed(due) | Self::Terminated(due) => Some(due),
        }
    }
}

/// What a wait was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// The system has ended, or the service went away: nothing more is told of the process.
    Over,
    /// It was told so often that the process has ended.
    Exits(u32),
    /// We went further to end it.
    Ending,
}

/// See [`Process`].
#[derive(Debug)]
pub(super) struct HcsProcess {
    handle: Mutex<Option<Arc<ProcessHandle>>>,
    relay: Mutex<Option<Relay>>,
    events: Arc<Events>,
    compute: Weak<Compute>,
    id: ContainerId,
    pid: u32,
    /// Whether it is vmcompute.dll's.
    v1: bool,
    ending: Mutex<Ending>,
    exit: OnceLock<Exit>,
    /// Why an event was not delivered.
    undelivered: Arc<Mutex<Option<Error>>>,
    /// Why some of the output was not.
    lost: Mutex<Vec<Error>>,
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
        let (ask, undelivered) = (self.deadlines.ask, Arc::clone(&self.undelivered));
        let (sender, answered) = channel::<()>();
        // On Server Core the call returns only when the program has ended.
        let send = move || {
            if let Some(error) = handle.signal(options, ask).err().filter(|error| !is_gone(error)) {
                let failure = failed("signal", "the program", error);
                *undelivered.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            }
            drop(sender);
        };
        let sent = thread::Builder::new().name("signal".to_owned()).spawn(send);
        sent.map_err(|error| Error::io("signal", "the program", error))?;
        // Nothing is sent: the thread's end is what tells. What it comes to later is for who asks later.
        let _ = answered.recv_timeout(self.deadlines.signal);
        taken(&self.undelivered).map_or(Ok(()), Err)
    }

    fn undelivered(&self) -> Option<Error> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).pop();
        lost.or_else(|| taken(&self.undelivered))
    }

    fn kill(&self) -> Result<()> {
        if self.exit.get().is_some() || !self.begin_to_kill() {
            return Ok(());
        }
        let Err(error) = compute::kill(&self.id, self.pid, self.v1, self.deadlines.terminate) else {
            return Ok(());
        };
        // One that has ended cannot be killed, and the codes for that mean other things too: who may not kill is denied
        // access as well. So it is asked for; its end is then its own, if not that of a kill without an answer.
        if self.has_exited() {
            if error.code() != Some(Code::OPERATION_TIMEOUT) {
                *self.ending() = Ending::Not;
            }
            return Ok(());
        }
        self.terminate()
    }

    fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>> {
        if let Some(exit) = self.exit.get() {
            return Ok(Some(*exit));
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (mut heard, mut look) = (0, self.deadlines.look.min(FIRST_LOOK));
        loop {
            let until = |end: Instant| end.saturating_duration_since(Instant::now());
            let (left, ending) = (deadline.map(until), *self.ending());
            let within = left.into_iter().chain(ending.due().map(until)).fold(look, Duration::min);
            let news = self.events.wait(within, |told: &Told| match () {
                () if told.system_exited.is_some() || told.disconnected => Some(News::Over),
                () if told.process_exits > heard => Some(News::Exits(told.process_exits)),
                () => (*self.ending() != ending).then_some(News::Ending),
            });
            if news == Some(News::Ending) {
                continue;
            }
            look = self.deadlines.look.min(look * 2);
            // It ends with its system, and where the service went away nothing more is told. All else is asked for: a
            // notification may be early, and may be lost.
            let status = self.told_exit().or_else(|| self.status());
            let ended = match news {
                Some(News::Exits(exits)) => {
                    heard = exits;
                    // Where there is no answer, what was told counts.
                    status.or_else(|| self.told_status()).is_none_or(|status| status.exited)
                }
                Some(_) => true,
                None => status.is_some_and(|status| status.exited),
            };
            if ended {
                return Ok(Some(*self.exit.get_or_init(|| self.ended(status))));
            }
            if self.outlives_all() {
                return Ok(Some(*self.exit.get_or_init(|| self.exit(ExitStatus::Lost))));
            }
            if left.is_some_and(|left| left <= within) && news.is_none() {
                return Ok(None);
            }
        }
    }
}

impl HcsProcess {
    /// Takes a process that was started, and begins to pass on what it reads and writes.
    pub(super) fn new(
        id: ContainerId,
        compute: &Arc<Compute>,
        (handle, started, ends): (ProcessHandle, Started, Ends),
        deadlines: Deadlines,
        signals: bool,
    ) -> Result<Self> {
        let (v1, pid) = (matches!(handle, ProcessHandle::V1(_)), started.pid);
        let handle = Arc::new(handle);
        let relay = Relay::start(started, ends, &handle, deadlines.ask)
            .map_err(|error| Error::io("pass on", "the program's output", error))?;
        Ok(Self {
            handle: Mutex::new(Some(handle)),
            relay: Mutex::new(Some(relay)),
            events: Arc::clone(&compute.events),
            compute: Arc::downgrade(compute),
            id,
            pid,
            v1,
            ending: Mutex::default(),
            exit: OnceLock::new(),
            undelivered: Arc::default(),
            lost: Mutex::default(),
            deadlines,
            signals,
        })
    }

    /// Tells whether it has ended; false where the service does not say.
    pub(super) fn has_exited(&self) -> bool {
        self.status().is_some_and(|status| status.exited)
    }

    fn handle(&self) -> Option<Arc<ProcessHandle>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ending(&self) -> MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that it is to be killed, which who waits for its end takes up at once; false where it was before.
    fn begin_to_kill(&self) -> bool {
        let due = Instant::now() + self.deadlines.terminate;
        let before = {
            let mut ending = self.ending();
            let before = *ending;
            if before == Ending::Not {
                *ending = Ending::Killed(due);
            }
            before
        };
        self.events.wake();
        before == Ending::Not
    }

    /// Ends it with its system.
    fn terminate(&self) -> Result<()> {
        *self.ending() = Ending::Terminated(Instant::now() + self.deadlines.terminate);
        self.events.wake();
        self.compute.upgrade().map_or(Ok(()), |compute| compute.terminate())
    }

    /// Goes on where it was killed in vain: its system is terminated, and where that is in vain too, returns true.
    fn outlives_all(&self) -> bool {
        let (now, ending) = (Instant::now(), *self.ending());
        if matches!(ending, Ending::Killed(due) if due <= now) {
            // That it fails is told when the system is ended.
            let _ = self.terminate();
        }
        matches!(ending, Ending::Terminated(due) if due <= now)
    }

    /// Closes the handle, whoever still holds this process. What it writes from now on is lost.
    pub(super) fn close(&self) {
        drop(self.relay.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Asks how it stands; `None` where the service does not say. While it is ended, an answer is waited for no longer
    /// than that may take.
    fn status(&self) -> Option<ProcessStatus> {
        let within = match *self.ending() {
            Ending::Not => self.deadlines.ask,
            Ending::Killed(_) | Ending::Terminated(_) => self.deadlines.ask.min(self.deadlines.terminate),
        };
        self.handle().and_then(|handle| handle.status(within).ok())
    }

    /// Returns how it ended, where it was told whole: by schema v2, as hcsshim takes it. vmcompute.dll is asked always.
    fn told_exit(&self) -> Option<ProcessStatus> {
        let told = || self.events.wait(Duration::ZERO, |told| told.process_exit.map(|exit| exit.0));
        if self.v1 { None } else { told() }
    }

    /// Returns how it stood when it was told that it has ended.
    fn told_status(&self) -> Option<ProcessStatus> {
        self.events.wait(Duration::ZERO, |told| told.process_status)
    }

    /// Puts together how it ended. What cannot be asked any more, because the system has ended too, is not known.
    fn ended(&self, asked: Option<ProcessStatus>) -> Exit {
        let status = asked.or_else(|| self.told_status());
        self.exit(match status.and_then(ProcessStatus::code) {
            // Its code is then one that the service chose.
            _ if *self.ending() != Ending::Not => ExitStatus::Signal(KILL),
            Some(code) => ExitStatus::Code(code),
            None => ExitStatus::Lost,
        })
    }

    /// Makes its exit, once all that it wrote is passed on.
    fn exit(&self, status: ExitStatus) -> Exit {
        if let Some(relay) = self.relay.lock().unwrap_or_else(PoisonError::into_inner).take() {
            *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = relay.finish(self.deadlines.relay);
        }
        let statistics = self.compute.upgrade().and_then(|compute| compute.statistics());
        let usage = statistics.map_or_else(Usage::default, |used| Usage {
            cpu_time_us: used.processor.total_runtime_100ns / 10,
            memory_peak_bytes: Some(used.memory.memory_usage_commit_peak_bytes),
            largest_process_bytes: None,
        });
        Exit { status, usage }
    }
}

fn taken(error: &Mutex<Option<Error>>) -> Option<Error> {
    error.lock().unwrap_or_else(PoisonError::into_inner).take()
}
