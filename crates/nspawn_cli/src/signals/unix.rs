use std::io;
use std::sync::Arc;
use std::thread;

use nspawn::engine::Event;
use nspawn::{Error, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::Signal;

/// Calls `received` for each signal from now on, on a thread of its own.
///
/// # Errors
/// The system refuses.
pub(super) fn listen(received: impl Fn(Signal) + Send + 'static) -> Result<()> {
    let failed = |error: io::Error| Error::io("listen for", "signals", error);
    let ignored = ignored();
    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = Signals::new(heeded).map_err(failed)?;
    // Beyond the limit of a file's size a write shall fail, not end us.
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map_err(failed)?;
    let listen = move || {
        for number in signals.forever() {
            let event = if number == SIGINT { Event::CtrlC } else { Event::CtrlShutdown };
            received(Signal { number: u8::try_from(number).unwrap_or_default(), event });
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listen).map(|_| ()).map_err(failed)
}

/// Returns the signals that are ignored: bit n stands for signal n + 1 (proc(5), `SigIgn`). None where that cannot be
/// read.
fn ignored() -> u64 {
    // Our own name is in it, and the kernel may have cut that off in the middle of a character.
    let status = std::fs::read("/proc/self/status").unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Ends us as the signal would have done.
pub(super) fn end(signal: Signal) {
    let _ = emulate_default_handler(signal.number.into());
}
