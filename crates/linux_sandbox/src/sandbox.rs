//! A running sandbox, seen from the launcher.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;
use std::time::Duration;

use rustix::fs::{Mode, fchmod, fstat, fstatfs};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, pidfd_send_signal};

use crate::cgroup::Entrance;
use crate::child::{self, Prepared};
use crate::error::{Context, Error, Result};
use crate::init::END;
use crate::message::{LEN, Message, NOTE_LEN, Step};
use crate::plan::Plan;
use crate::poll::readable;
use crate::raw::{self, Clone, Command, Mask};
use crate::seccomp::Filters;
use crate::stage::Staged;
use crate::texts::Texts;

/// Standard input, output and error of the program. It gets these very files, no copies through us.
#[derive(Debug)]
pub struct Stdio<'a> {
    /// Standard input.
    pub input: BorrowedFd<'a>,
    /// Standard output.
    pub output: BorrowedFd<'a>,
    /// Standard error.
    pub error: BorrowedFd<'a>,
}

/// How a sandbox ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How its program ended.
    pub program: ProgramExit,
    /// The signal that ended the process which the program's note names, if one did.
    pub subject_signal: Option<i32>,
    /// The program's note.
    pub note: [u8; NOTE_LEN],
    /// What the sandbox used.
    pub resources: Resources,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramExit {
    /// It exited, with this status (0 to 255).
    Exited(u8),
    /// A signal ended it.
    Signalled(i32),
    /// pid 1 was killed, and everything with it: how the program ended is not known.
    Lost,
}

/// What a sandbox and all its processes used, as the kernel counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resources {
    /// Processor time, user and system.
    pub cpu_time: Duration,
    /// The largest resident size that one of its processes had, in bytes.
    pub largest_process: u64,
}

/// A running sandbox. Dropping it kills everything in it.
#[derive(Debug)]
pub struct Sandbox {
    pid: i32,
    pidfd: OwnedFd,
    status: OwnedFd,
    control: OwnedFd,
    exit: Mutex<Option<Exit>>,
}

impl Sandbox {
    /// Runs the program of `plan` in what was staged of it, and returns once it runs. The program enters the control
    /// groups that `entrance` opens, if any. The caller may have other threads.
    ///
    /// # Errors
    /// What could not be made, in words; nothing is left of it. Executing the program fails as
    /// `cannot execute <its path>`.
    pub fn spawn(plan: &Plan, staged: Staged, stdio: &Stdio<'_>, entrance: Option<Entrance>) -> Result<Self> {
        let (status, teller) = pipe_with(PipeFlags::CLOEXEC).context("open", || "a pipe")?;
        let (listener, control) = pipe_with(PipeFlags::CLOEXEC).context("open", || "a pipe")?;
        let prepared = Prepared {
            staged,
            texts: Texts::find().context("read", || "/proc/self/stat")?,
            hostname: plan.hostname.clone().into_bytes(),
            filters: Filters::new(plan.interface).context("make", || "the system call filter")?,
            command: command(plan)?,
            layout: plan.program.layout,
            directory: c_string(&plan.program.directory)?,
            stdio: [above_stdio(stdio.input)?, above_stdio(stdio.output)?, above_stdio(stdio.error)?],
            entrance,
            status: teller,
            control: listener,
        };
        let [_, output, error] = &prepared.stdio;
        [output, error].into_iter().filter(|_| plan.account.is_some()).for_each(let_writers_in);
        let (pid, pidfd) = clone(&prepared, [status.as_raw_fd(), control.as_raw_fd()])?;
        drop(prepared);
        let sandbox = Self { pid, pidfd, status, control, exit: Mutex::new(None) };
        sandbox.await_start(plan)?;
        Ok(sandbox)
    }

