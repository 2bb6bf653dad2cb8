use std::thread;

use nspawn::engine::Event;
use nspawn::{Error, Result, console};

use super::Signal;

/// `STATUS_CONTROL_C_EXIT`: what a process ends with that does not handle control events.
const CONTROL_C_EXIT: u32 = 0xC000_013A;

/// Calls `received` for each of the console's events from now on, on a thread of its own. They are told as the signals
/// that Unix has for them, which is what the exit status is made of.
///
/// # Errors
/// The system refuses.
pub(super) fn listen(received: impl Fn(Signal) + Send + 'static) -> Result<()> {
    let events = console::take_events()?;
    let listen = move || {
        for event in events {
            let number = match event {
                Event::CtrlC => 2,         // SIGINT
                Event::CtrlShutdown => 15, // SIGTERM
            };
            received(Signal { number, event });
        }
    };
    let thread = thread::Builder::new().name("signals".to_owned()).spawn(listen);
    thread.map(|_| ()).map_err(|error| Error::io("listen for", "the console's events", error))
}

/// Ends us as the event would have done.
#[expect(clippy::disallowed_methods, reason = "what the handler of the system does, which cannot be called")]
pub(super) fn end(_signal: Signal) {
    std::process::exit(CONTROL_C_EXIT.cast_signed());
}
