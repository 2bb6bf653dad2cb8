//! Who is alive. One directory and one lock a container, made before anything else of it and removed last:
//!
//! ```text
//! <run>/nspawn_<name>/lock     held (flock) by the launcher as long as it lives; the kernel frees it at its death
//! <run>/collect                held by who clears up after dead launchers, one at a time
//! ```
//!
//! A directory whose lock can be taken belongs to a dead launcher: whoever takes it clears up after it. For that
//! moment the name looks taken, so a launcher that finds it so looks again while nobody clears up. Running state is
//! never synced: after a boot it means nothing.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::spec::ContainerId;

/// The file in a container's directory that says who lives.
const LOCK: &str = "lock";

/// How long a name may be in the course of being given back.
const PATIENCE: Duration = Duration::from_secs(2);

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
    end: End,
    found: Found,
    /// Held until the claim is dropped.
    lock: Option<File>,
}

/// What a claim met at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nobody's: the name was free.
    Nothing,
    /// The lock of a launcher that is gone.
    DeadLock,
}

/// What becomes of a name when its claim is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It is free.
    Free,
    /// It stays taken, with nobody alive behind it.
    Abandoned,
}

/// The right to clear up after dead launchers, which one process of a host has at a time. Claims wait for it where
/// they must.
#[derive(Debug)]
pub struct Collection<'a> {
    state: &'a State,
    _lock: File,
}

impl State {
    /// Takes `directory` as the place; made at the first claim.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Claims a name for a new container.
    ///
    /// # Errors
    /// `AlreadyExists` where a living launcher has it; otherwise the disk's refusal.
    pub fn claim(&self, id: &ContainerId) -> Result<Claim> {
        if let Some(claim) = self.try_claim(id)? {
            return Ok(claim);
        }
        let _calm = self.lock_collection(File::lock_shared)?;
        self.try_claim(id)?.ok_or_else(|| {
            Error::new(ErrorKind::AlreadyExists, "create", format!("container {id}"))
                .reason("a container of this name is running")
                .with_hint("choose another name, or leave it out: then each container gets its own")
        })
    }

    /// Begins to clear up; waits where another process does.
    ///
    /// # Errors
    /// The disk's refusal.
    pub fn collection(&self) -> Result<Collection<'_>> {
        Ok(Collection { state: self, _lock: self.lock_collection(File::lock)? })
    }

    fn lock_collection(&self, lock: fn(&File) -> io::Result<()>) -> Result<File> {
        create_private(&self.directory)?;
        let path = self.directory.join("collect");
        let opened = private_file().create(true).truncate(false).open(&path);
        let locked = opened.and_then(|file| lock(&file).map(|()| file));
        locked.map_err(|error| Error::io("lock", path.display().to_string(), error))
    }

    /// Claims a name; `None` where another process has it now.
    fn try_claim(&self, id: &ContainerId) -> Result<Option<Claim>> {
        create_private(&self.directory)?;
        let directory = self.directory.join(id.as_str());
        let path = directory.join(LOCK);
        let failed = |error| Error::io("lock", path.display().to_string(), error);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (lock, found) = match make_private(&directory).and_then(|()| open_lock(&path)) {
                Ok(opened) => opened,
                // Its owner is removing it just now: once more.
                Err(error) if is_vanishing(&error) && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                }
                Err(error) => return Err(failed(error)),
            };
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // The lock counts only while it is the file that stands there: its owner may have removed it just now.
            if same_file(&lock, &path) {
                let lock = Some(lock);
                return Ok(Some(Claim { id: id.clone(), directory, end: End::Free, found, lock }));
            }
            if Instant::now() > deadline {
                return Err(failed(io::Error::other("another file takes its place again and again")));
            }
        }
    }

    /// Returns the names that were claimed and not given back, whether their launchers live or not.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn claimed(&self) -> Result<Vec<ContainerId>> {
        ids_in(&self.directory, ContainerId::parse)
    }
}

