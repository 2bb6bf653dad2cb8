//! From the text of a config.json to the plan that is carried out, held against what stands in `golden/`.

use std::path::{Path, PathBuf};

use super::account;
use super::lower::{Loader, Surroundings, lower};
use super::merge::Merged;
use super::root::{StartUp, System};
use super::wine::Wine;
use crate::config::{self, Overrides};
use crate::document::{self, Layer, Root, Schema};
use crate::spec::ContainerId;

const WINDOWS: &str = r#"{
    "process_directory": "/srv/app", "process_executable": "jdk/bin/java.exe", "process_arguments": ["-version"],
    "mapped_directory": "c:/nspawndir", "stdout_filename": "nspawn_out.txt", "hostname": "box",
    "environment": {"A": "é"}, "mounts": [{"source": "/srv/data", "destination": "c:/program files/data", "read_only": true}],
    "max_ram_mb": 512, "cpus_count": 1, "max_cpu_percent": 25, "cpu_affinity_hex": 1,
    "max_processes": 200, "max_storage_iops": 1024, "max_storage_bandwidth_bytes_per_sec": 10485760
}"#;

const NATIVE: &str = r#"{
    "process_directory": "/srv/app", "process_executable": "bin/hello", "process_arguments": ["a b", "\"c\""],
    "mapped_directory": "c:/app", "hostname": "box", "environment": {"PATH": "/app"}
}"#;

/// A host like Debian's, whatever this one is.
fn system() -> System {
    let library = |name: &str| (format!("lib64/{name}"), Path::new("/lib/x86_64-linux-gnu").join(name));
    System {
        libraries: ["libc.so.6", "ld-linux-x86-64.so.2"].map(library).into(),
        files: vec!["/etc/localtime".into()],
        masked: vec!["sys/devices/system/cpu/vulnerabilities".to_owned()],
    }
}

fn wine() -> Loader {
    let libraries = PathBuf::from("/usr/lib/x86_64-linux-gnu/wine");
    let (loader, server) = ("/usr/lib/wine/wine64".into(), "/usr/lib/wine/wineserver64".into());
    Loader::Wine(Wine { loader, server, libraries, data: "/usr/share/wine".into(), part_32: None })
}

fn plan(text: &str, schema: Schema, loader: &Loader, layers: &[&str]) -> crate::Result<String> {
    let spec = config::parse(text.as_bytes(), Path::new("/srv/config.json"), &Overrides::default())?;
    let layer = |path: &&str| Layer {
        id: "00000000-0000-0000-0000-000000000000".to_owned(),
        path: (*path).to_owned(),
    };
    let scratch = "/var/scratch".to_owned();
    let root = Root { volume: scratch.clone(), scratch, layers: layers.iter().map(layer).collect() };
    let id = ContainerId::from_random([0; 8]);
    let (request, _) = document::build(&id, &spec, &root, 2, schema)?;
    let host = Surroundings {
        system: &system(),
        merged: &Merged::default(),
        account: account::of("nspawn_box@1"),
        start_up: StartUp::Agent,
        cpus: 2,
    };
    let lowered = lower(&request, loader, &host)?;
    Ok(serde_json::to_string_pretty(&lowered).unwrap() + "\n")
}

#[test]
fn plans_are_golden() {
    let cases = [
        ("windows", plan(WINDOWS, Schema::V2, &wine(), &["/var/base"]), include_str!("golden/windows.json")),
        (
            "layers",
            plan(WINDOWS, Schema::V1, &wine(), &["/l/app", "/var/base"]),
            include_str!("golden/layers.json"),
        ),
        ("native", plan(NATIVE, Schema::V2, &Loader::Kernel, &[]), include_str!("golden/native.json")),
    ];
    for (name, plan, golden) in cases {
        let plan = plan.unwrap();
        if std::env::var_os("NSPAWN_BLESS").is_some() {
            let path = format!("{}/src/engine/linux/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
            std::fs::write(path, plan).unwrap();
        } else {
            assert_eq!(plan, golden, "{name}: NSPAWN_BLESS=1 cargo test writes it anew");
        }
    }
}

#[test]
fn both_schemas_make_the_same_plan() {
    let without_storage = WINDOWS.replace("1024", "0").replace("10485760", "0");
    let plan = |schema| plan(&without_storage, schema, &wine(), &["/var/base"]).unwrap();
    assert_eq!(plan(Schema::V1), plan(Schema::V2));
}

#[test]
fn what_cannot_be_carried_out_is_refused_by_name() {
    let refused = |text: &str, from: &str, to: &str| {
        let text = text.replace(from, to);
        plan(&text, Schema::V2, &Loader::Kernel, &[]).unwrap_err().one_line()
    };
    assert!(refused(NATIVE, "c:/app", "c:/proc").starts_with("mapped_directory: C:\\proc is taken"));
    let affinity = refused(NATIVE, "\"hostname\"", "\"cpu_affinity_hex\": 4, \"hostname\"");
    assert!(
        affinity.starts_with("cpu_affinity_hex: bit 2 stands for processor 2, but this host has 2"),
        "{affinity}"
    );
}
