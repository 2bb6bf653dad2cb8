//! The launcher's system call filters, for a peer to carry the same.

use std::fs::{self, File};
use std::os::fd::{IntoRawFd as _, RawFd};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::shell;

/// Has them written as files beside a directory, and returns their paths.
///
/// # Errors
/// They cannot be made or written.
pub fn write(directory: &Path) -> Result<Vec<PathBuf>> {
    let path = |number: usize| PathBuf::from(format!("{}.filter{number}", directory.display()));
    // Those that another program once had.
    (0..).map(path).take_while(|path| fs::remove_file(path).is_ok()).for_each(drop);
    let mut cargo = shell::cargo();
    cargo.args(["run", "--quiet", "--package", "linux_sandbox", "--example", "filters", "--"]);
    shell::run(cargo.arg(format!("{}.filter", directory.display())))?;
    Ok((0..).map(path).take_while(|path| path.is_file()).collect())
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
