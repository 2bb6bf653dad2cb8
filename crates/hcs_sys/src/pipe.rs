//! Our ends of a process's pipes. They are overlapped: a read or write says where it goes on, and can be broken off
//! from another thread, which nothing else ends where the service does not close its end.
// UNSAFETY: reads and writes by handle, with structures that the system fills meanwhile.
#![expect(unsafe_code, reason = "overlapped ReadFile and WriteFile")]

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_BROKEN_PIPE, ERROR_HANDLE_EOF, ERROR_IO_PENDING, GetLastError};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Threading::CreateEventW;
use windows_sys::core::BOOL;

use crate::handle::Raw;

/// One end of a pipe. Each operation has an event of its own, so that two threads do not wake each other.
#[derive(Debug)]
pub struct Pipe(OwnedHandle);

impl Pipe {
    /// Takes the handle of a pipe's end.
    pub fn new(handle: OwnedHandle) -> Self {
        Self(handle)
    }

    /// Reads what is there, waiting for it; nothing once the other end is closed.
    ///
    /// # Errors
    /// The system's refusal, or the read was broken off.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        // SAFETY: the buffer outlives the operation, which `transfer` sees to its end, and has that length.
        let read = self.transfer(|handle, overlapped| unsafe {
            ReadFile(handle, buffer.as_mut_ptr(), length, null_mut(), overlapped)
        });
        match read {
            Err(error) if ended(&error) => Ok(0),
            read => read,
        }
    }

    /// Writes the whole text.
    ///
    /// # Errors
    /// The other end is closed, or the system's refusal.
    pub fn write_all(&self, mut text: &[u8]) -> io::Result<()> {
        while !text.is_empty() {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            // SAFETY: the text outlives the operation, which `transfer` sees to its end, and has that length.
            let written = self.transfer(|handle, overlapped| unsafe {
                WriteFile(handle, text.as_ptr(), length, null_mut(), overlapped)
            })?;
            text = &text[written.min(text.len())..];
        }
        Ok(())
    }

    /// Breaks off what other threads read or write; later operations are not touched.
    pub fn cancel(&self) {
        // SAFETY: the handle is open; without a structure all operations are meant. That there is none is no failure.
        let _ = unsafe { CancelIoEx(self.0.as_raw_handle(), null()) };
    }

    /// Starts an operation and waits for its end: the structure and what it points to are the system's until then.
    fn transfer(&self, start: impl FnOnce(Raw, *mut OVERLAPPED) -> BOOL) -> io::Result<usize> {
        // SAFETY: without a name and a descriptor the event is ours alone: reset by hand, and not set.
        let event = unsafe { CreateEventW(null(), 1, 0, null()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the event is ours to close.
        let event = unsafe { OwnedHandle::from_raw_handle(event) };
        let mut overlapped = OVERLAPPED { hEvent: event.as_raw_handle(), ..Default::default() };
        let (handle, place, mut moved) = (self.0.as_raw_handle(), &raw mut overlapped, 0);
        // SAFETY: asks for the error of the call just made.
        if start(handle, place) == 0 && unsafe { GetLastError() } != ERROR_IO_PENDING {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the operation was started with this structure on this handle; waits until it is done.
        match unsafe { GetOverlappedResult(handle, place, &raw mut moved, 1) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(moved as usize),
        }
    }
}

fn ended(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(i32::cast_unsigned);
    matches!(number, Some(ERROR_BROKEN_PIPE | ERROR_HANDLE_EOF))
}
