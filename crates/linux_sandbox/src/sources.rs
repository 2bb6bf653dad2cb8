//! Host paths, each opened once: what a plan names is looked up here by the very same path.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::error::{Context, Result};

/// Opened host directories, files and devices, by the path a plan calls them.
#[derive(Debug, Default)]
pub struct Sources(BTreeMap<PathBuf, OwnedFd>);

impl Sources {
    /// Takes a descriptor that was opened and checked elsewhere as what `path` stands for.
    pub fn insert(&mut self, path: impl Into<PathBuf>, opened: OwnedFd) {
        self.0.insert(path.into(), opened);
    }

    /// Returns what `path` stands for, opening it (`O_PATH`) at the first call.
    ///
    /// # Errors
    /// The path cannot be opened.
    pub fn open(&mut self, path: &Path) -> Result<BorrowedFd<'_>> {
        if !self.0.contains_key(path) {
            let opened = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
                .context("open", || path.display().to_string())?;
            self.0.insert(path.to_owned(), opened);
        }
        Ok(self.0[path].as_fd())
    }
}
