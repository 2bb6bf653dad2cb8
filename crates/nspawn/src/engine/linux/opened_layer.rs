//! What the container sees of a layer, opened. A layer is an image's content: nothing in it is reached through a link.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, openat, openat2, statat};
use rustix::io::Errno;

use super::layers;
use super::merge::Entry;
use crate::error::{Error, ErrorKind, Result};

/// An opened layer.
#[derive(Debug)]
pub(super) struct OpenedLayer {
    /// Its part that the container sees, as a host path.
    pub(super) root: PathBuf,
    directory: OwnedFd,
}

impl OpenedLayer {
    /// Opens the files of a windowsfilter layer, which must be a directory and no link.
    ///
    /// # Errors
    /// It is something else, or the disk's refusal.
    pub(super) fn open(layer: &Path) -> Result<Self> {
        let root = layers::files(layer);
        let directory = open_root(&root).map_err(|errno| match errno {
            Errno::NOTDIR | Errno::LOOP => {
                Error::new(ErrorKind::Corrupt, "use", format!("layer {}", layer.display()))
                    .reason("its Files is no directory")
                    .with_hint(
                        "parent_layer_directory names a windowsfilter layer: the directory that holds Files",
                    )
            }
            errno => Error::io("open", root.display().to_string(), errno),
        })?;
        Ok(Self { root, directory })
    }

    /// Opens drive C of the embedded base layer.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn open_base(base: &Path) -> Result<Self> {
        let root = layers::drive_of(base);
        let directory =
            open_root(&root).map_err(|errno| Error::io("open", root.display().to_string(), errno))?;
        Ok(Self { root, directory })
    }

    /// Lists a directory below the root, whose own path is empty. Names that are not UTF-8 are no names of Windows.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn list(&self, path: &str) -> Result<Vec<Entry>> {
        self.read(path).map_err(|errno| self.failed("read", path, errno))
    }

    /// Opens a directory below the root, for mounting.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn directory(&self, path: &str) -> Result<OwnedFd> {
        self.beneath(path, OFlags::PATH).map_err(|errno| self.failed("open", path, errno))
    }

    fn read(&self, path: &str) -> std::result::Result<Vec<Entry>, Errno> {
        let opened = self.beneath(path, OFlags::RDONLY)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&opened)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let is_directory = match entry.file_type() {
                FileType::Unknown => is_directory(opened.as_fd(), name)?,
                kind => kind == FileType::Directory,
            };
            if !matches!(name, "." | "..") {
                entries.push(Entry { name: name.to_owned(), is_directory });
            }
        }
        Ok(entries)
    }

    fn beneath(&self, path: &str, flags: OFlags) -> std::result::Result<OwnedFd, Errno> {
        let path = if path.is_empty() { "." } else { path };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        openat2(&self.directory, path, flags | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), resolve)
    }

    fn failed(&self, op: &'static str, path: &str, errno: Errno) -> Error {
        Error::io(op, self.root.join(path).display().to_string(), errno)
    }
}

fn open_root(path: &Path) -> std::result::Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Asks a file system that does not say it in listings.
fn is_directory(above: BorrowedFd<'_>, name: &str) -> std::result::Result<bool, Errno> {
    let stat = statat(above, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_is_reached_through_a_link() {
        let place = tempfile::tempdir().unwrap();
        let files = place.path().join("Files");
        symlink("/etc", &files).unwrap();
        assert_eq!(OpenedLayer::open(place.path()).unwrap_err().kind(), ErrorKind::Corrupt);
        fs::remove_file(&files).unwrap();
        fs::create_dir_all(files.join("a/b")).unwrap();
        fs::write(files.join("a/c"), "").unwrap();
        symlink("b", files.join("a/link")).unwrap();
        let layer = OpenedLayer::open(place.path()).unwrap();
        let mut names: Vec<(String, bool)> =
            layer.list("a").unwrap().into_iter().map(|entry| (entry.name, entry.is_directory)).collect();
        names.sort_unstable();
        assert_eq!(names, [("b".to_owned(), true), ("c".to_owned(), false), ("link".to_owned(), false)]);
        assert!(layer.directory("a/b").is_ok());
        for path in ["a/link", "..", "/etc", "a/c", "a/absent"] {
            assert!(layer.directory(path).is_err() && layer.list(path).is_err(), "{path}");
        }
    }
}
