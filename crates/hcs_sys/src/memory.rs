//! How much memory this Windows has.
// UNSAFETY: calls a function that fills a structure.
#![expect(unsafe_code, reason = "one function of kernel32")]

use std::io;

use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};

/// Returns how many bytes all processes together can commit: physical memory and page files, as large as they are now.
///
/// # Errors
/// The system's refusal.
pub fn commit_limit() -> io::Result<u64> {
    let mut status =
        MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>() as u32, ..MEMORYSTATUSEX::default() };
    // SAFETY: the structure is ours and says its size.
    match unsafe { GlobalMemoryStatusEx(&raw mut status) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(status.ullTotalPageFile),
    }
}
