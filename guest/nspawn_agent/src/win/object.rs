//! Names of the kernel's objects.

use core::ptr::{null, null_mut};

use super::ffi::{OBJ_CASE_INSENSITIVE, ObjectAttributes, RawHandle, UnicodeString};

/// Returns `name`, without a NUL, as the kernel takes it.
///
/// No name of the agent's is near the limit of 32767 units.
pub fn unicode(name: &[u16]) -> UnicodeString {
    let length = u16::try_from(size_of_val(name)).unwrap_or(u16::MAX - 1);
    UnicodeString { length, capacity: length, buffer: name.as_ptr() }
}

/// Returns the attributes of the object `name`, which is below `root`, if there is one.
pub fn attributes(root: Option<RawHandle>, name: &UnicodeString, flags: u32) -> ObjectAttributes {
    ObjectAttributes {
        length: size_of::<ObjectAttributes>() as u32,
        root: root.unwrap_or(null_mut()),
        name,
        attributes: OBJ_CASE_INSENSITIVE | flags,
        descriptor: null(),
        quality: null(),
    }
}
