//! Paths as they stand in a configuration: Windows paths are parsed once into components, so that no string is
//! interpreted twice; host paths are joined and cleaned. Nothing here touches a disk: what a link leads to is judged
//! where directories are opened, by descriptor.

use std::fmt;

use crate::error::Result;
use crate::names;
use crate::refusal::{quoted, refuse};

mod host;
#[cfg(test)]
mod tests;

pub use host::{check_host, host_path};

/// The longest Windows path, in UTF-16 units, without its terminating zero.
pub const MAX_LENGTH: usize = 32_766;

/// Directories that may not be mapped over, though what lies below them may.
const KEPT: [&str; 4] = ["USERS", "PROGRAMDATA", "PROGRAM FILES", "PROGRAM FILES (X86)"];

/// Our own names in the root of a container begin so (folded).
const RESERVED_PREFIX: &str = "NSPAWN_";

/// A path of a file below a directory: one or more plain components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelativePath(Vec<String>);

/// An absolute path in a container: the drive, always C, and the components below it. Only a working directory can
/// be without components, which is the drive's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPath(Vec<String>);

impl RelativePath {
    /// Parses `text`, the value of `key`: `jdk/bin/java.exe`, `logs\out.txt`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): absolute, leaves its directory, or holds a name
    /// that Windows reserves or forbids.
    pub fn parse(key: &str, text: &str) -> Result<Self> {
        match Form::of(text) {
            Form::Relative => components(key, text, text).map(Self),
            form => Err(refuse(
                key,
                format!("must be relative to process_directory, not {}", form.described()),
                text,
            )),
        }
    }

    /// Returns the components.
    pub fn components(&self) -> &[String] {
        &self.0
    }

    /// Returns the components in the case in which Windows compares them: see [`names::fold`].
    pub fn folded(&self) -> Vec<String> {
        folded(&self.0)
    }
}

impl ContainerPath {
    /// Parses `text`, the value of `key`, as a place to map a directory to: `C:\work`, `c:/work/`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): not absolute, another drive, a UNC or device path,
    /// a name that Windows reserves or forbids, the drive itself, or a directory that Windows or we need there.
    pub fn parse(key: &str, text: &str) -> Result<Self> {
        let path = Self::parse_any(key, text)?;
        match path.kept_by() {
            Some(reason) => Err(refuse(key, reason, text)),
            None => Ok(path),
        }
    }

    /// Parses `text`, the value of `key`, as a directory that is used and not mapped over, such as a working
    /// directory: `C:\` and `C:\Windows\Temp` too.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): not absolute, another drive, a UNC or device path,
    /// or a name that Windows reserves or forbids.
    pub fn parse_any(key: &str, text: &str) -> Result<Self> {
        let below = match Form::of(text) {
            Form::Drive('C', below) => below,
            Form::Drive(..) => {
                return Err(refuse(key, "must lie on drive C, a container has no other", text));
            }
            form => {
                return Err(refuse(key, format!("must be like C:\\work, not {}", form.described()), text));
            }
        };
        if below.is_empty() {
            return Ok(Self(Vec::new()));
        }
        components(key, text, below.strip_suffix(is_separator).unwrap_or(below)).map(Self)
    }

    /// Returns the components below the drive.
    pub fn components(&self) -> &[String] {
        &self.0
    }

    /// Returns the components in the case in which Windows compares them: see [`names::fold`].
    pub fn folded(&self) -> Vec<String> {
        folded(&self.0)
    }

    /// Returns the path of `relative` below this directory.
    #[must_use]
    pub fn join(&self, relative: &RelativePath) -> Self {
        Self(self.0.iter().chain(&relative.0).cloned().collect())
    }

    /// Says why nothing may be mapped here, where that is so.
    fn kept_by(&self) -> Option<&'static str> {
        let folded = self.folded();
        let Some(first) = folded.first().map(String::as_str) else {
            return Some("the drive itself cannot be mapped, only a directory on it");
        };
        if first == "WINDOWS" {
            return Some("Windows keeps its own files there");
        }
        if first.strip_prefix("PROGRA~").is_some_and(|n| n.parse::<u8>().is_ok()) {
            return Some("is the short name of a directory of Windows");
        }
        if first.starts_with(RESERVED_PREFIX) {
            return Some("names on C: that begin with nspawn_ are reserved");
        }
        (folded.len() == 1 && KEPT.contains(&first))
            .then_some("Windows needs that directory, map one below it")
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\\"))
    }
}

impl fmt::Display for ContainerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C:\\{}", self.0.join("\\"))
    }
}

/// What sort of path Windows takes a text for, by how it begins; either separator serves.
enum Form<'a> {
    Empty,
    Relative,
    /// `\x`: absolute on whatever drive is current.
    Rooted,
    /// `C:x`: relative to whatever directory is current on that drive.
    DriveRelative,
    /// `C:\x`: the drive's letter, upper case, and what follows the separator.
    Drive(char, &'a str),
    /// `\\server\share`.
    Unc,
    /// `\\?\`, `\\.\` and `\??\`, and so all of GLOBALROOT.
    Device,
}

impl<'a> Form<'a> {
    fn of(text: &'a str) -> Self {
        let same = |prefix: &str| {
            let mut chars = text.chars().map(|c| if c == '/' { '\\' } else { c });
            prefix.chars().all(|wanted| chars.next() == Some(wanted))
        };
        match text.as_bytes() {
            [] => Self::Empty,
            _ if same(r"\\?\") || same(r"\\.\") || same(r"\??\") => Self::Device,
            [b'/' | b'\\', b'/' | b'\\', ..] => Self::Unc,
            [b'/' | b'\\', ..] => Self::Rooted,
            [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic() => {
                Self::Drive(letter.to_ascii_uppercase().into(), &text[3..])
            }
            [letter, b':', ..] if letter.is_ascii_alphabetic() => Self::DriveRelative,
            _ => Self::Relative,
        }
    }

    fn described(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Relative => "a relative path",
            Self::Rooted => "an absolute path without a drive",
            Self::DriveRelative => "a path relative to a drive",
            Self::Drive(..) => "an absolute path",
            Self::Unc => "a path on a server",
            Self::Device => "a device path",
        }
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '/' | '\\')
}

/// Splits `part`, the part of the path `text` that holds only names, and judges each.
fn components(key: &str, text: &str, part: &str) -> Result<Vec<String>> {
    if text.encode_utf16().count() > MAX_LENGTH {
        return Err(refuse(key, format!("is longer than {MAX_LENGTH} UTF-16 units"), text));
    }
    part.split(is_separator)
        .map(|name| match names::check(name) {
            Ok(()) => Ok(name.to_owned()),
            Err(reason) => Err(refuse(key, format!("{} {reason}", quoted(name)), text)),
        })
        .collect()
}

fn folded(components: &[String]) -> Vec<String> {
    components.iter().map(|name| names::fold(name)).collect()
}
