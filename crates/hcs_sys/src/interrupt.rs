//! Breaking off what another thread waits for in a read or write that is not overlapped, such as of our own standard
//! input.
// UNSAFETY: calls a function that takes a handle.
#![expect(unsafe_code, reason = "CancelSynchronousIo")]

use std::os::windows::io::AsRawHandle as _;
use std::thread::JoinHandle;

use windows_sys::Win32::System::IO::CancelSynchronousIo;

/// Has the read or write that a thread is in fail. One that is in none is not touched, so that who means the next one
/// must try again. Wine 8 does so for its own pipes and consoles, and not for those of the host that it was started with.
pub fn break_off<T>(thread: &JoinHandle<T>) {
    // SAFETY: the handle is open as long as it is borrowed. That there is nothing to break off is no failure.
    let _ = unsafe { CancelSynchronousIo(thread.as_raw_handle()) };
}
