//! Control events of our console: Control-C, and the end of the console, the session or the system.
// UNSAFETY: registers a function that Windows calls on a thread of its own.
#![expect(unsafe_code, reason = "one call of kernel32")]

use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT,
    SetConsoleCtrlHandler,
};
use windows_sys::core::BOOL;

/// What the console says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlEvent {
    /// Control-C was typed.
    C,
    /// Control-Break was typed.
    Break,
    /// The console is closed: we have about five seconds.
    Close,
    /// The user logs off (told to services alone).
    Logoff,
    /// The system shuts down (told to services alone).
    Shutdown,
}

/// Where events go: a process has one such place.
static EVENTS: OnceLock<Sender<ControlEvent>> = OnceLock::new();

/// Takes the console's events from now on: none of them ends us any more.
///
/// # Errors
/// They were taken before, or Windows refuses.
pub fn take_events() -> io::Result<Receiver<ControlEvent>> {
    let (sender, receiver) = channel();
    EVENTS.set(sender).map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
    // SAFETY: the handler is a function of this program, which is never unloaded.
    match unsafe { SetConsoleCtrlHandler(Some(handle), 1) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(receiver),
    }
}

/// Runs on a thread that Windows makes for the event. Sends and does nothing else, so it cannot panic.
unsafe extern "system" fn handle(event: u32) -> BOOL {
    let (event, last) = match event {
        CTRL_C_EVENT => (ControlEvent::C, false),
        CTRL_BREAK_EVENT => (ControlEvent::Break, false),
        CTRL_CLOSE_EVENT => (ControlEvent::Close, true),
        CTRL_LOGOFF_EVENT => (ControlEvent::Logoff, true),
        CTRL_SHUTDOWN_EVENT => (ControlEvent::Shutdown, true),
        _ => return 0,
    };
    let sent = EVENTS.get().is_some_and(|events| events.send(event).is_ok());
    // After the last event Windows ends us as soon as we return, or when its patience is over: the launcher needs that
    // time to clear up.
    while sent && last {
        thread::park();
    }
    sent.into()
}
