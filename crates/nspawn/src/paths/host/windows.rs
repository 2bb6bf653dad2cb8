//! Paths of directories of a Windows host: a drive's letter and plain names below it, whatever the separator.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::names;
use crate::paths::{Form, MAX_LENGTH, is_separator};
use crate::refusal::{quoted, refuse};

/// A directory of the host, taken apart: its drive's letter, upper case, and the names below.
struct Directory {
    drive: char,
    names: Vec<String>,
}

/// Returns the absolute path of the host directory that `text`, the value of `key`, names: joined to `base` where
/// relative, `.` and `..` taken out by their letters alone (`a\..\b` is `b`, whatever `a` links to), so that the
/// path that is judged is the path that is used.
///
/// `own_roots` are directories where we keep state: none of them may lie in the result, nor the result in one.
///
/// # Errors
/// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): on a server, a device path, relative to a drive or to
/// no drive, a name that Windows reserves or forbids, a drive itself, or one that meets `own_roots`.
pub fn host_path(key: &str, text: &str, base: &Path, own_roots: &[PathBuf]) -> Result<PathBuf> {
    let refused = |what: &str| Err(refuse(key, what, text));
    let directory = match Form::of(text) {
        Form::Drive(drive, below) => Directory::new(drive).below(key, text, below)?,
        Form::Relative => match directory_of(key, base)? {
            Some(base) => base.below(key, text, text)?,
            None => return refused("is not absolute, and neither is the directory it is relative to"),
        },
        Form::Empty => return refused("is empty"),
        Form::Unc => return refused("lies on a server: map that share to a drive of the host"),
        form => return refused(&format!("must be like C:\\work or work, not {}", form.described())),
    };
    let path = format!("{}:\\{}", directory.drive, directory.names.join("\\"));
    if path.encode_utf16().count() > MAX_LENGTH {
        return refused("is longer than a path of Windows can be");
    }
    let path = PathBuf::from(path);
    check_host(key, &path, own_roots)?;
    Ok(path)
}

/// Checks that a host directory, the value of `key`, may be mapped: called for the path as written, and again for
/// the real one once it is opened and its links are resolved.
///
/// # Errors
/// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec), as for [`host_path`].
pub fn check_host(key: &str, path: &Path, own_roots: &[PathBuf]) -> Result<()> {
    let refused = |what: &str| Err(refuse(key, what, &path.to_string_lossy()));
    let Some(directory) = directory_of(key, path)? else {
        return refused("is not on a drive of the host");
    };
    if directory.names.is_empty() {
        return refused("is a drive of the host, map a directory on it");
    }
    for own in own_roots {
        if directory_of(key, own)?.is_some_and(|own| own.contains(&directory) || directory.contains(&own)) {
            return refused("holds, or lies in, a directory where containers are kept");
        }
    }
    Ok(())
}

/// Takes a path of the system apart, which may stand in its verbatim form `\\?\C:\x`; `None` where it is not on a
/// drive.
fn directory_of(key: &str, path: &Path) -> Result<Option<Directory>> {
    let Some(text) = path.to_str() else {
        return Err(refuse(
            key,
            "is relative to a directory whose path is not Unicode",
            &path.to_string_lossy(),
        ));
    };
    match Form::of(text.strip_prefix(r"\\?\").unwrap_or(text)) {
        Form::Drive(drive, below) => Directory::new(drive).below(key, text, below).map(Some),
        _ => Ok(None),
    }
}

impl Directory {
    fn new(drive: char) -> Self {
        Self { drive, names: Vec::new() }
    }

    /// Goes to `below`, a part of the path `text`; nothing lies above the drive.
    fn below(mut self, key: &str, text: &str, below: &str) -> Result<Self> {
        for name in below.split(is_separator) {
            match name {
                "" | "." => {}
                ".." => {
                    self.names.pop();
                }
                name => match names::check(name) {
                    Ok(()) => self.names.push(name.to_owned()),
                    Err(reason) => return Err(refuse(key, format!("{} {reason}", quoted(name)), text)),
                },
            }
        }
        Ok(self)
    }

    fn contains(&self, other: &Self) -> bool {
        let folded =
            |directory: &Self| directory.names.iter().map(|name| names::fold(name)).collect::<Vec<_>>();
        self.drive == other.drive && folded(other).starts_with(&folded(self))
    }
}
