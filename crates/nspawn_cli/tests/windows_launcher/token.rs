//! The token of this process, which those that it starts inherit.
// UNSAFETY: calls functions that take handles and structures.
#![expect(unsafe_code, reason = "functions of advapi32")]

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::process::Command;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, GetLastError, HANDLE, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, DuplicateTokenEx, GetTokenInformation, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW,
    SE_PRIVILEGE_REMOVED, SecurityImpersonation, TOKEN_ALL_ACCESS, TOKEN_LINKED_TOKEN, TOKEN_PRIVILEGES,
    TokenLinkedToken, TokenPrimary,
};
use windows_sys::Win32::System::Threading::{
    CreateProcessAsUserW, GetCurrentProcess, GetExitCodeProcess, INFINITE, OpenProcessToken,
    PROCESS_INFORMATION, STARTUPINFOW, WaitForSingleObject,
};

fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

fn own(handle: HANDLE) -> OwnedHandle {
    assert!(!handle.is_null());
    // SAFETY: the handle was just made for us.
    unsafe { OwnedHandle::from_raw_handle(handle) }
}

fn of_this_process() -> OwnedHandle {
    let mut token = null_mut();
    // SAFETY: the place is ours.
    assert_ne!(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &raw mut token) }, 0);
    own(token)
}

/// Removes a privilege from this process, for ever.
pub fn give_up(privilege: &str) {
    let (token, name, mut id) = (of_this_process(), wide(privilege), LUID { LowPart: 0, HighPart: 0 });
    // SAFETY: the name outlives the call; the LUID is ours.
    assert_ne!(unsafe { LookupPrivilegeValueW(null(), name.as_ptr(), &raw mut id) }, 0, "{privilege}");
    let removed = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Luid: id, Attributes: SE_PRIVILEGE_REMOVED }],
    };
    // SAFETY: the token is open and the structure outlives the call, which sets the last error when it succeeds, too.
    let done = unsafe {
        let adjusted =
            AdjustTokenPrivileges(token.as_raw_handle(), 0, &raw const removed, 0, null_mut(), null_mut());
        (adjusted, GetLastError())
    };
    assert!(done.0 != 0 && done.1 == ERROR_SUCCESS, "{privilege}: {done:?}");
}

/// Runs a command whose arguments hold neither blanks nor quotes with the token that this user has where it is not
/// elevated, and returns its exit code. It has our standard handles.
pub fn run_unelevated(command: &Command) -> u32 {
    let (token, mut linked, mut length) = (of_this_process(), TOKEN_LINKED_TOKEN::default(), 0);
    // SAFETY: the token is open; the structure is ours and has the size that is told.
    let told = unsafe {
        let (place, size) = ((&raw mut linked).cast(), size_of::<TOKEN_LINKED_TOKEN>() as u32);
        GetTokenInformation(token.as_raw_handle(), TokenLinkedToken, place, size, &raw mut length)
    };
    assert_ne!(told, 0, "this user is not elevated");
    let (linked, mut primary) = (own(linked.LinkedToken), null_mut());
    // SAFETY: the token is open; the place is ours.
    let duplicated = unsafe {
        let (kind, level) = (TokenPrimary, SecurityImpersonation);
        DuplicateTokenEx(linked.as_raw_handle(), TOKEN_ALL_ACCESS, null(), level, kind, &raw mut primary)
    };
    assert_ne!(duplicated, 0);
    let primary = own(primary);

    let mut line = format!("\"{}\"", command.get_program().to_str().unwrap());
    command.get_args().for_each(|argument| line += &format!(" {}", argument.to_str().unwrap()));
    let mut variables: Vec<_> = std::env::vars_os().collect();
    variables.extend(command.get_envs().map(|(name, value)| (name.into(), value.unwrap().into())));
    let block = variables.into_iter().flat_map(|(name, value)| {
        let mut variable = name;
        variable.push("=");
        variable.push(value);
        wide(variable)
    });
    let (block, mut line): (Vec<u16>, Vec<u16>) = (block.chain([0]).collect(), wide(line));
    let startup = STARTUPINFOW { cb: size_of::<STARTUPINFOW>() as u32, ..Default::default() };
    let mut started = PROCESS_INFORMATION::default();
    /// `CREATE_UNICODE_ENVIRONMENT`.
    const UNICODE: u32 = 0x400;
    // SAFETY: the token is open; all that is pointed to outlives the call, which may write to the line.
    let made = unsafe {
        CreateProcessAsUserW(
            primary.as_raw_handle(),
            null(),
            line.as_mut_ptr(),
            null(),
            null(),
            1,
            UNICODE,
            block.as_ptr().cast(),
            null(),
            &raw const startup,
            &raw mut started,
        )
    };
    assert_ne!(made, 0, "{}", std::io::Error::last_os_error());
    let (process, _thread) = (own(started.hProcess), own(started.hThread));
    let mut code = 0;
    // SAFETY: the process is open; the place is ours.
    unsafe {
        WaitForSingleObject(process.as_raw_handle(), INFINITE);
        assert_ne!(GetExitCodeProcess(process.as_raw_handle(), &raw mut code), 0);
    }
    code
}
