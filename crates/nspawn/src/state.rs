//! Who is alive. One directory and one lock a container, made before anything else of it and removed last:
//!
//! ```text
//! <run>/nspawn_<name>/lock     held (flock) by the launcher as long as it lives; the kernel frees it at its death
//! ```
//!
//! A directory whose lock can be taken belongs to a dead launcher: whoever takes it clears up after it. Running
//! state is never synced: after a boot it means nothing.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::spec::ContainerId;

/// Where launchers of this host say that they live.
#[derive(Debug, Clone)]
pub struct State {
    directory: PathBuf,
}

/// The right to a container's name, and the duty to clear up after it. Dropping it gives the name back: everything
/// else of the container must be gone by then.
#[derive(Debug)]
pub struct Claim {
    id: ContainerId,
    directory: PathBuf,
    kept: bool,
    _lock: File,
}

impl State {
    /// Takes `directory` as the place; made at the first claim.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Claims a name: for a new container, or to clear up after a launcher that died.
    ///
    /// # Errors
    /// `AlreadyExists` where a living launcher has it; otherwise the disk's refusal.
    pub fn claim(&self, id: &ContainerId) -> Result<Claim> {
        let taken = || {
            Error::new(ErrorKind::AlreadyExists, "create", format!("container {id}"))
                .reason("a container of this name is running")
                .with_hint("choose another name, or leave it out: then each container gets its own")
        };
        create_private(&self.directory)?;
        let directory = self.directory.join(id.as_str());
        let path = directory.join("lock");
        let failed = |error| Error::io("lock", path.display().to_string(), error);
        loop {
            create_private(&directory)?;
            let lock = match File::options().write(true).create(true).truncate(false).open(&path) {
                Ok(lock) => lock,
                // Removed by its owner between our two steps: once more.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(taken()),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // The lock counts only while it is the file that stands there: its owner may have removed it just now.
            if same_file(&lock, &path) {
                return Ok(Claim { id: id.clone(), directory, kept: false, _lock: lock });
            }
        }
    }

    /// Returns the names that were claimed and not given back, whether their launchers live or not.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn claimed(&self) -> Result<Vec<ContainerId>> {
        ids_in(&self.directory)
    }
}

impl Claim {
    /// Returns whose name it is.
    pub fn id(&self) -> &ContainerId {
        &self.id
    }

    /// Leaves the name taken, with nobody alive behind it: something of the container could not be removed, and the
    /// next command that collects shall find it.
    pub fn abandon(mut self) {
        self.kept = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.kept {
            // Where this fails the name stays taken by nobody, which the next command mends.
            let _ = fs::remove_file(self.directory.join("lock"));
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// Returns the ids that entries of a directory spell; none where it is absent.
///
/// # Errors
/// The directory cannot be read.
pub fn ids_in(directory: &Path) -> Result<Vec<ContainerId>> {
    let failed = |error| Error::io("read", directory.display().to_string(), error);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        ids.extend(entry.map_err(failed)?.file_name().to_str().and_then(ContainerId::parse));
    }
    Ok(ids)
}

/// Makes a directory, and those above it, that only its owner can enter.
///
/// # Errors
/// The disk's refusal.
pub fn create_private(directory: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    private(&mut builder);
    builder.create(directory).map_err(|error| Error::io("make", directory.display().to_string(), error))
}

#[cfg(unix)]
use unix::{private, same_file};
#[cfg(windows)]
use windows::{private, same_file};

#[cfg(unix)]
mod unix {
    use std::fs::{DirBuilder, File};
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    use std::path::Path;

    pub(super) fn private(builder: &mut DirBuilder) {
        builder.mode(0o700);
    }

    pub(super) fn same_file(file: &File, path: &Path) -> bool {
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let (opened, named) = (file.metadata().map(identity), std::fs::symlink_metadata(path).map(identity));
        matches!((opened, named), (Ok(opened), Ok(named)) if opened == named)
    }
}

#[cfg(windows)]
mod windows {
    use std::fs::{DirBuilder, File};
    use std::path::Path;

    /// %ProgramData% gives what is made in it to administrators and its owner.
    pub(super) fn private(_builder: &mut DirBuilder) {}

    /// A file that is open cannot be replaced on Windows.
    pub(super) fn same_file(_file: &File, _path: &Path) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ContainerId {
        ContainerId::parse(&format!("nspawn_{name}")).unwrap()
    }

    #[test]
    fn a_name_is_claimed_once_and_free_again_after() {
        let place = tempfile::tempdir().unwrap();
        let state = State::new(place.path().join("run"));
        let claim = state.claim(&id("a")).unwrap();
        assert_eq!(state.claim(&id("a")).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(state.claimed().unwrap(), [id("a")]);
        drop(claim);
        assert_eq!(state.claimed().unwrap(), []);
        state.claim(&id("a")).unwrap();
    }

    #[test]
    fn the_name_of_a_dead_launcher_can_be_claimed() {
        let place = tempfile::tempdir().unwrap();
        let state = State::new(place.path());
        state.claim(&id("a")).unwrap().abandon(); // as a SIGKILL does: the lock is freed, the files stay
        assert_eq!(state.claimed().unwrap(), [id("a")]);
        drop(state.claim(&id("a")).unwrap());
        fs::create_dir(place.path().join("nspawn_b")).unwrap(); // killed before the lock was made
        drop(state.claim(&id("b")).unwrap());
        assert_eq!(state.claimed().unwrap(), []);
    }
}
