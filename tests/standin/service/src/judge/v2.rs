//! Schema v2, of computecore.dll. From the reference of the schema that Microsoft publishes (Virtualization-
//! Documentation, virtualization/api/hcs/SchemaReference.md), which names for each field the version that brought it.

use serde_json::{Map, Value};

use super::forms::{
    CONTAINER_PATH, GUID, HOST_PATH, SOMETHING, VOLUME_WITH_SEPARATOR, layer_has_id_of_path, not_empty,
};
use super::{ABOVE_0, Asked, Broken, Kind, Object, Since, TEN_THOUSAND, U16, U32, U64, exclude, may, must};
use crate::code::Code;

/// Returns the newest minor version that a build takes: its map of versions, and those that are never asked for.
pub fn newest_minor(build: u32) -> u64 {
    match build {
        22_000.. => 6,
        20_348.. => 5,
        19_041.. => 3,
        18_362.. => 2,
        _ => 1,
    }
}

/// Returns the minor version that the document of a system says it keeps to. One that says none is refused for that.
pub fn minor_of(text: &str) -> u64 {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    document.pointer("/SchemaVersion/Minor").and_then(Value::as_u64).unwrap_or(u64::MAX)
}

/// The document of a system.
pub static SYSTEM: Object = Object {
    fields: &[
        may("Owner", Kind::Text),
        must("SchemaVersion", Kind::Object(&VERSION)),
        may("HostingSystemId", Kind::Elsewhere),
        may("HostedSystem", Kind::Elsewhere),
        must("Container", Kind::Object(&CONTAINER)),
        may("VirtualMachine", Kind::Elsewhere),
        may("ShouldTerminateOnLastHandleClosed", Kind::Flag),
    ],
    rules: &[],
};

static VERSION: Object =
    Object { fields: &[must("Major", Kind::Number(2, 2)), must("Minor", U32)], rules: &[minor_is_known] };

fn minor_is_known(version: &Map<String, Value>, asked: &Asked<'_>) -> Option<Broken> {
    let known = version["Minor"].as_u64().is_some_and(|minor| minor <= newest_minor(asked.build));
    (!known).then_some(("Minor", Code::INVALID_JSON, "is newer than this Windows"))
}

static CONTAINER: Object = Object {
    fields: &[
        may("GuestOs", Kind::Object(&GUEST_OS)),
        // Of process isolation: without it there is no root.
        must("Storage", Kind::Object(&STORAGE)),
        may("MappedDirectories", Kind::List(&Kind::Object(&MAPPED_DIRECTORY))),
        may("MappedPipes", Kind::List(&Kind::Object(&MAPPED_PIPE))),
        may("Memory", Kind::Object(&MEMORY)),
        may("Processor", Kind::Object(&PROCESSOR)),
        may("Networking", Kind::Object(&NETWORKING)),
        may("HvSocket", Kind::Elsewhere),
        may("ContainerCredentialGuard", Kind::Elsewhere),
        may("RegistryChanges", Kind::Object(&REGISTRY_CHANGES)),
        may("AssignedDevices", Kind::Elsewhere),
        may("AdditionalDeviceNamespace", Kind::Elsewhere).since(Since::Minor(3)),
    ],
    rules: &[],
};

static GUEST_OS: Object = Object { fields: &[may("HostName", Kind::Text)], rules: &[] };

static STORAGE: Object = Object {
    fields: &[
        must("Layers", Kind::List(&Kind::Object(&LAYER))),
        must("Path", VOLUME_WITH_SEPARATOR),
        may("QoS", Kind::Object(&QOS)),
    ],
    rules: &[|storage, _| not_empty("Layers", storage)],
};

static QOS: Object = Object { fields: &[may("IopsMaximum", U64), may("BandwidthMaximum", U64)], rules: &[] };

static LAYER: Object = Object {
    fields: &[
        must("Id", GUID),
        must("Path", HOST_PATH),
        may("PathType", PATH_TYPE).since(Since::Minor(1)),
        may("Cache", Kind::Words(&["Unspecified", "Disabled", "Enabled", "Private", "PrivateAllowSharing"])),
    ],
    rules: &[|layer, _| layer_has_id_of_path("Id", layer)],
};

/// The other one, `VirtualSmbShareName`, is of virtual machines.
const PATH_TYPE: Kind = Kind::Words(&["AbsolutePath"]);

