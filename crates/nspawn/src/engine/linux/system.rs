//! A compute system of the Linux engine, and its process.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use linux_sandbox::cgroup::Group;
use linux_sandbox::{Ownership, Plan, ProgramExit, Sandbox, Sources, Staged, Stdio};

use super::account::User;
use super::grants::LinuxGrants;
use super::limits;
use super::lower::{Loader, Surroundings, lower};
use super::orders::Note;
use super::{PATIENCE, account, room, sandbox_error};
use crate::document::Request;
use crate::engine::{Enforcement, Event, Exit, ExitStatus, Process, System, Unenforced, Usage};
use crate::error::{Error, ErrorKind, Result};
use crate::report::{HostIds, UserReport};
use crate::rollback::Rollback;

/// See [`System`].
pub(super) struct LinuxSystem {
    process: Option<Arc<LinuxProcess>>,
    rollback: Rollback,
    plan: Plan,
    user: User,
    windows: bool,
    sources: Sources,
    staged: Option<Staged>,
    shortfall: Option<Error>,
    stdio: [OwnedFd; 3],
    group: Option<Group>,
    enforcement: Vec<Enforcement>,
    base: PathBuf,
    scratch: PathBuf,
    unenforced: Unenforced,
}

impl LinuxSystem {
    /// Makes a system of what was granted: lowers the documents, makes the control group.
    pub(super) fn create(grants: LinuxGrants, request: &Request) -> Result<Self> {
        let LinuxGrants {
            engine,
            id,
            loader,
            system,
            start_up,
            merged,
            account,
            mut sources,
            groups,
            stdio,
            mut rollback,
            ..
        } = grants;
        let host =
            Surroundings { system: &system, merged: &merged, account, start_up, cpus: engine.host_cpus };
        let lowered = lower(request, &loader, &host)?;
        let (mut group, mut enforcement) = (None, Vec::new());
        if let Some(host) = groups {
            let failed = |error| limits::group_error(&error);
            let (limits, verdicts) =
                limits::resolve(&lowered.limits, &mut sources, &host, engine.unenforced)?;
            let made = host.create(&engine.group_name(&id), &limits).map_err(failed)?;
            let undone = made.clone();
            rollback.push("remove the control group", move || undone.destroy(PATIENCE).map_err(failed));
            (group, enforcement) = (Some(made), verdicts);
        }
        let (windows, base) = (matches!(loader, Loader::Wine(_)), engine.data.join("base"));
        let scratch = engine.scratch().join(id.as_str());
        let (plan, staged, shortfall, process) = (lowered.plan, None, None, None);
        Ok(Self {
            process,
            rollback,
            plan,
            user: lowered.user,
            windows,
            sources,
            staged,
            shortfall,
            stdio,
            group,
            enforcement,
            base,
            scratch,
            unenforced: engine.unenforced,
        })
    }
}

impl System for LinuxSystem {
    /// Makes the container's root. Its first process, pid 1, comes into being with the program.
    fn start(&mut self) -> Result<()> {
        let (staged, shortfall) = account::stage(&mut self.plan, &mut self.sources, self.unenforced)?;
        (self.staged, self.shortfall) = (Some(staged), shortfall);
        Ok(())
    }

    fn spawn(&mut self) -> Result<Arc<dyn Process>> {
        let staged = self.staged.take().ok_or_else(|| {
            Error::new(ErrorKind::WrongState, "run", "the program").reason("the container is not started")
        })?;
        let entrance = self.group.as_ref().map(Group::entrance).transpose();
        let entrance = entrance.map_err(|error| limits::group_error(&error))?;
        let [input, output, error] = &self.stdio;
        let stdio = Stdio { input: input.as_fd(), output: output.as_fd(), error: error.as_fd() };
        let sandbox = Sandbox::spawn(&self.plan, staged, &stdio, entrance).map_err(sandbox_error)?;
        let (group, windows) = (self.group.clone(), self.windows);
        let (told, out_of_memory) = (AtomicBool::new(false), AtomicBool::new(false));
        let (base, scratch) = (self.base.clone(), self.scratch.clone());
        let killed = OnceLock::new();
        let process =
            Arc::new(LinuxProcess { sandbox, group, windows, told, killed, out_of_memory, base, scratch });
        self.process = Some(Arc::clone(&process));
        Ok(process)
    }

