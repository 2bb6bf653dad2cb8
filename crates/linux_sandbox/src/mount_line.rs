//! What the kernel says of mounts.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// A line of /proc/PID/mountinfo, as far as it is needed (proc_pid_mountinfo(5)).
#[derive(Debug, Clone, Copy)]
pub struct MountLine<'a> {
    pub(crate) id: u64,
    pub(crate) parent: u64,
    /// The type of the file system.
    pub kind: &'a str,
    root: &'a str,
    mount_point: &'a str,
    pub(crate) options: &'a str,
    pub(crate) super_options: &'a str,
}

impl<'a> MountLine<'a> {
    /// Reads a line; `None` where it is none.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ');
        let id = fields.next()?.parse().ok()?;
        let parent = fields.next()?.parse().ok()?;
        // One field is skipped: the device.
        let (root, mount_point, options) = (fields.nth(1)?, fields.next()?, fields.next()?);
        let mut fields = file_system.split(' ');
        let kind = fields.next()?;
        // The source may be empty, but its field is there.
        let super_options = fields.nth(1).unwrap_or_default();
        Some(Self { id, parent, kind, root, mount_point, options, super_options })
    }

    pub(crate) fn root(&self) -> PathBuf {
        unescape(self.root)
    }

    /// Returns where it is mounted.
    pub fn mount_point(&self) -> PathBuf {
        unescape(self.mount_point)
    }
}

/// Where a thread reads which mounts it sees: they may be its own.
pub const MOUNTS: &str = "/proc/thread-self/mountinfo";

/// Reads the mounts that this thread sees, as lines for [`MountLine::parse`].
///
/// # Errors
/// The kernel does not tell.
pub fn read_mounts() -> io::Result<String> {
    fs::read(MOUNTS).map(|bytes| mount_text(&bytes))
}

/// Makes a text of the bytes of /proc/PID/mountinfo, in which what is beyond ASCII is escaped as the kernel escapes a space:
/// whoever mounts something may call it what he likes, in any encoding or none.
pub fn mount_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte.is_ascii() {
            true => text.push(char::from(*byte)),
            false => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text
}

/// Undoes the kernel's `\040` for a space and the like.
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let [first, tail @ ..] = rest {
        match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] if *first == b'\\' => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_may_have_a_name_in_any_encoding() {
        let text = mount_text(b"40 22 0:40 / /srv/a\\040\xff\xc3\xa9 rw - proc none rw\n");
        let place = MountLine::parse(&text).expect("a line").mount_point();
        assert_eq!(std::os::unix::ffi::OsStrExt::as_bytes(place.as_os_str()), b"/srv/a \xff\xc3\xa9");
    }

    #[test]
    fn escapes_are_undone() {
        for (text, path) in [
            ("/a\\040b", "/a b"),
            ("/a\\134040", "/a\\040"),
            ("/a\\", "/a\\"),
            ("/a\\04", "/a\\04"),
            ("/a\\999", "/a\\999"),
            ("/\\303\\251", "/é"),
            ("/a\\040b\\134", "/a b\\"),
            ("/a\\9", "/a\\9"),
            ("", ""),
        ] {
            assert_eq!(unescape(text), PathBuf::from(path));
        }
    }
}