static MAPPED_DIRECTORY: Object = Object {
    fields: &[
        must("HostPath", HOST_PATH),
        may("HostPathType", PATH_TYPE).since(Since::Minor(1)),
        must("ContainerPath", CONTAINER_PATH),
        may("ReadOnly", Kind::Flag),
        may("SupportCloudFiles", Kind::Flag).since(Since::Minor(3)),
    ],
    rules: &[],
};

static MAPPED_PIPE: Object = Object {
    fields: &[
        must("ContainerPipeName", SOMETHING),
        must("HostPath", SOMETHING),
        may("HostPathType", PATH_TYPE).since(Since::Minor(1)),
    ],
    rules: &[],
};

static MEMORY: Object = Object { fields: &[may("SizeInMB", ABOVE_0).since(Since::Minor(1))], rules: &[] };

static PROCESSOR: Object = Object {
    fields: &[
        may("Count", Kind::Number(1, u32::MAX as i128)),
        may("Weight", TEN_THOUSAND),
        may("Maximum", TEN_THOUSAND),
    ],
    rules: &[|processor, _| exclude(&["Count", "Weight", "Maximum"], processor)],
};

static NETWORKING: Object = Object {
    fields: &[
        may("AllowUnqualifiedDnsQuery", Kind::Flag),
        may("DnsSearchList", Kind::Text),
        may("NetworkSharedContainerName", Kind::Text),
        may("Namespace", GUID),
        may("NetworkAdapters", Kind::List(&GUID)),
    ],
    rules: &[],
};

static REGISTRY_CHANGES: Object = Object {
    fields: &[
        may("AddValues", Kind::List(&Kind::Object(&REGISTRY_VALUE))),
        may("DeleteKeys", Kind::List(&Kind::Object(&REGISTRY_KEY))),
    ],
    rules: &[],
};

static REGISTRY_KEY: Object = Object {
    fields: &[
        must("Hive", Kind::Words(&["System", "Software", "Security", "Sam"])),
        must("Name", SOMETHING),
        may("Volatile", Kind::Flag),
    ],
    rules: &[],
};

static REGISTRY_VALUE: Object = Object {
    fields: &[
        must("Key", Kind::Object(&REGISTRY_KEY)),
        must("Name", Kind::Text),
        must(
            "Type",
            Kind::Words(&[
                "None",
                "String",
                "ExpandedString",
                "MultiString",
                "Binary",
                "DWord",
                "QWord",
                "CustomType",
            ]),
        ),
        may("StringValue", Kind::Text),
        may("BinaryValue", Kind::Text),
        may("DWordValue", U32),
        may("QWordValue", U64),
        may("CustomType", U32),
    ],
    rules: &[
        |value, _| exclude(&VALUES, value),
        |value, _| {
            let is_there = VALUES.iter().any(|name| value.contains_key(*name));
            (!is_there).then_some(("StringValue", Code::INVALID_JSON, "and every other value is missing"))
        },
        |value, _| {
            let is_custom = value["Type"] == "CustomType" && value.contains_key("BinaryValue");
            let stray = value.contains_key("CustomType") && !is_custom;
            stray.then_some(("CustomType", Code::INVALID_JSON, "is of that type, with a binary value, alone"))
        },
    ],
};

/// One, and only one, must be there.
const VALUES: [&str; 4] = ["StringValue", "BinaryValue", "DWordValue", "QWordValue"];

/// The document of a process.
pub static PROCESS: Object = Object {
    fields: &[
        may("ApplicationName", Kind::Text),
        must("CommandLine", SOMETHING),
        // Of Linux.
        may("CommandArgs", Kind::Elsewhere),
        may("User", Kind::Text),
        may("WorkingDirectory", Kind::Text),
        may("Environment", Kind::Texts),
        may("RestrictedToken", Kind::Flag),
        may("EmulateConsole", Kind::Flag),
        may("CreateStdInPipe", Kind::Flag),
        may("CreateStdOutPipe", Kind::Flag),
        may("CreateStdErrPipe", Kind::Flag),
        // Height, then width.
        may("ConsoleSize", Kind::Pair(&U16)),
        may("UseExistingLogin", Kind::Flag),
        may("UseLegacyConsole", Kind::Flag),
    ],
    rules: &[],
};
