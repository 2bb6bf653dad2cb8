//! The launcher's system call filters, for a peer to carry the same.

use std::fs::{self, File};
use std::os::fd::{IntoRawFd as _, RawFd};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::io::{FdFlags, fcntl_setfd};

/// Writes them as files beside a directory, and returns their paths.
///
/// # Errors
/// They cannot be made or written.
pub fn write(directory: &Path) -> Result<Vec<PathBuf>> {
    let filters = linux_sandbox::filters().context("cannot make the filters")?;
    let write = |(number, filter): (usize, Vec<u8>)| {
        let path = directory.with_extension(format!("filter{number}"));
        fs::write(&path, filter).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    filters.into_iter().enumerate().map(write).collect()
}

/// Opens a file for the program that is run next, by number. It stays open in us: so few are no matter.
///
/// # Errors
/// It cannot be opened.
pub fn inherited(path: &Path) -> Result<RawFd> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    fcntl_setfd(&file, FdFlags::empty()).context("cannot keep it open")?;
    Ok(file.into_raw_fd())
}
