//! Directories, the program and the output file, as the host has them.

use std::fs::{self, File};
use std::io::{ErrorKind as IoKind, Read as _};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::paths::{RelativePath, check_host};
use crate::program::{self, Machine, Program};

/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself, and not what it leads to.
const OPEN_LINK: u32 = 0x0020_0000;

/// Returns the real path of a directory: the service does not follow links in the paths of its documents.
///
/// # Errors
/// `NotFound` or `InvalidSpec`: it is absent, no directory, or leads where nothing may be mapped from.
pub(super) fn real_directory(key: &str, path: &Path, own_roots: &[PathBuf]) -> Result<PathBuf> {
    let subject = || format!("{key} {}", path.display());
    let real = fs::canonicalize(path).map_err(|error| match error.kind() {
        IoKind::NotFound => Error::io("open", subject(), error).with_kind(ErrorKind::NotFound),
        _ => Error::io("open", subject(), error),
    })?;
    if !real.is_dir() {
        return Err(Error::invalid(key, format!("is no directory: {}", path.display())));
    }
    check_host(key, &real, own_roots)?;
    Ok(plain(&real))
}

/// Takes a path out of its verbatim form, which the service's documents do not have.
fn plain(path: &Path) -> PathBuf {
    path.to_str().and_then(|text| text.strip_prefix(r"\\?\")).map_or_else(|| path.to_owned(), PathBuf::from)
}

/// Looks at the program.
///
/// # Errors
/// `ProgramNotFound` or `ProgramNotExecutable`.
pub(super) fn check_program(directory: &Path, path: &RelativePath) -> Result<()> {
    let refused = |reason: &str| {
        Error::new(ErrorKind::ProgramNotExecutable, "execute", path.to_string()).reason(reason)
    };
    let failed = |error: std::io::Error| {
        let kind = match error.kind() {
            IoKind::NotFound => ErrorKind::ProgramNotFound,
            _ => ErrorKind::ProgramNotExecutable,
        };
        Error::io("read", format!("process_executable {path}"), error).with_kind(kind)
    };
    let real = fs::canonicalize(directory.join(path.to_string())).map_err(failed)?;
    if !plain(&real).starts_with(directory) {
        return Err(refused("it is a link that leads out of process_directory"));
    }
    let metadata = fs::metadata(&real).map_err(failed)?;
    if !metadata.is_file() {
        return Err(refused("it is no file"));
    }
    let mut head = Vec::new();
    let file = File::open(&real).map_err(failed)?;
    file.take(program::HEAD as u64).read_to_end(&mut head).map_err(failed)?;
    let name = path.components().last().map_or("", String::as_str);
    match program::inspect(&head, metadata.len(), name, Machine::X64AndX86)? {
        Program::Windows { .. } => Ok(()),
        Program::Native(_) => Err(refused("it is a Linux program")),
    }
}

/// Opens the file that takes the output, for appending, made where it is absent. No link on the way is followed.
///
/// # Errors
/// `InvalidSpec` or `Host`: no regular file, a link, or not writable.
pub(super) fn open_output(directory: &Path, path: &RelativePath) -> Result<File> {
    let subject = || format!("stdout_filename {path}");
    let failed = |error| Error::io("open", subject(), error);
    let whole = directory.join(path.to_string());
    let parent = whole.parent().unwrap_or(directory);
    if plain(&fs::canonicalize(parent).map_err(failed)?) != parent {
        return Err(Error::invalid("stdout_filename", format!("leads through a link: {path}")));
    }
    let opened = File::options().append(true).create(true).custom_flags(OPEN_LINK).open(&whole);
    let file = opened.map_err(failed)?;
    match file.metadata().map_err(failed)?.file_type().is_file() {
        true => Ok(file),
        false => Err(Error::invalid("stdout_filename", format!("is no regular file: {path}"))),
    }
}