/// Opens a lock, made where it is absent.
fn open_lock(path: &Path) -> io::Result<(File, Found)> {
    match private_file().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            File::options().write(true).open(path).map(|file| (file, Found::DeadLock))
        }
        made => made.map(|file| (file, Found::Nothing)),
    }
}

impl Collection<'_> {
    /// Claims a name to clear up after its launcher; `None` where that lives. What is damaged at its place, and so
    /// nobody can hold, is removed.
    ///
    /// # Errors
    /// The disk's refusal.
    pub fn claim(&self, id: &ContainerId) -> Result<Option<Claim>> {
        let directory = self.state.directory.join(id.as_str());
        remove_unless(&directory, fs::FileType::is_dir)?;
        remove_unless(&directory.join(LOCK), fs::FileType::is_file)?;
        self.state.try_claim(id)
    }
}

fn remove_unless(path: &Path, right: fn(&fs::FileType) -> bool) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !right(&metadata.file_type()) => remove(path).map_err(not_removed(path)),
        _ => Ok(()),
    }
}

/// Removes whatever is at `path`; it may be gone.
///
/// # Errors
/// The disk's refusal.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn not_removed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let subject = path.display().to_string();
    move |error| Error::io("remove", subject, error)
}

impl Claim {
    /// Returns whose name it is.
    pub fn id(&self) -> &ContainerId {
        &self.id
    }

    /// Leaves the name taken, with nobody alive behind it: something of the container could not be removed, and the
    /// next command that collects shall find it.
    pub fn abandon(mut self) {
        self.end = End::Abandoned;
    }

    /// Returns what was there when the name was claimed.
    pub fn found(&self) -> Found {
        self.found
    }

    /// Gives the name back with all that lies at its place, whoever put it there.
    ///
    /// # Errors
    /// The disk's refusal; the name stays taken.
    pub fn clear(mut self) -> Result<()> {
        self.end = End::Abandoned;
        let failed = |error| Error::io("read", self.directory.display().to_string(), error);
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name() != LOCK {
                remove(&entry.path()).map_err(not_removed(&entry.path()))?;
            }
        }
        self.end = End::Free;
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.end == End::Free {
            // Where this fails the name stays taken by nobody, which the next command mends.
            let _ = fs::remove_file(self.directory.join(LOCK));
            let _ = remove_emptied(&self.directory, self.lock.take());
        }
    }
}

/// Returns the ids that entries of a directory spell, by how `spelled` reads their names; none where it is absent.
///
/// # Errors
/// The directory cannot be read.
pub fn ids_in(directory: &Path, spelled: impl Fn(&str) -> Option<ContainerId>) -> Result<Vec<ContainerId>> {
    let failed = |error| refused("read", directory, error);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        ids.extend(entry.map_err(failed)?.file_name().to_str().and_then(&spelled));
    }
    Ok(ids)
}

/// Makes a directory, and those above it, that only its owner can enter.
///
/// # Errors
/// The disk's refusal.
pub fn create_private(directory: &Path) -> Result<()> {
    let made = private(fs::DirBuilder::new().recursive(true)).create(directory);
    made.map_err(|error| refused("make", directory, error))
}

fn refused(op: &'static str, directory: &Path, error: io::Error) -> Error {
    let error = Error::io(op, directory.display().to_string(), error);
    if error.kind() == ErrorKind::Denied { elsewhere(error) } else { error }
}

/// Makes a directory that only its owner can enter, where nothing is there yet.
fn make_private(directory: &Path) -> io::Result<()> {
    match private(&mut fs::DirBuilder::new()).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix::{elsewhere, is_vanishing, private, private_file, remove_emptied, same_file};
#[cfg(windows)]
use windows::{elsewhere, is_vanishing, private, private_file, remove_emptied, same_file};

#[cfg(test)]
mod tests;
