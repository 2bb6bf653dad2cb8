//! Reads a configuration file: the one place here that touches a disk.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::refusal::escaped;

/// The longest configuration file, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// Reads a configuration file. It is looked at before it is opened, because opening a FIFO waits for a writer and
/// opening a device may do anything, and again after, in case another file took its place.
///
/// # Errors
/// [`ErrorKind::NotFound`] or [`ErrorKind::Host`]: it cannot be read.
/// [`ErrorKind::InvalidSpec`]: not a regular file, or longer than [`MAX_BYTES`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let subject = || escaped(&path.to_string_lossy());
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::io("read", subject(), error).with_kind(ErrorKind::NotFound),
        // Not `Denied`: what that kind's hint says, root for containers, is no cure for a file's permissions.
        io::ErrorKind::PermissionDenied => Error::io("read", subject(), error).with_kind(ErrorKind::Host),
        _ => Error::io("read", subject(), error),
    };
    let regular = |metadata: Metadata| match metadata.is_file() {
        true => Ok(()),
        false => Err(Error::invalid(subject(), "is not a regular file")),
    };
    regular(std::fs::metadata(path).map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    regular(file.metadata().map_err(failed)?)?;
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    match text.len() as u64 > MAX_BYTES {
        true => Err(Error::invalid(subject(), "is longer than 1 MiB")),
        false => Ok(text),
    }
}

// FIFOs and devices as Unix has them.
#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn reads_regular_files_up_to_the_bound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        for (length, accepted) in [(0, true), (MAX_BYTES, true), (MAX_BYTES + 1, false), (1 << 30, false)] {
            // A sparse file: long, and empty on the disk.
            File::create(&path).unwrap().set_len(length).unwrap();
            match read(&path) {
                Ok(text) => assert!(accepted && text.len() as u64 == length),
                Err(error) => {
                    assert!(!accepted);
                    assert!(error.to_string().ends_with("config.json: is longer than 1 MiB"), "{error}");
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_no_regular_file_without_opening_it() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        std::os::unix::fs::symlink(&fifo, dir.path().join("link")).unwrap();
        for path in [fifo.as_path(), &dir.path().join("link"), dir.path(), Path::new("/dev/zero")] {
            let error = read(path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
            assert!(error.to_string().ends_with(": is not a regular file"), "{error}");
        }
    }

    #[test]
    fn names_the_file_that_cannot_be_read() {
        let error = read(Path::new("/nonexistent/a\nb")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(
            error.one_line(),
            "cannot read /nonexistent/a\\nb: No such file or directory (os error 2)"
        );
    }
}
