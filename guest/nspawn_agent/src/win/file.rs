//! Files and directories.

use alloc::vec;
use alloc::vec::Vec;
use core::mem::zeroed;
use core::ptr::{null, null_mut};

use super::ffi::{
    CreateFileW, FILE_SHARE_ALL, FindClose, FindData, FindFirstFileW, FindNextFileW, GENERIC_READ,
    GENERIC_WRITE, INVALID_HANDLE_VALUE, OPEN_EXISTING, SetFilePointerEx,
};
use super::stream::{read, write};
use super::{Error, Handle, Result, check};

/// Bytes that a whole file is read by.
const CHUNK: usize = 4096;

/// What an opened file is for.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub enum Access {
    /// To see whether it can be opened.
    None = 0,
    /// To read it.
    Read = GENERIC_READ,
    /// To write to it.
    Write = GENERIC_WRITE,
}

/// Opens the file or device at `path`, which ends with NUL and exists. Others may do with it what they like.
pub fn open(path: &[u16], access: Access) -> Result<Handle> {
    // SAFETY: the path is closed by NUL.
    Handle::new(unsafe {
        CreateFileW(path.as_ptr(), access as u32, FILE_SHARE_ALL, null(), OPEN_EXISTING, 0, null_mut())
    })
}

/// Reads the file at `path` to its end.
pub fn read_all(path: &[u16]) -> Result<Vec<u8>> {
    let file = open(path, Access::Read)?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let part = read(file.0, &mut chunk)?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(part);
    }
}

/// Writes `bytes` at `offset`.
pub fn write_at(file: &Handle, offset: i64, bytes: &[u8]) -> Result<()> {
    const FILE_BEGIN: u32 = 0;
    // SAFETY: the new position is not wanted.
    check(unsafe { SetFilePointerEx(file.0, offset, null_mut(), FILE_BEGIN) })?;
    write(file.0, bytes)
}

/// Calls `each` with the name of every entry that `pattern`, which ends with NUL, matches.
pub fn list(pattern: &[u16], mut each: impl FnMut(&[u16])) -> Result<()> {
    // SAFETY: a structure of numbers; zero is a value of each.
    let mut found: FindData = unsafe { zeroed() };
    // SAFETY: the pattern is closed by NUL.
    let search = unsafe { FindFirstFileW(pattern.as_ptr(), &mut found) };
    if search == INVALID_HANDLE_VALUE {
        return Err(Error::last());
    }
    loop {
        let end = found.name.iter().position(|unit| *unit == 0).unwrap_or(found.name.len());
        each(&found.name[..end]);
        // SAFETY: the search is open.
        if unsafe { FindNextFileW(search, &mut found) } == 0 {
            break;
        }
    }
    // SAFETY: the search is open, and not used again.
    unsafe { FindClose(search) };
    Ok(())
}