    /// Returns pid 1's pid on the host.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Passes a signal to the program, or to the process that its note names; the sandbox may have ended.
    ///
    /// # Errors
    /// The system refuses.
    pub fn signal(&self, signal: u8) -> Result<()> {
        match rustix::io::write(&self.control, &[signal]) {
            Err(Errno::PIPE) | Ok(_) => Ok(()),
            Err(errno) => Err(Error::new("signal", self.subject(), errno)),
        }
    }

    /// Has pid 1 kill everything in the sandbox, and count what it used; the sandbox may have ended.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&self) -> Result<()> {
        match rustix::io::write(&self.control, &[END]) {
            Err(Errno::PIPE) | Ok(_) => Ok(()),
            Err(errno) => Err(Error::new("kill", self.subject(), errno)),
        }
    }

    /// Kills pid 1, and with it everything in the sandbox: where [`kill`](Self::kill) had no effect in time.
    ///
    /// # Errors
    /// The system refuses.
    pub fn destroy(&self) -> Result<()> {
        match pidfd_send_signal(&self.pidfd, Signal::KILL) {
            Err(Errno::SRCH) | Ok(()) => Ok(()),
            Err(errno) => Err(Error::new("kill", self.subject(), errno)),
        }
    }

    /// Waits until the program has ended and everything else in the sandbox is gone; `None` after `timeout`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>> {
        // One waiter at a time: the message can be read, and pid 1 reaped, only once.
        let mut exit = self.exit.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if exit.is_none() && readable(self.status.as_fd(), timeout).context("wait for", || self.subject())? {
            *exit = Some(self.collect()?);
        }
        Ok(*exit)
    }

    fn subject(&self) -> String {
        format!("pid 1 of the sandbox, process {}", self.pid)
    }

    fn await_start(&self, plan: &Plan) -> Result<()> {
        match self.read_message()? {
            Some(Message::Started) => Ok(()),
            Some(Message::Failed { step, index, errno }) => {
                let _ = raw::wait_for(self.pid);
                *self.exit.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(LOST);
                let source = io::Error::from_raw_os_error(errno);
                Err(Error::new(step.op(), subject_of(plan, step, index as usize), source).of(step.part()))
            }
            Some(Message::Ended { .. }) | None => {
                let source = io::Error::other("it was killed before the program ran");
                Err(Error::new("start", self.subject(), source))
            }
        }
    }

    /// Reads one message; `None` at the pipe's end.
    fn read_message(&self) -> Result<Option<Message>> {
        let mut bytes = [0; LEN];
        loop {
            match rustix::io::read(&self.status, &mut bytes) {
                Ok(count) => return Ok(Message::decode(&bytes[..count])),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::new("hear from", self.subject(), errno)),
            }
        }
    }

    /// Reads how the program ended and reaps pid 1, with which all of the sandbox is gone.
    fn collect(&self) -> Result<Exit> {
        let message = self.read_message()?;
        let (_, usage) = raw::wait_for(self.pid).context("wait for", || self.subject())?;
        let resources = resources(&usage);
        Ok(match message {
            Some(Message::Ended { status, subject, note }) => Exit {
                program: program_exit(status),
                subject_signal: (subject != 0).then_some(subject.cast_signed()),
                note,
                resources,
            },
            _ => Exit { resources, ..LOST },
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let ended = self.exit.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some();
        if !ended && self.destroy().is_ok() {
            let _ = raw::wait_for(self.pid);
        }
    }
}

const LOST: Exit = Exit {
    program: ProgramExit::Lost,
    subject_signal: None,
    note: [0; NOTE_LEN],
    resources: Resources { cpu_time: Duration::ZERO, largest_process: 0 },
};

/// Makes pid 1. Signals are blocked over the clone, so that no handler of ours ever runs in it; `ours` are the
/// launcher's ends of the pipes, which pid 1 must not hold: the end of the one is how it knows that we are gone.
fn clone(prepared: &Prepared, ours: [i32; 2]) -> Result<(i32, OwnedFd)> {
    let blocked = raw::block_signals(Mask::All);
    let cloned = raw::clone_into(raw::NAMESPACES);
    if matches!(cloned, Ok(Clone::Child)) {
        ours.into_iter().for_each(raw::close);
        child::run(prepared);
    }
    blocked.restore();
    match cloned {
        Ok(Clone::Parent { pid, pidfd }) => Ok((pid, pidfd)),
        Ok(Clone::Child) => raw::exit(125),
        Err(source) => Err(Error::new("create", "the sandbox's namespaces", source)),
    }
}

fn program_exit(status: i32) -> ProgramExit {
    if libc::WIFSIGNALED(status) {
        ProgramExit::Signalled(libc::WTERMSIG(status))
    } else {
        ProgramExit::Exited(libc::WEXITSTATUS(status) as u8)
    }
}

fn resources(usage: &libc::rusage) -> Resources {
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec.unsigned_abs()) + Duration::from_micros(t.tv_usec.unsigned_abs())
    };
    let largest_process = usage.ru_maxrss.unsigned_abs() * 1024; // getrusage(2): in kilobytes
    Resources { cpu_time: time(usage.ru_utime) + time(usage.ru_stime), largest_process }
}

