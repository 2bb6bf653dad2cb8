//! Standard streams and pipes.

use core::mem::zeroed;
use core::ptr::{null, null_mut};

use super::ffi::{
    CancelIoEx, CreatePipe, FILE_TYPE_PIPE, FileInformation, GetFileInformationByHandle, GetFileType,
    GetStdHandle, HANDLE_FLAG_INHERIT, PeekNamedPipe, RawHandle, ReadFile, STD_ERROR_HANDLE,
    STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetHandleInformation, WriteFile,
};
use super::{Error, Handle, Result, check};

/// A standard stream of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Standard {
    /// Standard input.
    Input = STD_INPUT_HANDLE,
    /// Standard output.
    Output = STD_OUTPUT_HANDLE,
    /// Standard error.
    Error = STD_ERROR_HANDLE,
}

impl Standard {
    /// Returns the stream's handle, which stays the process's own.
    pub fn handle(self) -> RawHandle {
        // SAFETY: takes a number.
        unsafe { GetStdHandle(self as u32) }
    }

    /// Returns whether the stream is a pipe or a socket.
    pub fn is_pipe(self) -> bool {
        // SAFETY: any handle may be asked about.
        unsafe { GetFileType(self.handle()) == FILE_TYPE_PIPE }
    }

    /// Keeps the stream from the processes that we make.
    pub fn keep(self) -> Result<()> {
        // SAFETY: the handle is open.
        check(unsafe { SetHandleInformation(self.handle(), HANDLE_FLAG_INHERIT, 0) })
    }

    /// Returns what tells this stream's pipe from other pipes; none: it cannot be told.
    pub fn identity(self) -> Option<[u32; 3]> {
        // SAFETY: a structure of numbers; zero is a value of each.
        let mut information: FileInformation = unsafe { zeroed() };
        // SAFETY: the structure can be written to.
        check(unsafe { GetFileInformationByHandle(self.handle(), &mut information) }).ok()?;
        let FileInformation { volume, index, .. } = information;
        (index != [0, 0]).then_some([volume, index[0], index[1]])
    }
}

/// Which end of a pipe the processes that we make inherit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherited {
    /// The end to read.
    Reader,
    /// The end to write.
    Writer,
}

/// Makes a pipe that holds `size` bytes: the end to read and the end to write.
pub fn pipe(size: u32, inherited: Inherited) -> Result<(Handle, Handle)> {
    let (mut reader, mut writer) = (null_mut(), null_mut());
    // SAFETY: both handles can be written to.
    check(unsafe { CreatePipe(&mut reader, &mut writer, null(), size) })?;
    let (reader, writer) = (Handle(reader), Handle(writer));
    let theirs = if inherited == Inherited::Reader { &reader } else { &writer };
    // SAFETY: the handle is open.
    check(unsafe { SetHandleInformation(theirs.0, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) })?;
    Ok((reader, writer))
}

/// Returns how many bytes can be read from a pipe at once.
pub fn available(reader: &Handle) -> Result<usize> {
    let mut count = 0;
    // SAFETY: the handle is open; only the count is wanted.
    check(unsafe { PeekNamedPipe(reader.0, null_mut(), 0, null_mut(), &mut count, null_mut()) })?;
    Ok(count as usize)
}

/// Ends a read from `reader` that another thread waits in; it fails with [`Error::ABORTED`].
pub fn cancel_read(reader: &Handle) {
    // SAFETY: the handle is open. No read is under way: nothing happens.
    unsafe { CancelIoEx(reader.0, null_mut()) };
}

/// Reads once, waiting for something to read; nothing: the end.
pub fn read(file: RawHandle, buffer: &mut [u8]) -> Result<&[u8]> {
    const ERROR_HANDLE_EOF: Error = Error(38);
    const ERROR_BROKEN_PIPE: Error = Error(109);

    let mut count = 0;
    // SAFETY: the buffer is as long as is said; no caller's buffer is 4 GiB.
    match check(unsafe { ReadFile(file, buffer.as_mut_ptr(), buffer.len() as u32, &mut count, null_mut()) }) {
        Ok(()) => Ok(&buffer[..(count as usize).min(buffer.len())]),
        Err(ERROR_HANDLE_EOF | ERROR_BROKEN_PIPE) => Ok(&[]),
        Err(error) => Err(error),
    }
}

/// Writes all of `bytes`.
pub fn write(file: RawHandle, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let mut count = 0;
        // SAFETY: the buffer is as long as is said; no caller's buffer is 4 GiB.
        check(unsafe { WriteFile(file, bytes.as_ptr(), bytes.len() as u32, &mut count, null_mut()) })?;
        bytes = bytes.get(count as usize..).unwrap_or_default();
    }
    Ok(())
}
