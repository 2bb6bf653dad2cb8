//! Signals to the launcher: passed on to the program, which then has its time to end; a second one kills at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nspawn::Result;
use nspawn::engine::Event;
use nspawn::launch::Stop;

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
        let mut known = lock(&self.0);
        known.target = Some((program.clone(), grace));
        if let Some(signal) = known.first {
            ask(program, signal, grace);
        }
    }
}

fn received(known: &Mutex<Known>, signal: Signal) {
    let mut known = lock(known);
    let again = known.first.replace(signal).is_some();
    match (known.target.clone(), again) {
        (Some((program, grace)), false) => ask(program, signal, grace),
        (Some((program, _)), true) => {
            let _ = program.kill();
        }
        (None, false) => {}
        (None, true) => host::end(signal),
    }
}

/// Tells the program to end, and kills it when its time to do so is up. Where it has ended meanwhile, so much the
/// better.
fn ask(program: Stop, signal: Signal, grace: Duration) {
    let _ = program.ask(signal.number, signal.event);
    thread::spawn(move || {
        thread::sleep(grace);
        let _ = program.kill();
    });
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
