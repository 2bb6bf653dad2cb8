//! The sandbox's pid 1 while the program runs: starts it, passes signals on, reaps, and at its end says how it
//! ended. When it exits, the kernel kills whatever is left in the sandbox; when the launcher dies, it exits.
//!
//! The rules of [`child`](crate::child) hold: no allocation, no lock.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::child::{Failure, Prepared, become_program, give_up_privileges, tell};
use crate::message::{Message, NOTE_LEN, Step};
use crate::raw::{self, Child, Fork};
use crate::seccomp::Sockets;

/// Starts the program and stays until it has ended or the launcher is gone.
pub(crate) fn run(prepared: &Prepared) -> Result<(), Failure> {
    let failed = |step| move |errno: Errno| Failure(step, 0, errno);
    let io = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    let children = raw::child_events().map_err(io).map_err(failed(Step::SignalFd))?;
    let sockets = prepared.filters.make_sockets().map_err(io).map_err(failed(Step::Filter))?;
    let (outcome, teller) = pipe_with(PipeFlags::CLOEXEC).map_err(failed(Step::Fork))?;
    let (gate, opener) = pipe_with(PipeFlags::CLOEXEC).map_err(failed(Step::Fork))?;
    let group = prepared.entrance.as_ref().and_then(|entrance| entrance.clone_into.as_ref());
    let program = match raw::fork(group.map(AsFd::as_fd)).map_err(io).map_err(failed(Step::Fork))? {
        Fork::Parent(program) => program,
        Fork::Child(born) => {
            let Failure(step, index, errno) = become_program(prepared, born, &teller, &gate);
            tell(teller.as_fd(), &Message::Failed { step, index, errno: errno.raw_os_error() });
            raw::exit(127);
        }
    };
    drop((teller, gate));
    give_up_privileges(prepared)?;
    prepared.filters.apply().map_err(io).map_err(failed(Step::Filter))?;
    keep_only(prepared, sockets.as_ref(), [&children, &outcome, &opener])
        .map_err(io)
        .map_err(failed(Step::Close))?;
    open(opener).map_err(failed(Step::Exec))?;
    await_exec(prepared, outcome)?;
    Init { prepared, program, subject: Subject::default(), waiting: Waiting::default(), sockets }
        .run(&children);
    Ok(())
}

/// Closes our copies of the launcher's descriptors: the program has its own by now, and each one held here would stay
/// open for as long as the program runs. The writing end of another sandbox's pipes is the worst of them, since its
/// pid 1 could not see that the launcher is gone.
fn keep_only(prepared: &Prepared, sockets: Option<&Sockets>, more: [&OwnedFd; 3]) -> std::io::Result<()> {
    let note = prepared.staged.note.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    let wanted = sockets.map_or(-1, |sockets| sockets.wanted().as_raw_fd());
    let [status, control] = [&prepared.status, &prepared.control].map(AsRawFd::as_raw_fd);
    let [one, two, three] = more.map(AsRawFd::as_raw_fd);
    let mut kept = [note, wanted, status, control, one, two, three];
    kept.sort_unstable();
    let absent = kept.iter().filter(|fd| **fd < 0).count();
    raw::close_others(&kept[absent..])
}

/// Lets the program begin, which so never meets a pid 1 that has a privilege, no filter, or something of the host's open.
fn open(gate: OwnedFd) -> Result<(), Errno> {
    match rustix::io::write(&gate, &[0]) {
        // What was to become the program has ended, and tells why itself.
        Err(Errno::PIPE) => Ok(()),
        done => done.map(|_| ()),
    }
}

/// The pipe closes when the program is executed; before that it may carry a failure, which is passed on as it is.
fn await_exec(prepared: &Prepared, outcome: OwnedFd) -> Result<(), Failure> {
    let mut message = [0; crate::message::LEN];
    loop {
        match rustix::io::read(&outcome, &mut message) {
            Ok(0) => break,
            Ok(_) => {
                let _ = rustix::io::write(&prepared.status, &message);
                raw::exit(0);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Failure(Step::Exec, 0, errno)),
        }
    }
    // Whoever hears that it runs finds nothing open that is not kept.
    drop(outcome);
    tell(prepared.status.as_fd(), &Message::Started);
    Ok(())
}

/// The process that the program stands for, as its note names it, and the deaths by signal seen so far: the note
/// may be read after the process was reaped.
#[derive(Debug, Default)]
struct Subject {
    deaths: [(i32, i32); 16],
    next: usize,
}

impl Subject {
    fn saw(&mut self, pid: i32, status: i32) {
        if libc::WIFSIGNALED(status) {
            self.deaths[self.next % 16] = (pid, libc::WTERMSIG(status));
            self.next += 1;
        }
    }

    /// Returns the signal that ended `pid`, 0 where none did.
    fn signal_of(&self, pid: i32) -> u32 {
        let death = self.deaths.iter().find(|(dead, _)| *dead == pid && pid != 0);
        death.map_or(0, |(_, signal)| signal.cast_unsigned())
    }
}

