//! What Unix has for it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::error::Error;

/// Adds what helps who may not keep state at a place.
pub(super) fn elsewhere(error: Error) -> Error {
    error.with_hint("state is kept there: name a directory of your own with --root or the variable HOME, or start this with sudo")
}

pub(super) fn private(builder: &mut DirBuilder) -> &DirBuilder {
    builder.mode(0o700)
}

/// Returns how to open a file to write; where it is made, it is for its owner alone.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Tells whether an error means that the file or its directory was removed between two steps of ours.
pub(super) fn is_vanishing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

pub(super) fn same_file(file: &File, path: &Path) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let (opened, named) = (file.metadata().map(identity), std::fs::symlink_metadata(path).map(identity));
    matches!((opened, named), (Ok(opened), Ok(named)) if opened == named)
}

/// Removes the directory while its lock is held, so that nobody takes it meanwhile.
pub(super) fn remove_emptied(directory: &Path, _lock: Option<File>) -> io::Result<()> {
    fs::remove_dir(directory)
}
