//! Privileges of this process: layers need two that administrators hold and that are off until they are asked for.
// UNSAFETY: calls functions that take handles and structures.
#![expect(unsafe_code, reason = "functions of advapi32")]

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, GetLastError, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, GetTokenInformation, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW,
    SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES, TOKEN_ELEVATION, TOKEN_PRIVILEGES, TOKEN_QUERY,
    TokenElevation,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use crate::code::Code;
use crate::error::{Error, Result};
use crate::wide::Wide;

/// A privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// Reads any file.
    Backup,
    /// Writes any file, and its security descriptor.
    Restore,
}

impl Privilege {
    /// Returns its name, as Windows has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backup => "SeBackupPrivilege",
            Self::Restore => "SeRestorePrivilege",
        }
    }
}

/// Turns a privilege on for the whole process, to its end.
///
/// # Errors
/// `NOT_ALL_ASSIGNED`: the user does not hold it, or the process is not elevated.
pub fn enable(privilege: Privilege) -> Result<()> {
    const ADJUST: &str = "AdjustTokenPrivileges";
    let name = Wide::new(privilege.name())?;
    let mut id = LUID { LowPart: 0, HighPart: 0 };
    // SAFETY: the name outlives the call; the LUID is ours.
    if unsafe { LookupPrivilegeValueW(null(), name.as_ptr(), &raw mut id) } == 0 {
        return Err(Error::last("LookupPrivilegeValueW"));
    }
    let token = own_token()?;
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Luid: id, Attributes: SE_PRIVILEGE_ENABLED }],
    };
    // SAFETY: the token is open; the structure outlives the call; the former state is not asked for. The last error is
    // that of this call, which sets it when it succeeds, too.
    let (adjusted, error) = unsafe {
        let adjusted =
            AdjustTokenPrivileges(token.as_raw_handle(), 0, &raw const wanted, 0, null_mut(), null_mut());
        (adjusted, GetLastError())
    };
    match (adjusted, error) {
        (0, _) => Err(Error::last(ADJUST)),
        (_, ERROR_SUCCESS) => Ok(()),
        (_, error) => {
            let code = Code::from_win32(u16::try_from(error).unwrap_or(u16::MAX));
            Err(Error::Refused { function: ADJUST, code, document: None })
        }
    }
}

/// Tells whether this process runs with all that its user may do, and not with what is left without elevation.
///
/// # Errors
/// The system's refusal.
pub fn is_elevated() -> Result<bool> {
    let (token, mut elevation, mut length) = (own_token()?, TOKEN_ELEVATION::default(), 0);
    let size = size_of::<TOKEN_ELEVATION>() as u32;
    // SAFETY: the token is open; the structure is ours and has the size that is told.
    let told = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenElevation,
            (&raw mut elevation).cast(),
            size,
            &raw mut length,
        )
    };
    match told {
        0 => Err(Error::last("GetTokenInformation")),
        _ => Ok(elevation.TokenIsElevated != 0),
    }
}

fn own_token() -> Result<OwnedHandle> {
    let mut token = null_mut();
    // SAFETY: the process is ourselves; the token that it puts there is ours.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &raw mut token) == 0 {
            return Err(Error::last("OpenProcessToken"));
        }
        Ok(OwnedHandle::from_raw_handle(token))
    }
}
