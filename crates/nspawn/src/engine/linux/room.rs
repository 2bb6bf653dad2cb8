//! Whether a disk has room for what is to be made there, looked at before it is made: Wine's own words for a full disk
//! name neither the disk nor the cause, and a set-up of Wine's that finds no room leaves files out without a word.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Room that something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) bytes: u64,
    /// Files and directories.
    pub(super) files: u64,
}

/// What a session takes of its scratch layer until the program runs: ten files and few bytes with Wine 8, and again as much.
pub(super) const SESSION: Room = Room { bytes: 64 << 10, files: 32 };

/// What to do where a disk is full.
pub(super) const HINT: &str = "make room there, or keep state elsewhere: --root DIR";

/// Refuses to make something in `directory` where the disk has less room for users than it takes. What root alone may
/// fill does not count: the container's programs are not the host's root.
///
/// # Errors
/// `Host`: there is less room; or the directory cannot be looked at.
pub(super) fn check(what: &str, directory: &Path, needed: Room) -> Result<()> {
    let disk = rustix::fs::statvfs(directory)
        .map_err(|errno| Error::io("inspect", directory.display().to_string(), errno))?;
    // Where a file system has no such number, both are 0: btrfs makes files as long as there are bytes.
    let bytes = (disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize));
    let files = (disk.f_files > 0).then_some(disk.f_favail);
    let Some(lack) = lack(bytes, files, needed) else { return Ok(()) };
    Err(Error::new(ErrorKind::Host, "make", format!("{what} in {}", directory.display()))
        .reason(format!("No space left on device: {lack}"))
        .with_hint(HINT))
}

/// Says what there is too little of.
fn lack(bytes: Option<u64>, files: Option<u64>, needed: Room) -> Option<String> {
    if let Some(bytes) = bytes.filter(|bytes| *bytes < needed.bytes) {
        return Some(format!("{} kB are free, and it takes {}", bytes >> 10, needed.bytes >> 10));
    }
    let files = files.filter(|files| *files < needed.files)?;
    Some(format!("{files} more files may be made, and it takes {}", needed.files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_too_little_of_is_told() {
        let needed = Room { bytes: 2048, files: 3 };
        for (bytes, files, told) in [
            (Some(2048), Some(3), None),
            (None, None, None),
            (Some(2047), Some(9), Some("1 kB are free, and it takes 2")),
            (Some(9999), Some(2), Some("2 more files may be made, and it takes 3")),
            (None, Some(0), Some("0 more files may be made, and it takes 3")),
        ] {
            assert_eq!(lack(bytes, files, needed).as_deref(), told, "{bytes:?} {files:?}");
        }
    }

    #[test]
    fn no_disk_has_all_the_room_there_could_be() {
        let place = tempfile::tempdir().unwrap();
        check("nothing", place.path(), Room { bytes: 0, files: 0 }).unwrap();
        let error = check("all", place.path(), Room { bytes: u64::MAX, files: 0 }).unwrap_err().one_line();
        assert!(
            error.starts_with(&format!("cannot make all in {}: No space", place.path().display())),
            "{error}"
        );
        check("anything", &place.path().join("absent"), SESSION).unwrap_err();
    }
}
