//! The documents in schema v2.

use hcs_schema::v2::{
    ComputeSystem, Container, GuestOs, Layer, MappedDirectory, Memory, Networking, ProcessParameters,
    Processor, RegistryChanges, RegistryHive, RegistryKey, RegistryValue, Storage, StorageQos, Version,
};

use super::Remark;
use super::decided::{self, Decided};
use super::processor;

/// Writes the compute system.
pub(super) fn system(decided: &Decided<'_>) -> ComputeSystem {
    ComputeSystem {
        owner: Some(decided::OWNER.to_owned()),
        schema_version: Version::V2_1,
        container: container(decided),
        should_terminate_on_last_handle_closed: true,
    }
}

fn container(decided: &Decided<'_>) -> Container {
    let directory = |mapping: &decided::Mapping<'_>| MappedDirectory {
        host_path: mapping.host_path.to_owned(),
        host_path_type: None,
        container_path: mapping.container_path.clone(),
        read_only: mapping.read_only,
        support_cloud_files: false,
    };
    Container {
        guest_os: Some(GuestOs { host_name: Some(decided.hostname.clone()) }),
        storage: Some(storage(decided)),
        mapped_directories: decided.mounts.iter().map(directory).collect(),
        mapped_pipes: Vec::new(),
        memory: decided.memory_mb.map(|megabytes| Memory { size_in_mb: megabytes.unsigned_abs() }),
        processor: decided.processor.map(|limit| match limit {
            processor::Processor::Count(count) => Processor::Count(count),
            processor::Processor::Maximum(share) => Processor::Maximum(i64::from(share.hundredths())),
        }),
        networking: Some(Networking { allow_unqualified_dns_query: true, ..Networking::default() }),
        registry_changes: Some(patient_shutdown()),
    }
}

fn storage(decided: &Decided<'_>) -> Storage {
    let layer = |layer: &super::Layer| Layer {
        id: layer.id.clone(),
        path: layer.path.clone(),
        path_type: None,
        cache: None,
    };
    let qos = StorageQos { iops_maximum: decided.storage_iops, bandwidth_maximum: decided.storage_bandwidth };
    Storage {
        layers: decided.root.layers.iter().map(layer).collect(),
        path: Some(volume_path(&decided.root.volume)),
        qos: (qos != StorageQos::default()).then_some(qos),
    }
}

/// Returns a volume's name with the trailing backslash that schema v1 must not have; other paths as they are.
fn volume_path(volume: &str) -> String {
    let missing = decided::is_volume_name(volume) && !volume.ends_with('\\');
    format!("{volume}{}", if missing { "\\" } else { "" })
}

/// Windows kills what has not ended 5 s after a shutdown began; how long we wait is for us to say. hcsshim sets
/// the same value.
fn patient_shutdown() -> RegistryChanges {
    let key = RegistryKey {
        hive: RegistryHive::System,
        name: r"ControlSet001\Control".to_owned(),
        volatile: false,
    };
    let milliseconds = i32::MAX.to_string();
    RegistryChanges {
        add_values: vec![RegistryValue::string(key, "WaitToKillServiceTimeout", milliseconds)],
        delete_keys: Vec::new(),
    }
}

/// Writes the process parameters.
pub(super) fn process(decided: &Decided<'_>) -> ProcessParameters {
    let process = &decided.process;
    ProcessParameters {
        application_name: None,
        command_line: process.command_line.clone(),
        user: process.user.clone(),
        working_directory: Some(process.working_directory.clone()),
        environment: process.environment.clone(),
        restricted_token: false,
        emulate_console: false,
        create_std_in_pipe: process.stdin_pipe,
        create_std_out_pipe: true,
        create_std_err_pipe: true,
        console_size: None,
        use_existing_login: false,
        use_legacy_console: false,
    }
}

/// Says what this schema has no words for.
pub(super) fn remark(decided: &Decided<'_>) -> Option<Remark> {
    let limited = decided.storage_iops.is_some() || decided.storage_bandwidth.is_some();
    let mounts = decided.mounts.len();
    (limited && mounts > 0).then_some(Remark::MountsUnlimited { mounts })
}
