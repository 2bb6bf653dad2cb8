//! A name that a process holds as long as it lives, and that every process of this computer can look up: a mutex of
//! the global namespace that nobody ever takes. The kernel forgets it with the last handle, so a process that is
//! killed holds it no longer.
// UNSAFETY: calls functions that return handles.
#![expect(unsafe_code, reason = "functions of kernel32")]

use std::os::windows::io::{FromRawHandle as _, OwnedHandle};
use std::ptr::null;

use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, GetLastError};
use windows_sys::Win32::System::Threading::{CreateMutexW, OpenMutexW, SYNCHRONIZATION_SYNCHRONIZE};

use crate::code::Code;
use crate::error::{Error, Result};
use crate::wide::Wide;

/// Holds a name until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Presence {
    _mutex: OwnedHandle,
}

impl Presence {
    /// Takes a name, which is no path; case counts. `None` where somebody has it.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn announce(name: &str) -> Result<Option<Self>> {
        let name = path(name)?;
        // SAFETY: the name outlives the call, without a descriptor the default holds, and the handle is ours. The last
        // error is that of this call, which sets it when it succeeds, too.
        let (mutex, error) = unsafe {
            let mutex = CreateMutexW(null(), 0, name.as_ptr());
            (mutex, GetLastError())
        };
        if mutex.is_null() {
            return match Error::last("CreateMutexW") {
                // Somebody has it who lets us not even look.
                error if error.code() == Some(Code::ACCESS_DENIED) => Ok(None),
                error => Err(error),
            };
        }
        // SAFETY: the handle is open and ours.
        let held = Self { _mutex: unsafe { OwnedHandle::from_raw_handle(mutex) } };
        Ok((error != ERROR_ALREADY_EXISTS).then_some(held))
    }
}

/// Tells whether somebody has that name.
///
/// # Errors
/// The system does not say.
pub fn is_announced(name: &str) -> Result<bool> {
    let name = path(name)?;
    // SAFETY: the name outlives the call; the handle that it returns is ours, and is null where it failed.
    let mutex = unsafe { OpenMutexW(SYNCHRONIZATION_SYNCHRONIZE, 0, name.as_ptr()) };
    if mutex.is_null() {
        return match Error::last("OpenMutexW") {
            error if error.code() == Some(Code::FILE_NOT_FOUND) => Ok(false),
            error if error.code() == Some(Code::ACCESS_DENIED) => Ok(true),
            error => Err(error),
        };
    }
    // SAFETY: the handle is open and ours.
    drop(unsafe { OwnedHandle::from_raw_handle(mutex) });
    Ok(true)
}

/// Sessions have namespaces of their own; a service's container is to be seen by an administrator's `gc`.
fn path(name: &str) -> Result<Wide> {
    Wide::new(&format!(r"Global\{name}"))
}
