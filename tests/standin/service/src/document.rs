//! Documents as the service takes them: strictly, and with the rules that it states for their values.

use hcs_schema::{v1, v2};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::code::{Code, Failure, Family, Result};
use crate::machine::Wanted;
use crate::path::Mapping;

/// A process as a document asks for it.
pub type Process = v2::ProcessParameters;

/// What a query of properties asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct PropertyQuery {
    /// Names of what is asked for beside the basic properties.
    pub property_types: Vec<String>,
}

/// A signal to a process, from Windows Server 2019 on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Which one.
    #[serde(rename = "Signal")]
    pub kind: SignalKind,
}

/// The signals that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are the service's")]
pub enum SignalKind {
    CtrlC,
    CtrlBreak,
    CtrlClose,
    CtrlLogOff,
    CtrlShutdown,
}

/// A change of a process.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "Operation", deny_unknown_fields)]
pub enum ProcessChange {
    /// Its console has another size.
    ConsoleSize {
        /// In cells.
        #[serde(rename = "ConsoleSize")]
        size: Cells,
    },
    /// The service closes its end of a stream.
    CloseHandle {
        /// Of which one.
        #[serde(rename = "CloseHandle")]
        stream: Stream,
    },
}

/// The size of a console.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Cells {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

/// A stream by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Stream {
    /// Which one.
    pub handle: StreamName,
}

/// The streams that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are the service's")]
pub enum StreamName {
    StdIn,
    StdOut,
    StdErr,
}

/// Which systems an enumeration asks for; an empty list means all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct SystemQuery {
    /// By id.
    pub ids: Vec<String>,
    /// By type.
    pub types: Vec<String>,
    /// By name.
    pub names: Vec<String>,
    /// By owner.
    pub owners: Vec<String>,
}

impl SystemQuery {
    /// Tells whether a system of that id and owner is asked for.
    pub fn takes(&self, id: &str, owner: Option<&str>) -> bool {
        let has = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        let container = self.types.is_empty() || self.types.iter().any(|kind| kind == "Container");
        container
            && has(&self.ids, id)
            && has(&self.names, id)
            && has(&self.owners, owner.unwrap_or_default())
    }
}

/// Reads a document; an empty text is that without a field, where there may be none.
///
/// # Errors
/// It is refused, in the words of the parser.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    let text = if text.is_empty() { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| invalid(error.to_string()))
}

fn invalid(why: impl Into<String>) -> Failure {
    Failure::new(Code::INVALID_JSON, why)
}

fn rule(holds: bool, why: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(invalid(why)) }
}

/// Reads the document of a system.
///
/// # Errors
/// It is refused.
pub fn container(family: Family, id: &str, text: &str) -> Result<Wanted> {
    match family {
        Family::V1 => container_v1(id, &read(text)?),
        Family::V2 => container_v2(&read(text)?),
    }
}

fn container_v1(id: &str, document: &v1::ContainerConfig) -> Result<Wanted> {
    let processor = [
        document.processor_count.is_some(),
        document.processor_weight.is_some(),
        document.processor_maximum.is_some(),
    ];
    let in_range = |value: i64| (1..=10_000).contains(&value);
    let volume = document.volume_path.as_deref().unwrap_or_default();
    rule(document.name == id, "Name: is not the id")?;
    rule(!document.layers.is_empty(), "Layers: there is none")?;
    rule(!document.hv_partition, "HvPartition: Hyper-V is not installed")?;
    rule(is_volume(volume, "}"), "VolumePath: is no volume without a separator at its end")?;
    rule(
        processor.iter().filter(|set| **set).count() <= 1,
        "ProcessorCount, Weight, Maximum: exclude each other",
    )?;
    rule(document.processor_maximum.is_none_or(in_range), "ProcessorMaximum: not in 1 to 10000")?;
    rule(document.memory_maximum_in_mb.is_none_or(|mb| mb > 0), "MemoryMaximumInMB: not above 0")?;
    let mapping = |directory: &v1::MappedDirectory| Mapping {
        container: directory.container_path.clone(),
        host: directory.host_path.clone(),
    };
    Ok(Wanted {
        owner: document.owner.clone(),
        mappings: document.mapped_directories.iter().map(mapping).collect(),
        ends_with_last_handle: document.terminate_on_last_handle_closed,
    })
}

