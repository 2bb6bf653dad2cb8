//! Windows for the agent: one safe function for each thing it does, owned handles, errors as values.

pub mod file;
pub mod machine;
pub mod process;
pub mod registry;
pub mod runtime;
pub mod stream;

mod ffi;
mod object;

use ffi::{CloseHandle, GetLastError, INVALID_HANDLE_VALUE, RawHandle, RtlNtStatusToDosError};

/// A Win32 error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error(pub u32);

/// What a Windows function gives.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// ERROR_FILE_NOT_FOUND.
    pub const FILE_NOT_FOUND: Self = Self(2);
    /// ERROR_INVALID_DATA.
    pub const INVALID_DATA: Self = Self(13);
    /// ERROR_OPERATION_ABORTED.
    pub const ABORTED: Self = Self(995);
    /// WAIT_TIMEOUT.
    pub const TIMEOUT: Self = Self(258);

    fn last() -> Self {
        // SAFETY: takes nothing.
        Self(unsafe { GetLastError() })
    }
}

/// Reads a BOOL.
fn check(result: i32) -> Result<()> {
    if result == 0 { Err(Error::last()) } else { Ok(()) }
}

/// Reads an NTSTATUS.
fn check_status(status: i32) -> Result<()> {
    // SAFETY: takes a number.
    if status < 0 { Err(Error(unsafe { RtlNtStatusToDosError(status) })) } else { Ok(()) }
}

/// A kernel object, closed when dropped.
#[derive(Debug)]
pub struct Handle(RawHandle);

// SAFETY: a handle belongs to the process, not to a thread.
unsafe impl Send for Handle {}
// SAFETY: the kernel orders what threads do with one object.
unsafe impl Sync for Handle {}

impl Handle {
    /// Returns what Windows takes.
    pub fn raw(&self) -> RawHandle {
        self.0
    }

    /// Takes what a function returned that says INVALID_HANDLE_VALUE or NULL for failure.
    fn new(raw: RawHandle) -> Result<Self> {
        if raw == INVALID_HANDLE_VALUE || raw.is_null() { Err(Error::last()) } else { Ok(Self(raw)) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is owned.
        unsafe { CloseHandle(self.0) };
    }
}
