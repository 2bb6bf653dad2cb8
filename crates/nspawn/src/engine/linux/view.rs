//! An HCS document as this engine reads it: one shape for both schemas, and a refusal by name for what the engine
//! does not carry out.

use hcs_schema::{v1, v2};

use crate::cmdline;
use crate::document::{ProcessDocument, SystemDocument};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{Access, ContainerPath};

/// A system document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SystemView {
    pub(super) hostname: String,
    /// Host directory that takes the container's changes.
    pub(super) scratch: String,
    /// Host directories of the read-only layers, topmost first.
    pub(super) layers: Vec<String>,
    pub(super) mapped: Vec<MappedView>,
    pub(super) memory_mb: Option<u64>,
    pub(super) processor: Option<ProcessorView>,
    /// Operations and bytes per second on the scratch layer's device.
    pub(super) storage: StorageView,
}

/// A mapped directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MappedView {
    pub(super) source: String,
    pub(super) destination: ContainerPath,
    pub(super) access: Access,
    pub(super) storage: StorageView,
}

/// A processor limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessorView {
    /// So many processors' worth of time.
    Count(u32),
    /// A share of all the host's processors, in hundredths of a percent.
    Maximum(u32),
    /// A weight against others, 1 to 10000.
    Weight(u32),
}

/// Storage limits, per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct StorageView {
    pub(super) iops: Option<u64>,
    pub(super) bandwidth: Option<u64>,
}

/// A process document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProcessView {
    pub(super) command_line: String,
    pub(super) arguments: Vec<String>,
    /// The account, where the document names one.
    pub(super) user: Option<String>,
    pub(super) working_directory: ContainerPath,
    pub(super) environment: Vec<(String, String)>,
}

/// Reads a system document.
///
/// # Errors
/// `Unsupported` where it asks for what this engine does not do; `InvalidSpec` where a value makes no sense.
pub(super) fn system(document: &SystemDocument) -> Result<SystemView> {
    match document {
        SystemDocument::V1(container) => system_v1(container),
        SystemDocument::V2(system) => system_v2(system),
    }
}

fn system_v1(container: &v1::ContainerConfig) -> Result<SystemView> {
    refuse(container.hv_partition, "HvPartition", "Hyper-V isolation needs Windows")?;
    refuse(!container.mapped_pipes.is_empty(), "MappedPipes", "named pipes of a Windows host are not here")?;
    refuse(!container.endpoint_list.is_empty(), "EndpointList", "networking is not carried out yet")?;
    refuse(
        container.network_shared_container_name.is_some(),
        "NetworkSharedContainerName",
        "networking is not carried out yet",
    )?;
    let processor = match (container.processor_count, container.processor_maximum, container.processor_weight)
    {
        (None, None, None) => None,
        (Some(count), None, None) => Some(ProcessorView::Count(count)),
        (None, Some(maximum), None) => Some(ProcessorView::Maximum(number("ProcessorMaximum", maximum)?)),
        (None, None, Some(weight)) => Some(ProcessorView::Weight(number("ProcessorWeight", weight)?)),
        _ => return Err(Error::invalid("ProcessorCount", "count, maximum and weight exclude each other")),
    };
    let mapped = |directory: &v1::MappedDirectory| {
        let storage = StorageView { iops: directory.iops_maximum, bandwidth: directory.bandwidth_maximum };
        mapped(&directory.host_path, &directory.container_path, directory.read_only, storage)
    };
    Ok(SystemView {
        hostname: required("HostName", container.host_name.as_ref())?,
        scratch: required("VolumePath", container.volume_path.as_ref())?,
        layers: container.layers.iter().map(|layer| layer.path.clone()).collect(),
        mapped: container.mapped_directories.iter().map(mapped).collect::<Result<_>>()?,
        memory_mb: container.memory_maximum_in_mb.map(|mb| number("MemoryMaximumInMB", mb)).transpose()?,
        processor,
        storage: StorageView {
            iops: container.storage_iops_maximum,
            bandwidth: container.storage_bandwidth_maximum,
        },
    })
}