/// What the launcher wants.
enum Control {
    Heeded,
    End,
    Gone,
}

/// Says on the control pipe, where signals go, that everything shall end.
pub(crate) const END: u8 = 0;

/// Signals that came before the process they are for was named.
#[derive(Debug, Default)]
struct Waiting {
    signals: [u8; 16],
    count: usize,
}

impl Waiting {
    /// Adds signals; those beyond what anyone could mean by them are dropped.
    fn add(&mut self, signals: &[u8]) {
        for (place, signal) in self.signals[self.count..].iter_mut().zip(signals) {
            *place = *signal;
            self.count += 1;
        }
    }

    fn send(&mut self, target: i32) {
        self.signals[..self.count].iter().for_each(|signal| raw::kill(target, i32::from(*signal)));
        self.count = 0;
    }
}

/// How often the note is looked at while signals wait: files tell nobody that they were written.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

struct Init<'a> {
    prepared: &'a Prepared,
    program: i32,
    subject: Subject,
    waiting: Waiting,
    sockets: Option<Sockets>,
}

impl Init<'_> {
    fn run(&mut self, children: &OwnedFd) {
        loop {
            let (control, children) = (self.prepared.control.as_fd(), children.as_fd());
            let wanted = self.sockets.as_ref().map(Sockets::wanted);
            let mut events = [
                PollFd::from_borrowed_fd(control, PollFlags::IN),
                PollFd::from_borrowed_fd(children, PollFlags::IN),
                PollFd::from_borrowed_fd(wanted.unwrap_or(children), PollFlags::IN),
            ];
            let timeout = (self.waiting.count > 0).then_some(&LOOK);
            if poll(&mut events, timeout).is_err_and(|errno| errno != Errno::INTR) {
                return;
            }
            let ready = events.each_ref().map(|event| !event.revents().is_empty());
            match if ready[0] { self.heed(control) } else { Control::Heeded } {
                Control::Heeded => {}
                Control::Gone => return, // exit, and all end with us
                Control::End => return self.end(),
            }
            self.pass_signals();
            if ready[1] && self.reap(children) {
                return;
            }
            if let Some(sockets) = self.sockets.as_ref().filter(|_| ready[2]) {
                sockets.make();
            }
        }
    }

    /// Does what the launcher says.
    fn heed(&mut self, control: BorrowedFd<'_>) -> Control {
        let mut signals = [0; 16];
        match rustix::io::read(control, &mut signals) {
            Ok(0) => Control::Gone,
            Ok(count) if signals[..count].contains(&END) => Control::End,
            Ok(count) => {
                self.waiting.add(&signals[..count]);
                Control::Heeded
            }
            Err(Errno::INTR | Errno::AGAIN) => Control::Heeded,
            Err(_) => Control::Gone,
        }
    }

    /// Sends the program the signals that wait, once it is known which process stands for it.
    fn pass_signals(&mut self) {
        if self.waiting.count == 0 {
            return;
        }
        let target = match self.prepared.staged.note {
            Some(_) => subject_of(&self.note()),
            None => self.program,
        };
        if target != 0 {
            self.waiting.send(target);
        }
    }

    /// Kills everything, so that what it used is counted, and tells that the program was killed.
    fn end(&self) {
        let note = self.note();
        raw::end_all_others();
        tell(self.prepared.status.as_fd(), &Message::Ended { status: libc::SIGKILL, subject: 0, note });
    }

    /// Returns whether the program ended; then its end was told.
    fn reap(&mut self, children: BorrowedFd<'_>) -> bool {
        let mut drained = [0; 1024];
        let _ = rustix::io::read(children, &mut drained);
        let mut ended = None;
        while let Some((pid, status)) = raw::reap() {
            self.subject.saw(pid, status);
            if pid == self.program {
                ended = Some(status);
            }
        }
        let Some(status) = ended else { return false };
        let note = self.note();
        self.await_subject(subject_of(&note));
        let subject = self.subject.signal_of(subject_of(&note));
        raw::end_all_others();
        tell(self.prepared.status.as_fd(), &Message::Ended { status, subject, note });
        true
    }

    /// Waits a little for the process that the program stood for: its death is known to others, by its closed files,
    /// before it can be reaped. What the note names may be anything, so the wait has a bound.
    fn await_subject(&mut self, subject: i32) {
        const STEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        for _ in 0..500 {
            match if subject > 1 { raw::reap_one(subject) } else { Child::None } {
                Child::Ended(status) => return self.subject.saw(subject, status),
                Child::None => return,
                Child::Alive => {
                    let _ = poll(&mut [], Some(&STEP));
                }
            }
        }
    }

    fn note(&self) -> [u8; NOTE_LEN] {
        let mut note = [0; NOTE_LEN];
        if let Some(file) = &self.prepared.staged.note {
            // A short read leaves zeros, which say nothing.
            let _ = rustix::io::pread(file, &mut note, 0);
        }
        note
    }
}

fn subject_of(note: &[u8; NOTE_LEN]) -> i32 {
    i32::from_le_bytes([note[0], note[1], note[2], note[3]]).max(0)
}
