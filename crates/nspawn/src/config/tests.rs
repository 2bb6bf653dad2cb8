//! What the text of a configuration means; what is refused stands in [`refused`].

use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;
use crate::error::ErrorKind;

mod properties;
mod refused;

const AT: &str = "/etc/app/config.json";

/// The twelve keys of the original program.
const ORIGINAL_KEYS: [&str; 12] = [
    "process_directory",
    "process_executable",
    "process_arguments",
    "max_ram_mb",
    "cpus_count",
    "cpu_affinity_hex",
    "max_cpu_percent",
    "max_storage_iops",
    "max_storage_bandwidth_bytes_per_sec",
    "mapped_directory",
    "stdout_filename",
    "parent_layer_directory",
];

/// The original program's own example, its two host paths moved to a Linux host.
const ORIGINAL: &str = r#"{
    "process_directory": "/srv/hostcompute_nspawn/build/bin",
    "process_executable": "hello.exe",
    "process_arguments": ["foo", "bar", "baz"],

    "max_ram_mb": 512,
    "cpus_count": 1,
    "cpu_affinity_hex": 1,
    "max_cpu_percent": 25,
    "max_storage_iops": 1024,
    "max_storage_bandwidth_bytes_per_sec": 10485760,

    "mapped_directory": "c:/nspawndir",
    "stdout_filename": "nspawn_out.txt",

    "parent_layer_directory": "/srv/windowsfilter/76e7bfaf64af77e02b638c312bafb77de927d812d25936010f5aa71e98e5d5c9"
}
"#;

fn parsed(text: impl AsRef<[u8]>) -> Result<Spec> {
    parse(text.as_ref(), Path::new(AT), &Overrides::default())
}

/// The least that runs, with `changes` laid over it; null takes a key away.
fn config(changes: Json) -> String {
    let mut all =
        json!({"process_directory": "/srv/app", "process_executable": "a.exe", "mapped_directory": "C:/app"});
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    all.to_string()
}

/// Returns the message of a refusal that must come, and asserts what holds for all of them.
fn refusal(text: impl AsRef<[u8]>) -> String {
    let text = text.as_ref();
    let shown = String::from_utf8_lossy(&text[..text.len().min(300)]);
    let error = parsed(text).expect_err(&shown);
    assert!(matches!(error.kind(), ErrorKind::InvalidSpec | ErrorKind::Unsupported), "{error}");
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(line.contains(": ") && line.chars().count() < 700, "{line}");
    line
}

#[test]
fn the_originals_example_keeps_its_meaning() {
    let spec = parsed(ORIGINAL).unwrap();
    let layer = "/srv/windowsfilter/76e7bfaf64af77e02b638c312bafb77de927d812d25936010f5aa71e98e5d5c9";
    assert_eq!(spec.rootfs, Rootfs::ParentLayer(layer.into()));
    assert_eq!(spec.process.directory, Path::new("/srv/hostcompute_nspawn/build/bin"));
    assert_eq!(spec.process.executable.to_string(), "hello.exe");
    assert_eq!(spec.process.arguments, ["foo", "bar", "baz"]);
    assert_eq!(spec.process.working_directory.to_string(), r"C:\nspawndir");
    assert_eq!(spec.process.stdio, StdioSpec::File(RelativePath::parse("", "nspawn_out.txt").unwrap()));
    assert_eq!(spec.mounts.len(), 1);
    assert_eq!(spec.mounts[0].destination.to_string(), r"C:\nspawndir");
    assert_eq!(
        spec.limits,
        Limits {
            memory_mb: NonZeroU64::new(512),
            cpu_count: Some(1),
            cpu_percent: Percent::new(25),
            affinity: AffinityMask::new(1),
            processes: None,
            storage_iops: NonZeroU64::new(1024),
            storage_bandwidth: NonZeroU64::new(10_485_760),
        }
    );
}

#[test]
fn absent_keys_have_their_defaults() {
    let spec = parsed(config(json!({}))).unwrap();
    let place = ContainerPath::parse("", "C:/app").unwrap();
    assert_eq!(
        spec,
        Spec {
            name: None,
            rootfs: Rootfs::EmbeddedBase,
            hostname: None,
            process: ProcessSpec {
                directory: "/srv/app".into(),
                executable: RelativePath::parse("", "a.exe").unwrap(),
                arguments: vec![],
                environment: vec![],
                working_directory: place.clone(),
                user: User::Default,
                stdio: StdioSpec::Inherit,
            },
            mounts: vec![Mount { source: "/srv/app".into(), destination: place, access: Access::ReadWrite }],
            limits: Limits::default(),
            services: Services::Async,
            timeout: None,
        }
    );
}

