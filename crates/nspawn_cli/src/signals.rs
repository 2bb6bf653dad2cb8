//! Signals to the launcher: passed on to the program, which then has its time to end; a second one kills at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nspawn::Result;
use nspawn::engine::Event;
use nspawn::launch::Stop;

use crate::failure;

#[cfg(unix)]
use unix as host;
#[cfg(windows)]
use windows as host;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

/// A signal to the launcher: by its number, and what it tells the program.
#[derive(Debug, Clone, Copy)]
struct Signal {
    number: u8,
    event: Event,
}

/// What the listening thread knows.
#[derive(Debug, Default)]
struct Known {
    /// The running program and its time to end, once it runs.
    target: Option<(Stop, Duration)>,
    /// The first signal that came.
    first: Option<Signal>,
}

/// Listens for signals from its making on.
#[derive(Debug, Clone)]
pub(crate) struct Signals(Arc<Mutex<Known>>);

impl Signals {
    /// Begins to listen. Until a program runs, the first signal is for whoever asks for it, and a second one ends the
    /// launcher; what that leaves behind the next command removes. A signal that was ignored when we were started, as
    /// under nohup, stays ignored.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn listen() -> Result<Self> {
        let known = Arc::new(Mutex::new(Known::default()));
        let shared = Arc::clone(&known);
        host::listen(move |signal| received(&shared, signal))?;
        Ok(Self(known))
    }

    /// Returns the first signal that came.
    pub(crate) fn first(&self) -> Option<u8> {
        lock(&self.0).first.map(|signal| signal.number)
    }

    /// Passes signals to `program` from now on; one that came before goes to it at once.
    pub(crate) fn pass_to(&self, program: Stop, grace: Duration) {
        let first = {
            let mut known = lock(&self.0);
            known.target = Some((program.clone(), grace));
            known.first
        };
        if let Some(signal) = first {
            ask(program, signal, grace);
        }
    }
}

fn received(known: &Mutex<Known>, signal: Signal) {
    // Let go before the host is asked for anything: it may take its time.
    let (target, again) = {
        let mut known = lock(known);
        (known.target.clone(), known.first.replace(signal).is_some())
    };
    match (target, again) {
        (Some((program, grace)), false) => ask(program, signal, grace),
        (Some((program, _)), true) => kill(&program),
        (None, false) => {}
        (None, true) => host::end(signal),
    }
}

/// Tells the program to end, and kills it when its time to do so is up. On a thread of its own: that it is told may take
/// as long as its end does.
fn ask(program: Stop, signal: Signal, grace: Duration) {
    thread::spawn(move || {
        program.ask(signal.number, signal.event).unwrap_or_else(|error| failure::warn(&error));
        thread::sleep(grace);
        kill(&program);
    });
}

fn kill(program: &Stop) {
    program.kill().unwrap_or_else(|error| failure::warn(&error));
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