    fn terminate(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), |process| process.kill())
    }

    fn user(&self) -> Option<UserReport> {
        let account = self.plan.account?;
        let ids = match (self.shortfall.is_some(), account.ownership, account.system) {
            (true, ..) => HostIds::Directory,
            (false, Ownership::Required, _) => HostIds::Own,
            (false, Ownership::WherePossible, Some(_)) => HostIds::Two,
            (false, Ownership::WherePossible, None) => HostIds::One,
        };
        Some(UserReport { name: self.user.name().to_owned(), ids: Some(ids) })
    }

    fn shortfall(&self) -> Option<&Error> {
        self.shortfall.as_ref()
    }

    fn enforcement(&self) -> Vec<Enforcement> {
        self.enforcement.clone()
    }

    fn release(mut self: Box<Self>) -> Result<()> {
        self.end()?;
        self.rollback.undo(|_| {})
    }
}

impl LinuxSystem {
    /// Ends the processes, and waits until they are gone.
    fn end(&mut self) -> Result<()> {
        let Some(process) = self.process.take() else { return Ok(()) };
        process.kill()?;
        if process.sandbox.wait(Some(PATIENCE)).map_err(sandbox_error)?.is_some() {
            return Ok(());
        }
        process.sandbox.destroy().map_err(sandbox_error)?;
        process.sandbox.wait(Some(PATIENCE)).map_err(sandbox_error)?.map(|_| ()).ok_or_else(outlived)
    }
}

fn outlived() -> Error {
    let error = Error::new(ErrorKind::Timeout, "end", "the processes of the container");
    error.reason("they outlive being killed").with_hint("when they are gone: hostcompute_nspawn gc")
}

impl Drop for LinuxSystem {
    fn drop(&mut self) {
        // Others may hold the process still, and the rest is undone right after this.
        let _ = self.end();
    }
}

/// See [`Process`].
pub(super) struct LinuxProcess {
    sandbox: Sandbox,
    group: Option<Group>,
    /// Whether the program is a Windows one, with an agent that notes its exit code.
    windows: bool,
    /// Whether it was told to end.
    told: AtomicBool,
    /// When it was killed first.
    killed: OnceLock<Instant>,
    out_of_memory: AtomicBool,
    /// Where base layers are kept.
    base: PathBuf,
    /// The container's scratch layer.
    scratch: PathBuf,
}

/// How often the count of processes killed for memory is looked at. The kernel of control groups v1 kills one
/// process, and its container may linger without it.
const MEMORY_WATCH: Duration = Duration::from_millis(100);

const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;

/// What programs exit with that do not handle Control-C: 0 with Wine 8, `STATUS_CONTROL_C_EXIT` with Wine 10, as on
/// Windows.
const UNHANDLED: [u32; 2] = [0, 0xC000_013A];

impl Process for LinuxProcess {
    fn pid(&self) -> u32 {
        self.sandbox.pid().unsigned_abs()
    }

    fn signal(&self, event: Event) -> Result<()> {
        // Wine turns SIGINT into the Control-C event; it has no Unix signal for a shutdown event, and Control-C is
        // the next gentle one.
        let signal = match (event, self.windows) {
            (Event::CtrlC, _) | (Event::CtrlShutdown, true) => SIGINT,
            (Event::CtrlShutdown, false) => SIGTERM,
        };
        self.told.store(true, Ordering::Relaxed);
        self.sandbox.signal(signal).map_err(sandbox_error)
    }

    fn kill(&self) -> Result<()> {
        self.killed.get_or_init(Instant::now);
        self.sandbox.kill().map_err(sandbox_error)
    }

    fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let watched = self.group.as_ref().filter(|group| group.usage().oom_kills.is_some());
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // A kill without effect is noticed within its own patience.
            let slice = if watched.is_some() { MEMORY_WATCH } else { PATIENCE };
            let slice = left.map_or(slice, |left| left.min(slice));
            let exit = self.sandbox.wait(Some(slice)).map_err(sandbox_error)?;
            let usage = self.group.as_ref().map(Group::usage);
            if usage.as_ref().and_then(|usage| usage.oom_kills).is_some_and(|kills| kills > 0) {
                self.out_of_memory.store(true, Ordering::Relaxed);
                self.kill()?;
            }
            match exit {
                Some(exit) => {
                    let peak = usage.and_then(|usage| usage.memory_peak);
                    return self.exit(exit, peak).map(Some);
                }
                None if left.is_some_and(|left| left <= slice) => return Ok(None),
                None => self.press_on()?,
            }
        }
    }
}

impl LinuxProcess {
    /// Goes on where it was killed in vain: pid 1 is killed, and where that is in vain too, fails.
    fn press_on(&self) -> Result<()> {
        match self.killed.get().map(Instant::elapsed) {
            Some(since) if since >= 2 * PATIENCE => Err(outlived()),
            Some(since) if since >= PATIENCE => self.sandbox.destroy().map_err(sandbox_error),
            _ => Ok(()),
        }
    }

    /// Puts together what pid 1 saw, what the agent noted, and what the control group counted.
    fn exit(&self, exit: linux_sandbox::Exit, memory_peak_bytes: Option<u64>) -> Result<Exit> {
        let note = Note::parse(&exit.note);
        let status = match (exit.program, note) {
            _ if self.out_of_memory.load(Ordering::Relaxed) => ExitStatus::OutOfMemory,
            (ProgramExit::Lost, _) => ExitStatus::Lost,
            // Not the program's end, of which there was none, nor by us.
            (ProgramExit::Signalled(signal), note @ (Note::Silent | Note::Booting))
                if self.windows && !self.told.load(Ordering::Relaxed) && self.killed.get().is_none() =>
            {
                return Err(self.lost_session(&format!("by signal {signal}"), note));
            }
            (ProgramExit::Signalled(signal), _) => ExitStatus::Signal(signal as u8),
            (ProgramExit::Exited(code), _) if !self.windows => ExitStatus::Code(u32::from(code)),
            // The agent sees code 0 where a signal ended the program; pid 1 knows better.
            (ProgramExit::Exited(_), Note::Exited(code)) => match exit.subject_signal {
                Some(signal) => ExitStatus::Signal(signal as u8),
                // Being stopped must not look like success, and not look otherwise with another Wine.
                None if UNHANDLED.contains(&code) && self.told.load(Ordering::Relaxed) => {
                    ExitStatus::Signal(SIGINT)
                }
                None => ExitStatus::Code(code),
            },
            // Told to end before the program ran: what it would have exited with is not known.
            _ if self.told.load(Ordering::Relaxed) => ExitStatus::Lost,
            (ProgramExit::Exited(_), Note::Failed(step, win32)) => return Err(step.failure(win32)),
            (ProgramExit::Exited(code), note @ (Note::Silent | Note::Booting | Note::Running)) => {
                return Err(self.lost_session(&format!("with status {code}"), note));
            }
        };
        let usage = Usage {
            cpu_time_us: exit.resources.cpu_time.as_micros().try_into().unwrap_or(u64::MAX),
            memory_peak_bytes,
            largest_process_bytes: Some(exit.resources.largest_process),
        };
        Ok(Exit { status, usage })
    }

    /// Says that the session ended so, without the program having ended.
    fn lost_session(&self, how: &str, note: Note) -> Error {
        let how_far = match note {
            Note::Silent => "before it began",
            Note::Booting => "while it prepared the session",
            _ => "while the program ran",
        };
        let error = Error::new(ErrorKind::Host, "run", "the container's first Windows process");
        let ended = format!("Wine ended {how} {how_far}");
        match room::check("more", &self.scratch, room::SESSION) {
            Err(full) => error.reason(format!("{ended}: {}", full.one_line())).with_hint(room::HINT),
            Ok(()) => error.reason(ended).with_hint(format!(
                "see what Wine said above, if anything; if the base layer is damaged, remove it, and it is made again: rm -r {}",
                self.base.display()
            )),
        }
    }
}
