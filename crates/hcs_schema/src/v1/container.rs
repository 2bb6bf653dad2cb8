//! The container configuration: the argument of `HcsCreateComputeSystem`.

use serde::{Deserialize, Serialize};

use crate::is_false;

/// A process-isolated container, as schema v1 describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ContainerConfig {
    /// What kind of compute system it is. (14393; schema1)
    pub system_type: SystemType,
    /// The id of the container, the same as the call's `id` argument. (14393; schema1)
    pub name: String,
    /// The program that manages the container. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The volume of the scratch layer, `\\?\Volume{GUID}` without a trailing backslash. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_path: Option<String>,
    /// Whether flushes to the scratch volume may be dropped while the container boots: a hint that makes the start
    /// faster. (14393; schema1)
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_flushes_during_boot: bool,
    /// The host directory of the scratch layer. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_folder_path: Option<String>,
    /// The read-only layers, topmost first. (14393; schema1)
    pub layers: Vec<Layer>,
    /// Processors' worth of time, made a rate cap of count over host processors: it pins nothing. Not together
    /// with the other two `Processor` fields. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_count: Option<u32>,
    /// Share of processor time relative to other containers, 1 to 10000. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_weight: Option<u64>,
    /// Cap of processor time, in hundredths of a percent of all host processors, 1 to 10000. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_maximum: Option<i64>,
    /// Operations per second on the system volume, reads and writes. (14393; schema1)
    #[serde(rename = "StorageIOPSMaximum", skip_serializing_if = "Option::is_none")]
    pub storage_iops_maximum: Option<u64>,
    /// Bytes per second on the system volume, reads and writes. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_bandwidth_maximum: Option<u64>,
    /// The size in bytes that the system drive is grown to where it is smaller. (schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_sandbox_size: Option<u64>,
    /// Memory that the container may commit, in MiB. (14393; schema1)
    #[serde(rename = "MemoryMaximumInMB", skip_serializing_if = "Option::is_none")]
    pub memory_maximum_in_mb: Option<i64>,
    /// The name of the container's computer. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    /// Host directories seen in the container. (14393; schema1)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped_directories: Vec<MappedDirectory>,
    /// Host pipes seen in the container. (16299; schema1)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped_pipes: Vec<MappedPipe>,
    /// Whether the container is isolated by Hyper-V. Always written. (14393; schema1)
    pub hv_partition: bool,
    /// The id of a container whose network this one shares. (schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_shared_container_name: Option<String>,
    /// GUIDs of the network endpoints that the container gets. (14393; schema1)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoint_list: Vec<String>,
    /// Whether the container exists only to install updates. (14393; schema1)
    #[serde(default, skip_serializing_if = "is_false")]
    pub servicing: bool,
    /// Whether names without a domain are looked up by DNS. (14393; schema1)
    #[serde(rename = "AllowUnqualifiedDNSQuery", default, skip_serializing_if = "is_false")]
    pub allow_unqualified_dns_query: bool,
    /// The DNS suffixes that are tried, separated by commas. (schema1)
    #[serde(rename = "DNSSearchList", skip_serializing_if = "Option::is_none")]
    pub dns_search_list: Option<String>,
    /// Whether the service terminates the container once no handle of it is open any more. (schema1)
    #[serde(default, skip_serializing_if = "is_false")]
    pub terminate_on_last_handle_closed: bool,
}

/// The kinds of compute systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SystemType {
    /// A container, however isolated: the only kind that schema v1 makes.
    Container,
}

/// A read-only layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Layer {
    /// The layer's GUID, lower case, without braces. On Windows `NameToGuid` makes it of the directory's name.
    /// (14393; schema1)
    #[serde(rename = "ID")]
    pub id: String,
    /// The host directory of the layer. (14393; schema1)
    pub path: String,
}

