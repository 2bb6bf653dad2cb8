//! What the stand-in takes from documents, once they are judged.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::code::{Code, Failure, Family, Result};
use crate::judge::{self, Asked, Object, judge, requests};
use crate::machine::Wanted;
use crate::path::Mapping;

/// A process as a document asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Process {
    /// What is run, where the command line does not say it.
    pub application_name: String,
    /// What is run, and its arguments.
    pub command_line: String,
    /// Where it runs.
    pub working_directory: String,
    /// What is set beside the host's environment.
    pub environment: BTreeMap<String, String>,
    /// Whether it has a console; its errors then go where its output does.
    pub emulate_console: bool,
    /// Whether its input comes from the caller.
    pub create_std_in_pipe: bool,
    /// Whether its output goes to the caller.
    pub create_std_out_pipe: bool,
    /// Whether its errors go to the caller.
    pub create_std_err_pipe: bool,
}

/// What a query of properties asks for beside the basic ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PropertyQuery {
    /// By name.
    pub property_types: Vec<String>,
}

/// A change of a process.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessChange {
    /// The stream of which the service closes its end, where it closes one.
    pub close_handle: Option<Stream>,
}

/// A stream by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
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
#[serde(rename_all = "PascalCase", default)]
pub struct SystemQuery {
    ids: Vec<String>,
    types: Vec<String>,
    names: Vec<String>,
    owners: Vec<String>,
}

impl SystemQuery {
    /// Tells whether a system of that id and owner is asked for.
    pub fn takes(&self, id: &str, owner: Option<&str>) -> bool {
        let has = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        has(&self.types, "Container")
            && has(&self.ids, id)
            && has(&self.names, id)
            && has(&self.owners, owner.unwrap_or_default())
    }
}

/// Judges a text, and reads from it what is taken.
fn read<T: DeserializeOwned>(text: &str, object: &Object, asked: &Asked<'_>) -> Result<T> {
    let value = judge(text, object, asked)?;
    // The tables let through what can be read.
    serde_json::from_value(value).map_err(|error| Failure::new(Code::GENERAL, error.to_string()))
}

