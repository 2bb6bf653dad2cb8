//! The layers of a container and its scratch volume.

use serde::{Deserialize, Serialize};

/// What a container's drive C is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Storage {
    /// The read-only layers, topmost first. (schema 2.0)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// The volume that takes the container's changes, `\\?\Volume{GUID}\` with a trailing backslash: schema v1
    /// has it without. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Limits of that volume. (schema 2.0)
    #[serde(rename = "QoS", skip_serializing_if = "Option::is_none")]
    pub qos: Option<StorageQos>,
}

/// A read-only layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Layer {
    /// The layer's GUID, lower case, without braces. On Windows `NameToGuid` makes it of the directory's name.
    /// (schema 2.0)
    pub id: String,
    /// The directory of the layer. (schema 2.0)
    pub path: String,
    /// How `path` is read; absent: [`PathType::AbsolutePath`]. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_type: Option<PathType>,
    /// How its files are cached; absent: [`CacheMode::Unspecified`]. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMode>,
}

/// How a host path is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathType {
    /// As it stands. (schema 2.1)
    AbsolutePath,
    /// As the name of a share of the virtual machine's SMB server. (schema 2.1)
    VirtualSmbShareName,
}

/// How the files of a layer are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheMode {
    /// As the service thinks best, mostly as `Enabled`. (schema 2.0)
    Unspecified,
    /// Not at all. (schema 2.0)
    Disabled,
    /// In the memory of the host's partition. (schema 2.0)
    Enabled,
    /// In the memory of the container's partition. (schema 2.0)
    Private,
    /// In the memory of the container's partition, where others may read it. (schema 2.0)
    PrivateAllowSharing,
}

/// Storage limits of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StorageQos {
    /// Operations per second, reads and writes. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops_maximum: Option<u64>,
    /// Bytes per second, reads and writes. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth_maximum: Option<u64>,
}
