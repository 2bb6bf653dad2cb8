//! Schema v1, of vmcompute.dll. From hcsshim's internal/hcs/schema1/schema1.go, of which the comments tell the units
//! and ranges; which fields each container must have is what hcsshim always writes.
//!
//! Fields that docker wrote up to 1.13 and nobody does since, `IsDummy` and `SandboxPath`, are none here.

use super::forms::{CONTAINER_PATH, GUID, HOST_PATH, SOMETHING, VOLUME, layer_has_id_of_path, not_empty};
use super::{Kind, Object, Since, TEN_THOUSAND, U16, U64, exclude, may, must};
use crate::code::Code;

/// Windows 10 1709.
const PIPES: Since = Since::Build(16_299);
/// Windows 10 1803.
const METADATA: Since = Since::Build(17_134);
/// Windows Server 2019.
const DEVICES: Since = Since::Build(17_763);

/// The document of a system.
pub static SYSTEM: Object = Object {
    fields: &[
        must("SystemType", Kind::Words(&["Container"])),
        must("Name", Kind::Text),
        may("Owner", Kind::Text),
        // Of process isolation: Hyper-V mounts the disk by itself.
        must("VolumePath", VOLUME),
        may("IgnoreFlushesDuringBoot", Kind::Flag),
        may("LayerFolderPath", HOST_PATH),
        must("Layers", Kind::List(&Kind::Object(&LAYER))),
        may("Credentials", Kind::Elsewhere),
        may("ProcessorCount", Kind::Number(1, u32::MAX as i128)),
        may("ProcessorWeight", TEN_THOUSAND),
        may("ProcessorMaximum", TEN_THOUSAND),
        may("StorageIOPSMaximum", U64),
        may("StorageBandwidthMaximum", U64),
        may("StorageSandboxSize", U64),
        may("MemoryMaximumInMB", Kind::Number(1, i64::MAX as i128)),
        may("HostName", Kind::Text),
        may("MappedDirectories", Kind::List(&Kind::Object(&MAPPED_DIRECTORY))),
        may("MappedPipes", Kind::List(&Kind::Object(&MAPPED_PIPE))).since(PIPES),
        must("HvPartition", Kind::Flag),
        may("NetworkSharedContainerName", Kind::Text),
        may("EndpointList", Kind::List(&GUID)),
        may("HvRuntime", Kind::Elsewhere),
        may("Servicing", Kind::Flag),
        may("AllowUnqualifiedDNSQuery", Kind::Flag),
        may("DNSSearchList", Kind::Text),
        may("ContainerType", Kind::Elsewhere),
        may("TerminateOnLastHandleClosed", Kind::Flag),
        may("MappedVirtualDisks", Kind::Elsewhere),
        may("AssignedDevices", Kind::Elsewhere).since(DEVICES),
    ],
    rules: &[
        |system, asked| (system["Name"] != asked.id).then_some(("Name", Code::INVALID_JSON, "is not the id")),
        |system, _| not_empty("Layers", system),
        |system, _| exclude(&["ProcessorCount", "ProcessorWeight", "ProcessorMaximum"], system),
        |system, _| {
            let why = "Hyper-V is not installed";
            (system["HvPartition"] == true).then_some(("HvPartition", Code::HYPERV_NOT_INSTALLED, why))
        },
    ],
};

static LAYER: Object = Object {
    fields: &[must("ID", GUID), must("Path", HOST_PATH)],
    rules: &[|layer, _| layer_has_id_of_path("ID", layer)],
};

static MAPPED_DIRECTORY: Object = Object {
    fields: &[
        must("HostPath", HOST_PATH),
        must("ContainerPath", CONTAINER_PATH),
        must("ReadOnly", Kind::Flag),
        may("BandwidthMaximum", U64),
        may("IOPSMaximum", U64),
        may("CreateInUtilityVM", Kind::Elsewhere),
        may("LinuxMetadata", Kind::Elsewhere).since(METADATA),
    ],
    rules: &[],
};

static MAPPED_PIPE: Object =
    Object { fields: &[must("HostPath", SOMETHING), must("ContainerPipeName", SOMETHING)], rules: &[] };

/// The document of a process.
pub static PROCESS: Object = Object {
    fields: &[
        may("ApplicationName", Kind::Text),
        must("CommandLine", SOMETHING),
        may("CommandArgs", Kind::Elsewhere),
        may("User", Kind::Text),
        may("WorkingDirectory", Kind::Text),
        may("Environment", Kind::Texts),
        may("EmulateConsole", Kind::Flag),
        may("CreateStdInPipe", Kind::Flag),
        may("CreateStdOutPipe", Kind::Flag),
        may("CreateStdErrPipe", Kind::Flag),
        // Height, then width.
        may("ConsoleSize", Kind::Pair(&U16)),
        may("CreateInUtilityVm", Kind::Elsewhere),
        may("OCISpecification", Kind::Elsewhere),
    ],
    rules: &[],
};