fn container_v2(document: &v2::ComputeSystem) -> Result<Wanted> {
    let container = &document.container;
    let storage = container.storage.as_ref();
    let volume = storage.and_then(|storage| storage.path.as_deref()).unwrap_or_default();
    rule(document.schema_version.major == 2, "SchemaVersion: is not 2")?;
    rule(storage.is_some_and(|storage| !storage.layers.is_empty()), "Storage.Layers: there is none")?;
    rule(is_volume(volume, r"}\"), "Storage.Path: is no volume with a separator at its end")?;
    let mapping = |directory: &v2::MappedDirectory| Mapping {
        container: directory.container_path.clone(),
        host: directory.host_path.clone(),
    };
    Ok(Wanted {
        owner: document.owner.clone(),
        mappings: container.mapped_directories.iter().map(mapping).collect(),
        ends_with_last_handle: document.should_terminate_on_last_handle_closed,
    })
}

fn is_volume(path: &str, end: &str) -> bool {
    let middle = path.strip_prefix(r"\\?\Volume{").and_then(|path| path.strip_suffix(end));
    middle.is_some_and(|guid| guid.parse::<uuid::Uuid>().is_ok())
}

/// Reads the document of a process: what schema v1 has is what schema v2 has, by the same names.
///
/// # Errors
/// It is refused.
pub fn process(family: Family, text: &str) -> Result<Process> {
    if family == Family::V1 {
        read::<v1::ProcessConfig>(text)?;
    }
    let process: Process = read(text)?;
    let named = process.application_name.iter().chain([&process.command_line]).any(|name| !name.is_empty());
    rule(named, "CommandLine: is empty")?;
    Ok(process)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = r#"{"SystemType": "Container", "Name": "a", "Owner": "o", "HvPartition": false,
        "VolumePath": "\\\\?\\Volume{00000000-0000-0000-0000-000000000000}",
        "Layers": [{"ID": "00000000-0000-0000-0000-000000000000", "Path": "C:\\base"}],
        "MappedDirectories": [{"HostPath": "C:\\h", "ContainerPath": "C:\\c", "ReadOnly": true}],
        "ProcessorMaximum": 100, "TerminateOnLastHandleClosed": true}"#;
    const V2: &str = r#"{"Owner": "o", "SchemaVersion": {"Major": 2, "Minor": 1}, "Container": {
        "Storage": {"Path": "\\\\?\\Volume{00000000-0000-0000-0000-000000000000}\\",
            "Layers": [{"Id": "00000000-0000-0000-0000-000000000000", "Path": "C:\\base"}]},
        "MappedDirectories": [{"HostPath": "C:\\h", "ContainerPath": "C:\\c"}]},
        "ShouldTerminateOnLastHandleClosed": true}"#;

    #[test]
    fn both_schemas_ask_for_the_same() {
        let wanted = container(Family::V1, "a", V1).unwrap();
        assert_eq!(wanted.owner.as_deref(), Some("o"));
        assert_eq!(wanted.mappings, [Mapping { container: r"C:\c".into(), host: r"C:\h".into() }]);
        assert!(wanted.ends_with_last_handle);
        assert_eq!(container(Family::V2, "a", V2).unwrap(), wanted);
    }

    #[test]
    fn documents_that_break_a_rule_are_refused_by_name() {
        for (family, text, old, new, named) in [
            (Family::V1, V1, r#""Owner""#, r#""IsDummy""#, "IsDummy"),
            (Family::V1, V1, r#""Name": "a""#, r#""Name": "b""#, "Name"),
            (Family::V1, V1, r#"}","#, r#"}\\","#, "VolumePath"),
            (Family::V1, V1, "100,", "0,", "ProcessorMaximum"),
            (Family::V1, V1, "100,", r#"100, "ProcessorCount": 1,"#, "ProcessorCount"),
            (Family::V1, V1, "100,", r#"100, "MemoryMaximumInMB": 0,"#, "MemoryMaximumInMB"),
            (Family::V1, V1, "100,", r#""100","#, "line"),
            (Family::V1, V1, r#""HvPartition": false"#, r#""HvPartition": true"#, "HvPartition"),
            (Family::V2, V2, r#""Owner""#, r#""Name""#, "Name"),
            (Family::V2, V2, r#"}\\","#, r#"}","#, "Storage.Path"),
            (Family::V2, V2, r#""Major": 2"#, r#""Major": 1"#, "SchemaVersion"),
        ] {
            assert!(text.contains(old), "{old}");
            let failure = container(family, "a", &text.replace(old, new)).unwrap_err();
            assert_eq!(failure.code, Code::INVALID_JSON);
            assert!(failure.message.contains(named), "{named}: {}", failure.message);
        }
    }

    #[test]
    fn processes_are_read_by_the_schema_of_their_dll() {
        assert_eq!(process(Family::V1, r#"{"CommandLine": "a.exe"}"#).unwrap().command_line, "a.exe");
        for (family, text) in [
            (Family::V1, r#"{"CommandLine": ""}"#),
            (Family::V1, r#"{"CommandLine": "a", "RestrictedToken": true}"#),
            (Family::V2, r#"{"CommandLine": "a", "Cmd": true}"#),
        ] {
            assert_eq!(process(family, text).unwrap_err().code, Code::INVALID_JSON, "{text}");
        }
        process(Family::V2, r#"{"CommandLine": "a", "RestrictedToken": true}"#).unwrap();
    }

    #[test]
    fn changes_and_signals_are_read_strictly() {
        for text in [
            r#"{"Operation": "ConsoleSize", "ConsoleSize": {"Height": 25, "Width": 80}}"#,
            r#"{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}"#,
        ] {
            read::<ProcessChange>(text).unwrap();
        }
        read::<Signal>(r#"{"Signal": "CtrlC"}"#).unwrap();
        read::<Signal>(r#"{"Signal": "SIGTERM"}"#).unwrap_err();
        for text in ["", r#"{"Operation": "CloseHandle", "CloseHandle": {"Handle": "0"}}"#] {
            read::<ProcessChange>(text).unwrap_err();
        }
    }

    #[test]
    fn queries_choose_systems() {
        let query: SystemQuery = read(r#"{"Owners": ["o"], "Types": ["Container"]}"#).unwrap();
        assert!(query.takes("a", Some("o")) && !query.takes("a", Some("p")) && !query.takes("a", None));
        let all: SystemQuery = read("").unwrap();
        assert!(all.takes("a", None));
        read::<PropertyQuery>(r#"{"PropertyTypes": ["Statistics"], "More": 1}"#).unwrap_err();
    }
}