/// Returns what a failed step was done to.
fn subject_of(plan: &Plan, step: Step, index: usize) -> String {
    match step {
        Step::Private => "the mounts of the sandbox".to_owned(),
        Step::Root | Step::Seal | Step::Pivot => "the new root".to_owned(),
        Step::Detach => "the old root".to_owned(),
        Step::Attach | Step::Proc => plan
            .mounts
            .get(index)
            .map_or_else(|| "a mount".to_owned(), |mount| format!("/{}", mount.target())),
        Step::Hostname => format!("the host name {:?}", plan.hostname),
        Step::Loopback => "the loopback interface".to_owned(),
        Step::Session => "a session".to_owned(),
        Step::Account => "the account of the sandbox".to_owned(),
        Step::Privileges => "privileges".to_owned(),
        Step::Filter => "system calls".to_owned(),
        Step::SignalFd => "a signal descriptor".to_owned(),
        Step::Fork => "the program's process".to_owned(),
        Step::Join => "the control group".to_owned(),
        Step::Groups => "the host's control groups".to_owned(),
        Step::Stdio => "the standard handles".to_owned(),
        Step::Close => "what the launcher holds".to_owned(),
        Step::Directory => plan.program.directory.clone(),
        Step::Exec => plan.program.executable.clone(),
    }
}

fn command(plan: &Plan) -> Result<Command> {
    let program = &plan.program;
    Command::new(&program.executable, &program.arguments, &program.environment)
        .ok_or_else(|| nul(&program.executable))
}

fn c_string(text: &str) -> Result<std::ffi::CString> {
    std::ffi::CString::new(text).map_err(|_| nul(text))
}

fn nul(subject: &str) -> Error {
    Error::new("pass on", format!("{subject:?}"), io::Error::other("it holds a NUL character"))
}

/// Duplicates a descriptor to a number above the standard ones, so that connecting one cannot overwrite another.
fn above_stdio(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    fcntl_dupfd_cloexec(fd, 3).context("duplicate", || "a standard handle")
}

/// `PIPEFS_MAGIC` of linux/magic.h.
const PIPEFS_MAGIC: i64 = 0x5049_5045;

/// Lets the account open a pipe without a name for writing, as programs do by /dev/stdout and the like: nobody gets at such
/// a pipe but who holds one of its ends. Not for reading, which would take what others write; and never standard input:
/// who can write there tells the shell that reads on after us what to do. A refusal is no matter: the handles themselves
/// work.
fn let_writers_in(handle: &OwnedFd) {
    if !fstatfs(handle).is_ok_and(|found| found.f_type == PIPEFS_MAGIC) {
        return;
    }
    if let Ok(stat) = fstat(handle) {
        let _ = fchmod(handle, Mode::from_raw_mode(stat.st_mode) | Mode::WOTH);
    }
}
