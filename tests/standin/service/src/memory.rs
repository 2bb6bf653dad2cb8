//! Texts that cross the border of a DLL.
// UNSAFETY: reads and allocates memory that the caller knows by address.
#![expect(unsafe_code, reason = "strings by address")]

use windows_sys::Win32::System::Com::CoTaskMemAlloc;
use windows_sys::Win32::System::Memory::{LMEM_FIXED, LocalAlloc};

use crate::code::Family;

/// Reads the text at `pointer`; an empty one where there is none.
///
/// # Safety
/// `pointer` is null, or a text ended by a zero is there.
pub unsafe fn text_at(pointer: *const u16) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: all units up to the zero belong to the text.
    let units = unsafe {
        let length = (0..).take_while(|at| *pointer.add(*at) != 0).count();
        std::slice::from_raw_parts(pointer, length)
    };
    String::from_utf16_lossy(units)
}

/// Reads the text at `pointer`, where there is one.
///
/// # Safety
/// As [`text_at`].
pub unsafe fn some_text_at(pointer: *const u16) -> Option<String> {
    // SAFETY: as the caller says.
    (!pointer.is_null()).then(|| unsafe { text_at(pointer) })
}

/// Returns the text in UTF-16, ended by a zero.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Puts a text at `place`, for the caller to free as the DLL of `family` documents; null where there is no memory. A
/// place that is null wants none.
///
/// # Safety
/// `place` is null or may be written.
pub unsafe fn put_text(family: Family, place: *mut *mut u16, text: &str) {
    if place.is_null() {
        return;
    }
    let units = wide(text);
    let bytes = size_of_val(units.as_slice());
    // SAFETY: the memory is new, and has the length that is copied.
    unsafe {
        let memory: *mut u16 = match family {
            Family::V1 => CoTaskMemAlloc(bytes).cast(),
            Family::V2 => LocalAlloc(LMEM_FIXED, bytes).cast(),
        };
        if !memory.is_null() {
            memory.copy_from_nonoverlapping(units.as_ptr(), units.len());
        }
        *place = memory;
    }
}
