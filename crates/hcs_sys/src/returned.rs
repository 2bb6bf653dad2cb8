//! Strings that a DLL allocates for us.
// UNSAFETY: reads and frees memory of the DLLs.
#![expect(unsafe_code, reason = "strings by address")]

use std::ptr::null_mut;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::System::Com::CoTaskMemFree;

use crate::wide;

/// Which function frees a string: each DLL documents its own.
#[derive(Clone, Copy)]
pub(crate) enum Free {
    /// vmcompute.dll.
    CoTaskMem,
    /// computecore.dll.
    Local,
}

/// A place for a string that a call may return; the string is freed with it.
pub(crate) struct Returned {
    pointer: *mut u16,
    free: Free,
}

impl Returned {
    pub(crate) fn new(free: Free) -> Self {
        Self { pointer: null_mut(), free }
    }

    /// Returns where the call shall put the string. For one call: what a second one puts there hides the first.
    pub(crate) fn place(&mut self) -> *mut *mut u16 {
        &raw mut self.pointer
    }

    /// Returns what was put there; `None` for nothing and for an empty string.
    pub(crate) fn text(&self) -> Option<String> {
        // SAFETY: what the DLL put there ends in a zero, and is ours until we free it.
        unsafe { text_at(self.pointer) }.filter(|text| !text.is_empty())
    }
}

impl Drop for Returned {
    fn drop(&mut self) {
        if self.pointer.is_null() {
            return;
        }
        // SAFETY: the DLL allocated it for us to free in this way, once.
        unsafe {
            match self.free {
                Free::CoTaskMem => CoTaskMemFree(self.pointer.cast()),
                Free::Local => drop(LocalFree(self.pointer.cast())),
            }
        }
    }
}

/// Copies the string at `pointer`; `None` where there is none.
///
/// # Safety
/// `pointer` is null, or a string ended by a zero is there.
pub(crate) unsafe fn text_at(pointer: *const u16) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: all units up to the zero belong to the string.
    let units = unsafe {
        let length = (0..).take_while(|at| *pointer.add(*at) != 0).count();
        std::slice::from_raw_parts(pointer, length)
    };
    Some(wide::text(units))
}