#[test]
fn the_newer_keys_reach_the_spec() {
    let spec = parsed(config(json!({
        "process_directory": "../bin",
        "environment": {"PATH": r"C:\app", "Empty": "", "Ünï": "中=😀\n"},
        "working_directory": "c:/Windows/Temp/",
        "hostname": "win-1",
        "name": "web.1",
        "mounts": [
            {"source": "data", "destination": "C:/data", "read_only": true},
            {"source": "/srv/x", "destination": "C:/apps"},
        ],
        "timeout_seconds": 90,
        "services": "wait",
        "user": r"User Manager\ContainerAdministrator",
        "process_arguments": ["", " ", "é中😀", "\u{feff}", "& echo x", "%OS%^|<>\"\\"],
        "stdout_filename": "logs/out & echo x^.txt",
    })))
    .unwrap();
    let variables = [("PATH", r"C:\app"), ("Empty", ""), ("Ünï", "中=😀\n")];
    let mut environment = spec.process.environment.clone();
    environment.sort_by_key(|(name, _)| variables.iter().position(|(wanted, _)| wanted == name));
    assert_eq!(environment, variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(spec.process.directory, Path::new("/etc/bin"));
    assert_eq!(spec.process.working_directory.to_string(), r"C:\Windows\Temp");
    assert_eq!(spec.hostname.unwrap().as_str(), "win-1");
    assert_eq!(spec.name.unwrap().as_str(), "web.1");
    assert_eq!(spec.timeout, Some(Duration::from_secs(90)));
    assert_eq!(spec.services, Services::Wait);
    let user = UserName::parse(r"User Manager\ContainerAdministrator").unwrap();
    assert_eq!(spec.process.user, User::Named(user));
    assert_eq!(spec.process.arguments, ["", " ", "é中😀", "\u{feff}", "& echo x", "%OS%^|<>\"\\"]);
    let output = RelativePath::parse("", "logs/out & echo x^.txt").unwrap();
    assert_eq!(spec.process.stdio, StdioSpec::File(output));
    let mounts =
        spec.mounts.iter().map(|m| (m.source.to_str().unwrap(), m.destination.to_string(), m.access));
    assert_eq!(
        mounts.collect::<Vec<_>>(),
        [
            ("/etc/bin", r"C:\app".to_owned(), Access::ReadWrite),
            ("/etc/app/data", r"C:\data".to_owned(), Access::ReadOnly),
            ("/srv/x", r"C:\apps".to_owned(), Access::ReadWrite),
        ]
    );
}

#[test]
fn the_command_line_overrides_the_file() {
    let overrides = Overrides {
        directory: Some("/srv/other".into()),
        timeout: Some(Duration::from_millis(5)),
        services: Some(Services::None),
        own_roots: vec!["/var/lib/hostcompute_nspawn".into()],
    };
    let with = |text: &str, overrides: &Overrides| parse(text.as_bytes(), Path::new(AT), overrides);
    let text = config(json!({"timeout_seconds": 90, "services": "wait"}));
    let spec = with(&text, &overrides).unwrap();
    assert_eq!(spec.process.directory, Path::new("/srv/other"));
    assert_eq!(spec.mounts[0].source, Path::new("/srv/other"));
    assert_eq!((spec.timeout, spec.services), (Some(Duration::from_millis(5)), Services::None));

    let never = Overrides { timeout: Some(Duration::ZERO), ..overrides.clone() };
    assert_eq!(with(&text, &never).unwrap().timeout, None);

    let without_directory = r#"{"process_executable": "a.exe", "mapped_directory": "C:/app"}"#;
    assert!(with(without_directory, &overrides).is_ok());
    assert_eq!(refusal(without_directory), "process_directory: is required");
    for directory in ["relative", "/", "/proc", "C:/x", "/var/lib/hostcompute_nspawn/base", "/var"] {
        let overrides = Overrides { directory: Some(directory.into()), ..overrides.clone() };
        let error = with(&text, &overrides).unwrap_err().to_string();
        assert!(error.starts_with("--directory: "), "{error}");
    }
    for key in ["process_directory", "mounts"] {
        let value = match key {
            "mounts" => json!([{"source": "/var", "destination": "C:/x"}]),
            _ => json!("/var/lib/hostcompute_nspawn"),
        };
        let overrides = Overrides { directory: None, ..overrides.clone() };
        assert!(with(&config(json!({key: value})), &overrides).is_err(), "{key}");
    }
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let advice = "docs/config.schema.json is stale: hostcompute_nspawn schema > docs/config.schema.json";
    assert!(committed == json_schema(), "{advice}");
    let schema: Json = serde_json::from_str(&committed).unwrap();
    for key in ORIGINAL_KEYS {
        assert!(schema["properties"][key]["description"].is_string(), "{key}");
    }
    assert_eq!(schema["required"], json!(["process_executable", "mapped_directory"]));
    assert_eq!(schema["properties"]["cpu_affinity_hex"]["maximum"], json!(u64::MAX));
}