fn system_v2(system: &v2::ComputeSystem) -> Result<SystemView> {
    let container = &system.container;
    refuse(!container.mapped_pipes.is_empty(), "MappedPipes", "named pipes of a Windows host are not here")?;
    let network = container.networking.as_ref();
    let attached = network.is_some_and(|network| {
        network.namespace.is_some()
            || !network.network_adapters.is_empty()
            || network.network_shared_container_name.is_some()
    });
    refuse(attached, "Networking", "networking is not carried out yet")?;
    let changes = container.registry_changes.as_ref();
    // How long services have at shutdown: ours end with the container.
    let heeded = |value: &v2::RegistryValue| value.name == "WaitToKillServiceTimeout";
    let others = changes.is_some_and(|c| !c.delete_keys.is_empty() || !c.add_values.iter().all(heeded));
    refuse(others, "RegistryChanges", "changes of the registry are not carried out yet")?;
    let storage = container.storage.as_ref();
    let qos = storage.and_then(|storage| storage.qos.as_ref());
    let mapped = |directory: &v2::MappedDirectory| {
        mapped(&directory.host_path, &directory.container_path, directory.read_only, StorageView::default())
    };
    Ok(SystemView {
        hostname: required(
            "GuestOs.HostName",
            container.guest_os.as_ref().and_then(|os| os.host_name.as_ref()),
        )?,
        scratch: required("Storage.Path", storage.and_then(|storage| storage.path.as_ref()))?,
        layers: storage.iter().flat_map(|storage| &storage.layers).map(|layer| layer.path.clone()).collect(),
        mapped: container.mapped_directories.iter().map(mapped).collect::<Result<_>>()?,
        memory_mb: container.memory.as_ref().map(|memory| memory.size_in_mb),
        processor: container.processor.as_ref().map(processor_v2).transpose()?,
        storage: qos.map_or_else(StorageView::default, |qos| StorageView {
            iops: qos.iops_maximum,
            bandwidth: qos.bandwidth_maximum,
        }),
    })
}

fn processor_v2(processor: &v2::Processor) -> Result<ProcessorView> {
    Ok(match *processor {
        v2::Processor::Count(count) => ProcessorView::Count(count),
        v2::Processor::Maximum(maximum) => ProcessorView::Maximum(number("Processor.Maximum", maximum)?),
        v2::Processor::Weight(weight) => ProcessorView::Weight(number("Processor.Weight", weight)?),
    })
}

/// Reads a process document.
///
/// # Errors
/// `Unsupported` or `InvalidSpec`, as for a system document.
pub(super) fn process(document: &ProcessDocument) -> Result<ProcessView> {
    let (command_line, directory, environment, user, console) = match document {
        ProcessDocument::V1(p) => {
            (&p.command_line, &p.working_directory, &p.environment, &p.user, p.emulate_console)
        }
        ProcessDocument::V2(p) => {
            (&p.command_line, &p.working_directory, &p.environment, &p.user, p.emulate_console)
        }
    };
    refuse(console, "EmulateConsole", "consoles are not carried out yet")?;
    let directory = required("WorkingDirectory", directory.as_ref())?;
    Ok(ProcessView {
        command_line: command_line.clone(),
        arguments: cmdline::parse_crt(command_line),
        // Empty is the same to the service as absent.
        user: user.clone().filter(|name| !name.is_empty()),
        working_directory: ContainerPath::parse_any("WorkingDirectory", &directory)?,
        environment: environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    })
}

fn mapped(source: &str, destination: &str, read_only: bool, storage: StorageView) -> Result<MappedView> {
    Ok(MappedView {
        source: source.to_owned(),
        destination: ContainerPath::parse("ContainerPath", destination)?,
        access: if read_only { Access::ReadOnly } else { Access::ReadWrite },
        storage,
    })
}

fn refuse(asked: bool, field: &'static str, why: &'static str) -> Result<()> {
    if asked { Err(Error::new(ErrorKind::Unsupported, "carry out", field).reason(why)) } else { Ok(()) }
}

fn required(field: &'static str, value: Option<&String>) -> Result<String> {
    value.cloned().ok_or_else(|| Error::invalid(field, "is missing from the document"))
}

fn number<T: Copy + std::fmt::Display, N: TryFrom<T>>(field: &'static str, value: T) -> Result<N> {
    N::try_from(value).map_err(|_| Error::invalid(field, format!("{value} is out of range")))
}