/// Reads the document of a system.
///
/// # Errors
/// It is refused.
pub fn system(family: Family, build: u32, id: &str, text: &str) -> Result<Wanted> {
    let (object, minor) = match family {
        Family::V1 => (&judge::v1::SYSTEM, 0),
        Family::V2 => (&judge::v2::SYSTEM, judge::v2::minor_of(text)),
    };
    let document = judge(text, object, &Asked { build, minor, id })?;
    let at = |v1: &str, v2: &str| match family {
        Family::V1 => document.pointer(v1),
        Family::V2 => document.pointer(v2),
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mapping = |directory: &Value| Mapping {
        container: text(&directory["ContainerPath"]),
        host: text(&directory["HostPath"]),
    };
    let directories = at("/MappedDirectories", "/Container/MappedDirectories").and_then(Value::as_array);
    let ends = at("/TerminateOnLastHandleClosed", "/ShouldTerminateOnLastHandleClosed");
    let volume = at("/VolumePath", "/Container/Storage/Path").map(text).unwrap_or_default();
    Ok(Wanted {
        family,
        owner: at("/Owner", "/Owner").map(text),
        volume: volume.trim_end_matches('\\').to_owned(),
        mappings: directories.into_iter().flatten().map(mapping).collect(),
        ends_with_last_handle: ends.and_then(Value::as_bool).unwrap_or_default(),
    })
}

/// Reads the document of a process.
///
/// # Errors
/// It is refused.
pub fn process(family: Family, build: u32, text: &str) -> Result<Process> {
    let object = match family {
        Family::V1 => &judge::v1::PROCESS,
        Family::V2 => &judge::v2::PROCESS,
    };
    read(text, object, &Asked::of_build(build))
}

/// Reads which properties of a system are asked for. No text at all asks for the basic ones.
///
/// # Errors
/// It is refused.
pub fn property_query(family: Family, build: u32, text: Option<&str>) -> Result<PropertyQuery> {
    let object = match family {
        Family::V1 => &requests::PROPERTIES_V1,
        Family::V2 => &requests::PROPERTIES_V2,
    };
    read(text.unwrap_or("{}"), object, &Asked::of_build(build))
}

/// Reads which systems are asked for. No text at all asks for each.
///
/// # Errors
/// It is refused.
pub fn system_query(build: u32, text: Option<&str>) -> Result<SystemQuery> {
    read(text.unwrap_or("{}"), &requests::SYSTEMS, &Asked::of_build(build))
}

/// Reads how a process shall change.
///
/// # Errors
/// It is refused.
pub fn change(build: u32, text: &str) -> Result<ProcessChange> {
    read(text, &requests::CHANGE, &Asked::of_build(build))
}

/// Judges a signal to a process: all are delivered alike.
///
/// # Errors
/// It is refused.
pub fn signal(build: u32, text: &str) -> Result<()> {
    judge(text, &requests::SIGNAL, &Asked::of_build(build)).map(drop)
}

/// Windows Server 2022: with it came schema 2.5, which has options of a shutdown.
const SHUTDOWN_OPTIONS: u32 = 20_348;

/// Judges how a system shall shut down, as computecore.dll does.
///
/// The options are documented to be null (Virtualization-Documentation, HcsShutDownComputeSystem.md), and hcsshim gives
/// an empty text; since schema 2.5 they can be a document. That null is refused then was seen by others, on Windows 11
/// and with virtual machines: a test that wants it has a script for it.
///
/// # Errors
/// They are refused.
pub fn shutdown(build: u32, text: Option<&str>) -> Result<()> {
    match (text.unwrap_or_default(), build >= SHUTDOWN_OPTIONS) {
        ("", _) => Ok(()),
        (text, true) => judge(text, &requests::SHUTDOWN, &Asked::of_build(build)).map(drop),
        (_, false) => Err(Failure::new(Code::INVALID_ARGUMENT, "the options are reserved")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: u32 = 26_100;

    #[test]
    fn both_schemas_say_the_same() {
        let v1 = judge::tests::example(Family::V1);
        let wanted = system(Family::V1, BUILD, "a", &v1).unwrap();
        assert_eq!(wanted.owner.as_deref(), Some("o"));
        assert_eq!(wanted.mappings, [Mapping { container: r"C:\c".into(), host: r"D:\h".into() }]);
        assert_eq!(wanted.volume, r"\\?\Volume{00000000-0000-0000-0000-000000000000}");
        assert!(wanted.ends_with_last_handle);
        let v2 = judge::tests::example(Family::V2);
        let other = system(Family::V2, BUILD, "a", &v2).unwrap();
        assert_eq!(other, Wanted { family: Family::V2, ..wanted });
    }

    #[test]
    fn processes_are_read() {
        let text = r#"{"CommandLine": "a.exe", "Environment": {"A": "1"}, "CreateStdErrPipe": true}"#;
        for family in [Family::V1, Family::V2] {
            let process = process(family, BUILD, text).unwrap();
            assert_eq!((process.command_line.as_str(), process.create_std_err_pipe), ("a.exe", true));
            assert_eq!((process.environment["A"].as_str(), process.create_std_in_pipe), ("1", false));
        }
    }

    #[test]
    fn queries_choose_systems() {
        let query = system_query(BUILD, Some(r#"{"Owners": ["o"], "Types": ["Container"]}"#)).unwrap();
        assert!(query.takes("a", Some("o")) && !query.takes("a", Some("p")) && !query.takes("a", None));
        assert!(system_query(BUILD, None).unwrap().takes("a", None));
        let machines = system_query(BUILD, Some(r#"{"Types": ["VirtualMachine"]}"#)).unwrap();
        assert!(!machines.takes("a", None));
    }

    #[test]
    fn options_of_a_shutdown_are_a_document_since_server_2022() {
        for (build, text, refused) in [
            (17_763, None, None),
            (17_763, Some(""), None),
            (17_763, Some("{}"), Some(Code::INVALID_ARGUMENT)),
            (20_348, None, None),
            (20_348, Some(""), None),
            (20_348, Some("{}"), None),
            (20_348, Some(r#"{"Type": "Shutdown", "Force": false}"#), None),
            (20_348, Some(r#"{"Force": 0}"#), Some(Code::INVALID_JSON)),
        ] {
            let failure = shutdown(build, text).err();
            assert_eq!(failure.map(|failure| failure.code), refused, "{build} {text:?}");
        }
    }
}
