//! What the service tells of a process that it started.
// UNSAFETY: takes ownership of handles by their values.
#![expect(unsafe_code, reason = "OwnedHandle from raw handles")]

use std::os::windows::io::{FromRawHandle as _, OwnedHandle};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;

use crate::handle::Raw;
use crate::layout::ProcessInformation;

/// A process as it was started: its number, and our ends of the pipes that its document asked for. They are
/// overlapped: reading and writing them must be, too.
#[derive(Debug)]
pub struct Started {
    /// Its number.
    pub pid: u32,
    /// Where its standard input comes from.
    pub stdin: Option<OwnedHandle>,
    /// Where its standard output goes.
    pub stdout: Option<OwnedHandle>,
    /// Where its standard error goes.
    pub stderr: Option<OwnedHandle>,
}

impl ProcessInformation {
    /// Returns a place for a call to fill.
    pub(crate) fn empty() -> Self {
        Self { process_id: 0, reserved: 0, stdin: null_mut(), stdout: null_mut(), stderr: null_mut() }
    }

    /// Takes what a call put here.
    pub(crate) fn started(self) -> Started {
        // A stream that was not asked for is null, or invalid where it was asked about again.
        let own = |handle: Raw| {
            let absent = handle.is_null() || handle == INVALID_HANDLE_VALUE;
            // SAFETY: the service gave it to us, to close; nobody else has its value.
            (!absent).then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
        };
        Started {
            pid: self.process_id,
            stdin: own(self.stdin),
            stdout: own(self.stdout),
            stderr: own(self.stderr),
        }
    }
}
