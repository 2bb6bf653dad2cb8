//! What the container sees of a layer, opened. A layer is an image's content: nothing in it is reached through a link.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use linux_sandbox::{Links, open_below};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::layers;
use super::merge::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::refusal::refuse;

/// The longest file about a layer that is read, in bytes.
const TEXT_MAX: u64 = 1 << 20;

/// Reads a text beside the files of a layer; `None`: there is none.
///
/// # Errors
/// It is no regular file of at most 1 MiB, or the disk refuses.
pub(super) fn read_beside(layer: &Path, name: &str) -> Result<Option<String>> {
    let path = layer.join(name);
    let subject = || path.display().to_string();
    // Not blocking: a FIFO must not hold us.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat(CWD, &path, flags, Mode::empty()) {
        Ok(opened) => File::from(opened),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(Errno::LOOP) => return Err(Error::invalid(subject(), "is a link, which is not followed")),
        Err(errno) => return Err(Error::io("open", subject(), errno)),
    };
    let metadata = file.metadata().map_err(|error| Error::io("inspect", subject(), error))?;
    if !metadata.is_file() || metadata.len() > TEXT_MAX {
        return Err(Error::invalid(subject(), "is no regular file of at most 1 MiB"));
    }
    let mut text = String::new();
    file.take(TEXT_MAX).read_to_string(&mut text).map_err(|error| Error::io("read", subject(), error))?;
    Ok(Some(text))
}

/// An opened layer.
#[derive(Debug)]
pub(super) struct OpenedLayer {
    /// Its directory, as a host path.
    pub(super) path: PathBuf,
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
            Errno::NOENT => {
                let what = "is no windowsfilter layer: it has no directory Files";
                let error = refuse("parent_layer_directory", what, &layer.to_string_lossy());
                error.with_kind(ErrorKind::NotFound)
            }
            Errno::NOTDIR | Errno::LOOP => {
                Error::new(ErrorKind::Corrupt, "use", format!("layer {}", layer.display()))
                    .reason("its Files is no directory")
                    .with_hint(
                        "parent_layer_directory names a windowsfilter layer: the directory that holds Files",
                    )
            }
            errno => Error::io("open", root.display().to_string(), errno),
        })?;
        Ok(Self { path: layer.to_owned(), root, directory })
    }

    /// Opens drive C of the embedded base layer.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn open_base(base: &Path) -> Result<Self> {
        let root = layers::drive_of(base);
        let directory =
            open_root(&root).map_err(|errno| Error::io("open", root.display().to_string(), errno))?;
        Ok(Self { path: base.to_owned(), root, directory })
    }

    /// Tells whether there is any of these files below the root.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn has_any(&self, paths: &[&str]) -> Result<bool> {
        for path in paths {
            match open_below(&self.directory, path, OFlags::PATH, Mode::empty(), Links::Refused) {
                Ok(_) => return Ok(true),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(errno) => return Err(self.failed("look for", path, errno)),
            }
        }
        Ok(false)
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
        open_below(&self.directory, path, flags | OFlags::DIRECTORY, Mode::empty(), Links::Refused)
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
        assert!(
            layer.has_any(&["x", "a/c"]).unwrap() && !layer.has_any(&["x", "a/link/x", "a/c/d"]).unwrap()
        );
        let mut names: Vec<(String, bool)> =
            layer.list("a").unwrap().into_iter().map(|entry| (entry.name, entry.is_directory)).collect();
        names.sort_unstable();
        assert_eq!(names, [("b".to_owned(), true), ("c".to_owned(), false), ("link".to_owned(), false)]);
        assert!(layer.directory("a/b").is_ok());
        for path in ["a/link", "..", "/etc", "a/c", "a/absent"] {
            assert!(layer.directory(path).is_err() && layer.list(path).is_err(), "{path}");
        }
    }

    #[test]
    fn only_a_plain_file_of_reasonable_size_is_read() {
        let place = tempfile::tempdir().unwrap();
        let read = |name| read_beside(place.path(), name);
        fs::write(place.path().join("plain"), "[]").unwrap();
        fs::write(place.path().join("large"), vec![b' '; 1 + (1 << 20)]).unwrap();
        symlink("/dev/zero", place.path().join("link")).unwrap();
        rustix::fs::mkfifoat(CWD, place.path().join("fifo"), Mode::RWXU).unwrap();
        assert_eq!(read("plain").unwrap().as_deref(), Some("[]"));
        assert_eq!(read("absent").unwrap(), None);
        for name in ["large", "link", "fifo", "."] {
            assert!(read(name).is_err(), "{name}");
        }
    }
}
