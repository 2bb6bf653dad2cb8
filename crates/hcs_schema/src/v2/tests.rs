use std::collections::BTreeMap;

use super::*;
use crate::{ConsoleSize, golden};

const SYSTEM_MINIMAL: &str = include_str!("golden/system_minimal.json");
const SYSTEM_COMPLETE: &str = include_str!("golden/system_complete.json");
const PROCESS_MINIMAL: &str = include_str!("golden/process_minimal.json");
const PROCESS_COMPLETE: &str = include_str!("golden/process_complete.json");

fn complete_container() -> Container {
    let key =
        RegistryKey { hive: RegistryHive::System, name: r"ControlSet001\Control".into(), volatile: true };
    let string = RegistryValue::string(key.clone(), "A", "1");
    let empty = RegistryValue { string_value: None, ..string.clone() };
    Container {
        guest_os: Some(GuestOs { host_name: Some("a1b2c3d4".into()) }),
        storage: Some(Storage {
            layers: vec![Layer {
                id: "00000000-0000-0000-0000-000000000000".into(),
                path: r"C:\layers\base".into(),
                path_type: Some(PathType::AbsolutePath),
                cache: Some(CacheMode::PrivateAllowSharing),
            }],
            path: Some(r"\\?\Volume{00000000-0000-0000-0000-000000000000}\".into()),
            qos: Some(StorageQos { iops_maximum: Some(1024), bandwidth_maximum: Some(10_485_760) }),
        }),
        mapped_directories: vec![MappedDirectory {
            host_path: r"C:\work".into(),
            host_path_type: Some(PathType::VirtualSmbShareName),
            container_path: r"C:\nspawndir".into(),
            read_only: true,
            support_cloud_files: true,
        }],
        mapped_pipes: vec![MappedPipe {
            container_pipe_name: "engine".into(),
            host_path: r"\\.\pipe\engine".into(),
            host_path_type: Some(MappedPipePathType::AbsolutePath),
        }],
        memory: Some(Memory { size_in_mb: 512 }),
        processor: Some(Processor::Maximum(2500)),
        networking: Some(Networking {
            allow_unqualified_dns_query: true,
            dns_search_list: Some("example.com,example.org".into()),
            network_shared_container_name: Some("nspawn_b".into()),
            namespace: Some("00000000-0000-0000-0000-000000000001".into()),
            network_adapters: vec!["00000000-0000-0000-0000-000000000002".into()],
        }),
        registry_changes: Some(RegistryChanges {
            add_values: vec![
                string,
                RegistryValue {
                    value_type: RegistryValueType::DWord,
                    dword_value: Some(u32::MAX),
                    ..empty.clone()
                },
                RegistryValue {
                    value_type: RegistryValueType::QWord,
                    qword_value: Some(u64::MAX),
                    ..empty.clone()
                },
                RegistryValue {
                    value_type: RegistryValueType::CustomType,
                    binary_value: Some("AAE=".into()),
                    custom_type: Some(21),
                    ..empty
                },
            ],
            delete_keys: vec![key],
        }),
    }
}

fn system(owner: Option<&str>, container: Container, terminate: bool) -> ComputeSystem {
    ComputeSystem {
        owner: owner.map(str::to_owned),
        schema_version: Version::V2_1,
        container,
        should_terminate_on_last_handle_closed: terminate,
    }
}

#[test]
fn system_is_written_as_hcsshim_writes_it_and_read_back() {
    golden::check(&system(None, Container::default(), false), SYSTEM_MINIMAL);
    golden::check(&system(Some("hostcompute_nspawn"), complete_container(), true), SYSTEM_COMPLETE);
}

#[test]
fn process_is_written_as_hcsshim_writes_it_and_read_back() {
    let minimal = ProcessParameters { command_line: r#""C:\a.exe""#.into(), ..ProcessParameters::default() };
    golden::check(&minimal, PROCESS_MINIMAL);
    let complete = ProcessParameters {
        application_name: Some(r"C:\a.exe".into()),
        command_line: r#""C:\a.exe" b"#.into(),
        user: Some("ContainerUser".into()),
        working_directory: Some(r"C:\".into()),
        environment: BTreeMap::from([("A".into(), "1".into()), ("Pfad".into(), "ö".into())]),
        restricted_token: true,
        emulate_console: true,
        create_std_in_pipe: true,
        create_std_out_pipe: true,
        create_std_err_pipe: true,
        console_size: Some(ConsoleSize { height: 25, width: 80 }),
        use_existing_login: true,
        use_legacy_console: true,
    };
    golden::check(&complete, PROCESS_COMPLETE);
}

#[test]
fn refuses_what_it_does_not_know() {
    let objects = [
        "",
        "/SchemaVersion",
        "/Container",
        "/Container/GuestOs",
        "/Container/Storage",
        "/Container/Storage/Layers/0",
        "/Container/Storage/QoS",
        "/Container/MappedDirectories/0",
        "/Container/MappedPipes/0",
        "/Container/Memory",
        "/Container/Processor",
        "/Container/Networking",
        "/Container/RegistryChanges",
        "/Container/RegistryChanges/AddValues/0",
        "/Container/RegistryChanges/AddValues/0/Key",
    ];
    golden::refuses_unknown_fields::<ComputeSystem>(SYSTEM_COMPLETE, &objects);
    golden::refuses_unknown_fields::<ProcessParameters>(PROCESS_COMPLETE, &[""]);
}

#[test]
fn takes_at_most_one_processor_limit() {
    let read = |text: &str| {
        let json = format!(r#"{{"Processor": {text}}}"#);
        serde_json::from_str::<Container>(&json).map(|c| c.processor).map_err(|e| e.to_string())
    };
    assert_eq!(read("{}"), Ok(None));
    assert_eq!(read("null"), Ok(None));
    assert_eq!(read(r#"{"Count": 2}"#), Ok(Some(Processor::Count(2))));
    assert_eq!(read(r#"{"Maximum": 1}"#), Ok(Some(Processor::Maximum(1))));
    assert_eq!(read(r#"{"Weight": 5}"#), Ok(Some(Processor::Weight(5))));
    let refused = read(r#"{"Count": 1, "Maximum": 2500}"#).expect_err("two limits");
    assert!(refused.contains("more than one of"), "{refused}");
}
