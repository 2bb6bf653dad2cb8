//! A process-isolated container and its parts.

use serde::{Deserialize, Serialize};

use super::processor::{self, Processor};
use super::registry::RegistryChanges;
use super::storage::{PathType, Storage};
use crate::is_false;

/// A process-isolated container, as schema v2 describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Container {
    /// What its operating system shall be called. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest_os: Option<GuestOs>,
    /// Its layers and scratch volume. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Host directories seen in it. (schema 2.0)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped_directories: Vec<MappedDirectory>,
    /// Host pipes seen in it. (schema 2.0)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped_pipes: Vec<MappedPipe>,
    /// Its limit of memory. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Its limit of processor time. (schema 2.0)
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "processor::at_most_one")]
    pub processor: Option<Processor>,
    /// Its network. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networking: Option<Networking>,
    /// Changes made to its registry before it boots. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_changes: Option<RegistryChanges>,
}

/// The operating system of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GuestOs {
    /// The name of the container's computer. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
}

/// A host directory seen in the container. Unlike in schema v1 it has no storage limits of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MappedDirectory {
    /// The directory on the host. (schema 2.0)
    pub host_path: String,
    /// How `host_path` is read; absent: [`PathType::AbsolutePath`]. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_path_type: Option<PathType>,
    /// Where it appears in the container. (schema 2.0)
    pub container_path: String,
    /// Whether the container may only read it. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Whether files that lie in a cloud store are fetched as they are opened. (schema 2.3)
    #[serde(default, skip_serializing_if = "is_false")]
    pub support_cloud_files: bool,
}

/// A host pipe seen in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MappedPipe {
    /// The pipe's name in the container, without `\\.\pipe\`. (schema 2.0)
    pub container_pipe_name: String,
    /// The pipe on the host. (schema 2.0)
    pub host_path: String,
    /// How `host_path` is read; absent: [`MappedPipePathType::AbsolutePath`]. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_path_type: Option<MappedPipePathType>,
}

/// How the host path of a pipe is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MappedPipePathType {
    /// As it stands. (schema 2.1)
    AbsolutePath,
    /// As the name of a pipe of the virtual machine's SMB server. (schema 2.1)
    VirtualSmbPipeName,
}

/// The memory of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Memory {
    /// What it may commit, in MiB. (schema 2.1)
    #[serde(rename = "SizeInMB")]
    pub size_in_mb: u64,
}

/// The network of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Networking {
    /// Whether names without a domain are looked up by DNS. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_unqualified_dns_query: bool,
    /// The DNS suffixes that are tried, separated by commas. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_search_list: Option<String>,
    /// The id of a container whose network this one shares. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_shared_container_name: Option<String>,
    /// The GUID of the network namespace it lives in. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// GUIDs of the network endpoints it gets. (schema 2.0)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_adapters: Vec<String>,
}
