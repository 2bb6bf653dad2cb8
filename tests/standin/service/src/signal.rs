//! Signals to programs. A program of the stand-in has no console of its own: one that handles signals waits for an
//! event by name, and one that made none is ended by a signal, as one is that handles none.
// UNSAFETY: events by name.
#![expect(unsafe_code, reason = "CreateEventW, OpenEventW")]

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::null;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, INFINITE, OpenEventW, SetEvent, WaitForSingleObject,
};

use crate::code::Result;
use crate::memory::wide;
use crate::process;

fn name(pid: u32) -> Vec<u16> {
    wide(&format!("standin_signal_{pid}"))
}

/// Takes a handle that a call returned, null where it failed.
///
/// # Safety
/// It is nobody else's.
unsafe fn own(handle: HANDLE) -> io::Result<OwnedHandle> {
    match handle.is_null() {
        true => Err(io::Error::last_os_error()),
        // SAFETY: it is open, and the caller's.
        false => Ok(unsafe { OwnedHandle::from_raw_handle(handle) }),
    }
}

/// The signals to this process: whoever holds this handles them.
#[derive(Debug)]
pub struct Signals(OwnedHandle);

impl Signals {
    /// Begins to handle signals.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn take() -> io::Result<Self> {
        let name = name(std::process::id());
        // SAFETY: the name outlives the call. The event is reset by who waits for it, and not set yet.
        unsafe { own(CreateEventW(null(), 0, 0, name.as_ptr())) }.map(Self)
    }

    /// Waits for the next one.
    pub fn wait(&self) {
        // SAFETY: the event is open.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), INFINITE) };
    }
}

/// Sends a signal to a process, which ends it where it handles none.
///
/// # Errors
/// It has ended.
pub fn send(pid: u32) -> Result<()> {
    let name = name(pid);
    // SAFETY: the name outlives the call.
    match unsafe { own(OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr())) } {
        Ok(event) => {
            // SAFETY: the event is open, for being set.
            unsafe { SetEvent(event.as_raw_handle()) };
            Ok(())
        }
        Err(_) => process::kill(pid),
    }
}
