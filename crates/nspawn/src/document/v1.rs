//! The documents in schema v1.

use hcs_schema::v1::{ContainerConfig, Layer, MappedDirectory, ProcessConfig, SystemType};

use super::decided::{self, Decided, Mapping};
use super::processor::Processor;

/// Writes the container configuration.
pub(super) fn system(decided: &Decided<'_>) -> ContainerConfig {
    let (processor_count, processor_maximum) = match decided.processor {
        None => (None, None),
        Some(Processor::Count(count)) => (Some(count), None),
        Some(Processor::Maximum(share)) => (None, Some(i64::from(share.hundredths()))),
    };
    let layer = |layer: &super::Layer| Layer { id: layer.id.clone(), path: layer.path.clone() };
    ContainerConfig {
        system_type: SystemType::Container,
        name: decided.id.to_owned(),
        owner: Some(decided::OWNER.to_owned()),
        volume_path: Some(volume_path(&decided.root.volume).to_owned()),
        ignore_flushes_during_boot: true,
        layer_folder_path: Some(decided.root.scratch.clone()),
        layers: decided.root.layers.iter().map(layer).collect(),
        processor_count,
        processor_weight: None,
        processor_maximum,
        storage_iops_maximum: decided.storage_iops,
        storage_bandwidth_maximum: decided.storage_bandwidth,
        storage_sandbox_size: None,
        memory_maximum_in_mb: decided.memory_mb,
        host_name: Some(decided.hostname.clone()),
        mapped_directories: mapped_directories(decided),
        mapped_pipes: Vec::new(),
        hv_partition: false,
        network_shared_container_name: None,
        endpoint_list: Vec::new(),
        servicing: false,
        allow_unqualified_dns_query: true,
        dns_search_list: None,
        terminate_on_last_handle_closed: true,
    }
}

/// The storage limits stand once for the system volume and once for each directory, as in the original program:
/// the first alone would leave the process directory unlimited.
fn mapped_directories(decided: &Decided<'_>) -> Vec<MappedDirectory> {
    let directory = |mapping: &Mapping<'_>| MappedDirectory {
        host_path: mapping.host_path.to_owned(),
        container_path: mapping.container_path.clone(),
        read_only: mapping.read_only,
        bandwidth_maximum: decided.storage_bandwidth,
        iops_maximum: decided.storage_iops,
    };
    decided.mounts.iter().map(directory).collect()
}

/// Returns a volume's name without the trailing backslash that schema v2 wants; other paths as they are.
fn volume_path(volume: &str) -> &str {
    match volume.strip_suffix('\\') {
        Some(bare) if decided::is_volume_name(volume) => bare,
        _ => volume,
    }
}

/// Writes the process configuration.
pub(super) fn process(decided: &Decided<'_>) -> ProcessConfig {
    let process = &decided.process;
    ProcessConfig {
        application_name: None,
        command_line: process.command_line.clone(),
        user: process.user.clone(),
        working_directory: Some(process.working_directory.clone()),
        environment: process.environment.clone(),
        emulate_console: false,
        create_std_in_pipe: process.stdin_pipe,
        create_std_out_pipe: true,
        create_std_err_pipe: true,
        console_size: None,
    }
}
