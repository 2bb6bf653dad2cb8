//! Which file an open handle is.
// UNSAFETY: calls a function that fills a structure.
#![expect(unsafe_code, reason = "one function of kernel32")]

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle as _;

use windows_sys::Win32::Storage::FileSystem::{FILE_ID_INFO, FileIdInfo, GetFileInformationByHandleEx};

/// What tells a file from all others of this computer, as long as somebody has it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    volume: u64,
    file: [u8; 16],
}

/// Returns which file it is. 128 bits, because ReFS has no shorter ones.
///
/// # Errors
/// The system's refusal: the file system has no such numbers.
pub fn of(file: &File) -> io::Result<FileId> {
    let mut info = FILE_ID_INFO::default();
    let size = size_of::<FILE_ID_INFO>() as u32;
    // SAFETY: the file is open; the structure is ours and has the size that is told.
    let filled = unsafe {
        GetFileInformationByHandleEx(file.as_raw_handle(), FileIdInfo, (&raw mut info).cast(), size)
    };
    match filled {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(FileId { volume: info.VolumeSerialNumber, file: info.FileId.Identifier }),
    }
}
