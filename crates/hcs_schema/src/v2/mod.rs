//! Schema v2: the documents of computecore.dll, from build 17763 (Windows Server 2019) on.

mod container;
mod process;
mod processor;
mod registry;
mod storage;

use serde::{Deserialize, Serialize};

pub use container::{
    Container, GuestOs, MappedDirectory, MappedPipe, MappedPipePathType, Memory, Networking,
};
pub use process::ProcessParameters;
pub use processor::Processor;
pub use registry::{RegistryChanges, RegistryHive, RegistryKey, RegistryValue, RegistryValueType};
pub use storage::{CacheMode, Layer, PathType, Storage, StorageQos};

use crate::is_false;

/// A compute system: the argument of `HcsCreateComputeSystem`. The id is an argument of the call, not a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ComputeSystem {
    /// The program that manages the system. (schema 2.0)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The schema that the rest is written in. (schema 2.0)
    pub schema_version: Version,
    /// The container. The schema's other two choices, a virtual machine and a system within another one, are not
    /// ours. (schema 2.0)
    pub container: Container,
    /// Whether the service terminates the system once no handle of it is open any more. (schema 2.0)
    #[serde(default, skip_serializing_if = "is_false")]
    pub should_terminate_on_last_handle_closed: bool,
}

/// A version of the schema: a higher minor version includes the lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Version {
    /// Versions with another major number are another language. (schema 2.0)
    pub major: u32,
    /// Grows as fields are added. (schema 2.0)
    pub minor: u32,
}

impl Version {
    /// The oldest version that hcsshim writes: build 17763 takes it.
    pub const V2_1: Self = Self { major: 2, minor: 1 };
}

#[cfg(test)]
mod tests;
