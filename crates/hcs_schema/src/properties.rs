//! What the service says about a system that exists. One lenient type serves both schemas: they share their names,
//! and each field says which of them has it. Times of day are RFC 3339 texts, as the service writes them.

use serde::{Deserialize, Serialize};

use crate::results::ExitType;

/// The properties of a compute system: an entry of an enumeration, or the answer to a query.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Properties {
    /// The id it was created with. (14393; schema1, schema 2.1)
    pub id: String,
    /// `Container` or `VirtualMachine`, in whatever case. (14393; schema1, schema 2.1)
    pub system_type: String,
    /// `Windows` or `Linux`, in whatever case; absent before build 17763: Windows. (17763; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_os_type: Option<String>,
    /// The `Name` of its document. (14393; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The `Owner` of its document, in whatever case. (14393; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The GUID that this run of it has. (schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_id: Option<String>,
    /// Where it stands. (14393; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Whether it has stopped. (14393; schema1, schema 2.1)
    pub stopped: bool,
    /// What ended it. (schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_type: Option<ExitType>,
    /// Use of resources, where asked for. (14393; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
    /// Its processes, where asked for. (14393; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub process_list: Vec<ProcessDetails>,
    /// Whether it ends with its last handle. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_on_last_handle_closed: Option<bool>,
}

/// Where a system stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Made, not started. (schema 2.1)
    Created,
    /// Started. (schema 2.1)
    Running,
    /// Frozen. (schema 2.1)
    Paused,
    /// Ended. (schema 2.1)
    Stopped,
    /// Kept as a template that others are cloned from. (schema 2.1)
    SavedAsTemplate,
    /// The service does not know, or says something that we do not know. (schema 2.1)
    #[serde(other)]
    Unknown,
}

/// What a container has used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Statistics {
    /// When this was measured. (14393; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// When the container started. (14393; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_start_time: Option<String>,
    /// How long it has run, in units of 100 ns. (14393; schema1, schema 2.1)
    #[serde(rename = "Uptime100ns")]
    pub uptime_100ns: u64,
    /// Processor time. (14393; schema1, schema 2.1)
    pub processor: ProcessorStats,
    /// Memory. (14393; schema1, schema 2.1)
    pub memory: MemoryStats,
    /// Reads and writes. (14393; schema1, schema 2.1)
    pub storage: StorageStats,
}

/// Processor time that a container has used, in units of 100 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProcessorStats {
    /// In both modes. (14393; schema1, schema 2.1)
    #[serde(rename = "TotalRuntime100ns")]
    pub total_runtime_100ns: u64,
    /// In user mode. (14393; schema1, schema 2.1)
    #[serde(rename = "RuntimeUser100ns")]
    pub runtime_user_100ns: u64,
    /// In kernel mode. (14393; schema1, schema 2.1)
    #[serde(rename = "RuntimeKernel100ns")]
    pub runtime_kernel_100ns: u64,
}

/// Memory that a container uses, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MemoryStats {
    /// Committed now. (14393; schema1, schema 2.1)
    pub memory_usage_commit_bytes: u64,
    /// Committed at most so far. (14393; schema1, schema 2.1)
    pub memory_usage_commit_peak_bytes: u64,
    /// Resident and its own. (14393; schema1, schema 2.1)
    pub memory_usage_private_working_set_bytes: u64,
}

/// What a container has read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StorageStats {
    /// Reads, as the service counts them. (14393; schema1, schema 2.1)
    pub read_count_normalized: u64,
    /// Bytes read. (14393; schema1, schema 2.1)
    pub read_size_bytes: u64,
    /// Writes, counted alike. (14393; schema1, schema 2.1)
    pub write_count_normalized: u64,
    /// Bytes written. (14393; schema1, schema 2.1)
    pub write_size_bytes: u64,
}

/// A process of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProcessDetails {
    /// Its number. (14393; schema1, schema 2.1)
    pub process_id: u32,
    /// The name of its executable. (14393; schema1, schema 2.1)
    pub image_name: String,
    /// When it started. (14393; schema1, schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_timestamp: Option<String>,
    /// Time in user mode, in units of 100 ns. (14393; schema1, schema 2.1)
    #[serde(rename = "UserTime100ns")]
    pub user_time_100ns: u64,
    /// Time in kernel mode, in units of 100 ns. (14393; schema1, schema 2.1)
    #[serde(rename = "KernelTime100ns")]
    pub kernel_time_100ns: u64,
    /// Bytes it has committed. (14393; schema1, schema 2.1)
    pub memory_commit_bytes: u64,
    /// Bytes resident that are its own. (14393; schema1, schema 2.1)
    pub memory_working_set_private_bytes: u64,
    /// Bytes resident that others share. (14393; schema1, schema 2.1)
    pub memory_working_set_shared_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn properties_are_read_with_statistics_and_processes() {
        let properties = Properties {
            id: "nspawn_a".into(),
            system_type: "Container".into(),
            runtime_os_type: Some("Windows".into()),
            name: Some("nspawn_a".into()),
            owner: Some("hostcompute_nspawn".into()),
            runtime_id: Some("00000000-0000-0000-0000-000000000000".into()),
            state: Some(State::Running),
            stopped: false,
            exit_type: None,
            statistics: Some(Statistics {
                timestamp: Some("2024-01-01T00:00:01.5Z".into()),
                container_start_time: Some("2024-01-01T00:00:00Z".into()),
                uptime_100ns: 15_000_000,
                processor: ProcessorStats {
                    total_runtime_100ns: 3,
                    runtime_user_100ns: 2,
                    runtime_kernel_100ns: 1,
                },
                memory: MemoryStats {
                    memory_usage_commit_bytes: 4096,
                    memory_usage_commit_peak_bytes: 8192,
                    memory_usage_private_working_set_bytes: 2048,
                },
                storage: StorageStats {
                    read_count_normalized: 1,
                    read_size_bytes: 512,
                    write_count_normalized: 2,
                    write_size_bytes: 1024,
                },
            }),
            process_list: vec![ProcessDetails {
                process_id: 8,
                image_name: "hello.exe".into(),
                create_timestamp: Some("2024-01-01T00:00:00.1Z".into()),
                user_time_100ns: 2,
                kernel_time_100ns: 1,
                memory_commit_bytes: 4096,
                memory_working_set_private_bytes: 2048,
                memory_working_set_shared_bytes: 1024,
            }],
            terminate_on_last_handle_closed: Some(true),
        };
        golden::check(&properties, include_str!("golden/properties.json"));
    }

    #[test]
    fn is_lenient() {
        let text = r#"{"Id": "a", "SystemType": "Container", "State": "Hibernating", "ObRoot": "",
            "Statistics": {"Network": [{}]}}"#;
        let read: Properties = serde_json::from_str(text).unwrap();
        assert_eq!(read.state, Some(State::Unknown));
        assert_eq!(read.statistics, Some(Statistics::default()));
    }
}
