//! The build of Windows that this one says to be: documents and requests differ.
// UNSAFETY: a structure that a call fills.
#![expect(unsafe_code, reason = "RtlGetVersion")]

use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;

/// Returns it.
pub fn of_this_windows() -> u32 {
    let size = size_of::<OSVERSIONINFOW>() as u32;
    let mut version = OSVERSIONINFOW { dwOSVersionInfoSize: size, ..Default::default() };
    // SAFETY: the structure is ours and says its size.
    unsafe { RtlGetVersion(&raw mut version) };
    version.dwBuildNumber
}
