//! What Windows has for it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

use hcs_sys::file_id;

use crate::error::Error;

/// Who may not keep state may not have containers either, and is told that.
pub(super) fn elsewhere(error: Error) -> Error {
    error
}

/// %ProgramData% gives what is made in it to administrators and its owner.
pub(super) fn private(builder: &mut DirBuilder) -> &DirBuilder {
    builder
}

/// Returns how to open a file to write; the directory decides who else may.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}

/// Tells whether an error means that the file or its directory is being removed: a name is taken until the last
/// handle to what bore it is closed, and opening it is denied meanwhile.
pub(super) fn is_vanishing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}

/// A file that is open can be removed, and from Windows Server 2019 on another one can have its name at once.
pub(super) fn same_file(file: &File, path: &Path) -> bool {
    let named = File::open(path).and_then(|named| file_id::of(&named));
    matches!((file_id::of(file), named), (Ok(opened), Ok(named)) if opened == named)
}

/// Removes the directory once its lock is closed: until then a file that was removed still stands in it. Where
/// somebody has made a new one meanwhile, the directory is theirs, and stays.
pub(super) fn remove_emptied(directory: &Path, lock: Option<File>) -> io::Result<()> {
    drop(lock);
    fs::remove_dir(directory)
}