/// A host directory seen in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MappedDirectory {
    /// The directory on the host. (14393; schema1)
    pub host_path: String,
    /// Where it appears in the container. (14393; schema1)
    pub container_path: String,
    /// Whether the container may only read it. Always written. (14393; schema1)
    pub read_only: bool,
    /// Bytes per second, reads and writes. (14393; schema1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth_maximum: Option<u64>,
    /// Operations per second, reads and writes. (14393; schema1)
    #[serde(rename = "IOPSMaximum", skip_serializing_if = "Option::is_none")]
    pub iops_maximum: Option<u64>,
}

/// A host pipe seen in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MappedPipe {
    /// The pipe on the host, with `\\.\pipe\`. (16299; schema1)
    pub host_path: String,
    /// The pipe's name in the container, without `\\.\pipe\`. (16299; schema1)
    pub container_pipe_name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    const MINIMAL: &str = include_str!("golden/container_minimal.json");
    const COMPLETE: &str = include_str!("golden/container_complete.json");

    fn minimal() -> ContainerConfig {
        ContainerConfig {
            system_type: SystemType::Container,
            name: "nspawn_a".into(),
            owner: None,
            volume_path: None,
            ignore_flushes_during_boot: false,
            layer_folder_path: None,
            layers: Vec::new(),
            processor_count: None,
            processor_weight: None,
            processor_maximum: None,
            storage_iops_maximum: None,
            storage_bandwidth_maximum: None,
            storage_sandbox_size: None,
            memory_maximum_in_mb: None,
            host_name: None,
            mapped_directories: Vec::new(),
            mapped_pipes: Vec::new(),
            hv_partition: false,
            network_shared_container_name: None,
            endpoint_list: Vec::new(),
            servicing: false,
            allow_unqualified_dns_query: false,
            dns_search_list: None,
            terminate_on_last_handle_closed: false,
        }
    }

    fn complete() -> ContainerConfig {
        ContainerConfig {
            system_type: SystemType::Container,
            name: "nspawn_a".into(),
            owner: Some("hostcompute_nspawn".into()),
            volume_path: Some(r"\\?\Volume{00000000-0000-0000-0000-000000000000}".into()),
            ignore_flushes_during_boot: true,
            layer_folder_path: Some(r"C:\layers\nspawn_a".into()),
            layers: vec![Layer {
                id: "00000000-0000-0000-0000-000000000000".into(),
                path: r"C:\layers\base".into(),
            }],
            processor_count: Some(2),
            processor_weight: Some(500),
            processor_maximum: Some(10_000),
            storage_iops_maximum: Some(1024),
            storage_bandwidth_maximum: Some(10_485_760),
            storage_sandbox_size: Some(127 << 30),
            memory_maximum_in_mb: Some(512),
            host_name: Some("a1b2c3d4".into()),
            mapped_directories: vec![MappedDirectory {
                host_path: r"C:\work".into(),
                container_path: r"C:\nspawndir".into(),
                read_only: true,
                bandwidth_maximum: Some(10_485_760),
                iops_maximum: Some(1024),
            }],
            mapped_pipes: vec![MappedPipe {
                host_path: r"\\.\pipe\engine".into(),
                container_pipe_name: "engine".into(),
            }],
            hv_partition: false,
            network_shared_container_name: Some("nspawn_b".into()),
            endpoint_list: vec!["00000000-0000-0000-0000-000000000001".into()],
            servicing: true,
            allow_unqualified_dns_query: true,
            dns_search_list: Some("example.com,example.org".into()),
            terminate_on_last_handle_closed: true,
        }
    }

    #[test]
    fn is_written_as_hcsshim_writes_it_and_read_back() {
        golden::check(&minimal(), MINIMAL);
        golden::check(&complete(), COMPLETE);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let objects = ["", "/Layers/0", "/MappedDirectories/0", "/MappedPipes/0"];
        golden::refuses_unknown_fields::<ContainerConfig>(COMPLETE, &objects);
        let machine = MINIMAL.replace("\"Container\"", "\"VirtualMachine\"");
        serde_json::from_str::<ContainerConfig>(&machine).expect_err("schema v1 makes containers only");
    }
}
