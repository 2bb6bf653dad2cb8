//! Opens what lies below a directory, and never anything else: openat2(2), and where a kernel before 5.6 or a filter of
//! system calls keeps that back, the same by a walk.
//!
//! The walk goes name by name. Each is opened as what it is, so a link is seen as one and never followed by the kernel:
//! its text is read from what was opened, and walked in its place. `..` goes back to a directory that was gone through,
//! by its descriptor; it is not looked up.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, fstatfs, openat, openat2, readlinkat};
use rustix::io::Errno;

/// What becomes of links below the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// The path is refused, with `ELOOP`.
    Refused,
    /// They are followed where they lead below the directory, 40 of them, as by the kernel.
    Inside,
}

/// Opens `path`, which leads below `directory` however anyone changes what lies there meanwhile. The descriptor is closed
/// on exec. `NOFOLLOW` is none of the flags: `links` says what is followed, to the last name.
///
/// # Errors
/// Those of openat2(2), so `EXDEV` where the path or a link leads out of the directory, and `ELOOP` for a link that is not
/// followed. Links of /proc that lead elsewhere than their text says are never followed; by the walk, no link of /proc is.
pub fn open_below(
    directory: impl AsFd,
    path: impl AsRef<OsStr>,
    flags: OFlags,
    mode: Mode,
    links: Links,
) -> Result<OwnedFd, Errno> {
    let wanted = Wanted { directory: directory.as_fd(), path: path.as_ref(), flags, mode, links };
    match by_kernel(wanted) {
        // There is no such call; or a filter that knows no better answer keeps it back; or someone moves directories, so
        // that the kernel cannot tell where `..` leads.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => by_walk(wanted),
        opened => opened,
    }
}

/// What is to be opened, and how.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    directory: BorrowedFd<'a>,
    path: &'a OsStr,
    flags: OFlags,
    mode: Mode,
    links: Links,
}

fn by_kernel(wanted: Wanted<'_>) -> Result<OwnedFd, Errno> {
    let Wanted { directory, path, flags, mode, links } = wanted;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let resolve = match links {
        Links::Refused => beneath | ResolveFlags::NO_SYMLINKS,
        Links::Inside => beneath,
    };
    openat2(directory, path, flags | OFlags::CLOEXEC, mode, resolve)
}

/// How many links one path may lead through (`MAXSYMLINKS` of linux/namei.h).
const LINKS_MAX: usize = 40;

fn by_walk(wanted: Wanted<'_>) -> Result<OwnedFd, Errno> {
    let Wanted { directory, path, flags, mode, links } = wanted;
    if path.is_empty() {
        return Err(Errno::NOENT);
    }
    let mut walk = Walk { top: directory, through: Vec::new(), names: Vec::new() };
    walk.go_on_with(path.as_bytes())?;
    let mut links_left = match links {
        Links::Refused => 0,
        Links::Inside => LINKS_MAX,
    };
    while let Some(name) = walk.names.pop() {
        if name == b".." {
            walk.go_back()?;
            continue;
        }
        if is_directory_itself(&name) {
            continue;
        }
        let last = walk.is_last(flags)?;
        let (found, kind) = match walk.look_at(&name) {
            Err(Errno::NOENT) if last && flags.contains(OFlags::CREATE) => {
                return walk.open(&name, flags, mode);
            }
            found => found?,
        };
        match kind {
            FileType::Symlink if last && flags.contains(OFlags::CREATE | OFlags::EXCL) => {
                return Err(Errno::EXIST);
            }
            FileType::Symlink => {
                links_left = links_left.checked_sub(1).ok_or(Errno::LOOP)?;
                walk.go_on_with(&text_of(&found)?)?;
            }
            FileType::Directory if !last => walk.through.push(found),
            _ if !last => return Err(Errno::NOTDIR),
            // Not what the name leads to by now, which may be a link.
            _ if flags.contains(OFlags::PATH) => {
                let is_right = kind == FileType::Directory || !flags.contains(OFlags::DIRECTORY);
                return is_right.then_some(found).ok_or(Errno::NOTDIR);
            }
            _ => return walk.open(&name, flags, mode),
        }
    }
    walk.open(b".", flags, mode)
}

/// Where a walk is, and where it goes.
struct Walk<'a> {
    top: BorrowedFd<'a>,
    /// The directories from the top, which is not among them, to where it is.
    through: Vec<OwnedFd>,
    /// The names to go, the next one last. An empty one comes of a slash at the end, which only a directory may have.
    names: Vec<Vec<u8>>,
}

/// Tells whether a name means the directory that it stands in.
fn is_directory_itself(name: &[u8]) -> bool {
    matches!(name, b"" | b".")
}

impl Walk<'_> {
    /// Goes along `path` before the names that are left.
    fn go_on_with(&mut self, path: &[u8]) -> Result<(), Errno> {
        if path.starts_with(b"/") {
            return Err(Errno::XDEV);
        }
        let (path, end) = match path.strip_suffix(b"/") {
            Some(path) => (path, Some(Vec::new())),
            None => (path, None),
        };
        self.names.extend(end);
        let names = path.rsplit(|byte| *byte == b'/').filter(|name| !name.is_empty());
        self.names.extend(names.map(<[u8]>::to_vec));
        Ok(())
    }

    /// Tells whether no name follows the one at hand, that of a file or directory.
    fn is_last(&self, flags: OFlags) -> Result<bool, Errno> {
        let is_slash = self.names.iter().all(Vec::is_empty);
        match is_slash && !self.names.is_empty() && flags.contains(OFlags::CREATE) {
            true => Err(Errno::ISDIR),
            false => Ok(self.names.is_empty()),
        }
    }

    /// Goes back to the directory that it came from.
    fn go_back(&mut self) -> Result<(), Errno> {
        // Who may not go through this one may not name what is above it either.
        self.look_at(b".")?;
        self.through.pop().map(drop).ok_or(Errno::XDEV)
    }

    /// Opens a name for what it is, a link too.
    fn look_at(&self, name: &[u8]) -> Result<(OwnedFd, FileType), Errno> {
        let found = self.open(name, OFlags::PATH, Mode::empty())?;
        let kind = FileType::from_raw_mode(fstat(&found)?.st_mode);
        Ok((found, kind))
    }

    fn open(&self, name: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let at = self.through.last().map_or(self.top, AsFd::as_fd);
        openat(at, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode)
    }
}

/// `PROC_SUPER_MAGIC` of linux/magic.h.
const PROC: i64 = 0x9FA0;
/// `ST_NOSYMFOLLOW` of linux/statfs.h: no link of this mount is followed.
pub(crate) const NO_LINKS: u32 = 0x2000;

/// Reads an opened link.
fn text_of(link: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let place = fstatfs(link)?;
    if place.f_type == PROC || place.f_flags & i64::from(NO_LINKS) != 0 {
        return Err(Errno::LOOP);
    }
    Ok(readlinkat(link, c"", Vec::new())?.into_bytes())
}

#[cfg(test)]
#[path = "below_tests.rs"]
mod tests;
