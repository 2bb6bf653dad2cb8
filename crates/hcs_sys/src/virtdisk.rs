//! virtdisk.dll: disks that are files.
// UNSAFETY: declares and calls functions of a DLL.
#![expect(unsafe_code, non_snake_case, reason = "functions of virtdisk.dll, by its names")]

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::null_mut;

use crate::code::Code;
use crate::error::{Error, Result};
use crate::handle::Raw;
use crate::layout::{Guid, OpenVirtualDiskParameters, VirtualStorageType};
use crate::library::{Library, import};
use crate::wide::Wide;

/// `VIRTUAL_DISK_ACCESS_NONE`: what the second version of the parameters demands.
const NO_ACCESS: u32 = 0;

/// `OPEN_VIRTUAL_DISK_FLAG_CACHED_IO | OPEN_VIRTUAL_DISK_FLAG_IGNORE_RELATIVE_PARENT_LOCATOR`, as hcsshim opens the
/// disks of layers: their parents are known to the filter alone.
const FLAGS: u32 = 0x08 | 0x10;

static VIRTDISK: Library = Library::new("virtdisk.dll");

import! { VIRTDISK;
    plain OpenVirtualDisk(
        storage: *const VirtualStorageType, path: *const u16, access: u32, flags: u32,
        parameters: *const OpenVirtualDiskParameters, handle: *mut Raw,
    ) -> u32;
    plain DetachVirtualDisk(disk: Raw, flags: u32, provider: u32) -> u32;
}

impl VirtualStorageType {
    /// `VIRTUAL_STORAGE_TYPE_DEVICE_UNKNOWN`: the file says which.
    fn unknown() -> Self {
        Self { device: 0, vendor: Guid::default() }
    }
}

impl OpenVirtualDiskParameters {
    /// Version 2, with nothing asked for.
    fn second() -> Self {
        let (resiliency, snapshot) = (Guid::default(), Guid::default());
        Self { version: 2, info_only: 0, read_only: 0, resiliency, snapshot }
    }
}

/// Takes a disk that is a file from this computer, whoever attached it.
///
/// # Errors
/// `FILE_NOT_FOUND`: there is no such file. `NOT_READY`: it is not attached. Otherwise the system's refusal.
pub fn detach(file: &str) -> Result<()> {
    let path = Wide::new(file)?;
    let (storage, parameters) = (VirtualStorageType::unknown(), OpenVirtualDiskParameters::second());
    let mut disk = null_mut();
    // SAFETY: all that is pointed to outlives the call; the handle that it puts there is ours.
    let opened = unsafe {
        OpenVirtualDisk(
            &raw const storage,
            path.as_ptr(),
            NO_ACCESS,
            FLAGS,
            &raw const parameters,
            &raw mut disk,
        )
    }?;
    check("OpenVirtualDisk", opened)?;
    // SAFETY: the call succeeded, and the handle is ours.
    let disk = unsafe { OwnedHandle::from_raw_handle(disk) };
    // SAFETY: the disk is open; there are no flags.
    check("DetachVirtualDisk", unsafe { DetachVirtualDisk(disk.as_raw_handle(), 0, 0) }?)
}

/// Both functions return an error of Win32.
fn check(function: &'static str, number: u32) -> Result<()> {
    match number {
        0 => Ok(()),
        number => {
            let code = Code::from_win32(u16::try_from(number).unwrap_or(u16::MAX));
            Err(Error::Refused { function, code, document: None })
        }
    }
}
