//! Which Windows this is.
// UNSAFETY: calls a function that fills a structure.
#![expect(unsafe_code, reason = "one function of ntdll")]

use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;

/// A version of Windows, such as 10.0.17763.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 10 since Windows Server 2016.
    pub major: u32,
    /// 0 since Windows Server 2016.
    pub minor: u32,
    /// What tells servers apart: 14393, 17763, 20348, 26100.
    pub build: u32,
}

/// Returns the version of this Windows, whatever this program's manifest says that it knows.
pub fn of_this_windows() -> Version {
    let mut version = OSVERSIONINFOW {
        // The structure has 276 bytes.
        dwOSVersionInfoSize: size_of::<OSVERSIONINFOW>() as u32,
        ..Default::default()
    };
    // SAFETY: the structure is ours and says its size. The function is documented to succeed always.
    unsafe { RtlGetVersion(&raw mut version) };
    Version { major: version.dwMajorVersion, minor: version.dwMinorVersion, build: version.dwBuildNumber }
}
