//! What of a configuration is judged otherwise on a Windows host: its host directories.

use serde_json::{Value, json};

use super::*;

/// The original program's own example, word for word but for the user's directory.
const ORIGINAL: &str = r#"{
    "process_directory": "C:/projects/hostcompute_nspawn/build/bin",
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
    "parent_layer_directory": "C:/ProgramData/docker/windowsfilter/76e7bfaf64af77e02b638c312bafb77d"
}"#;

/// Parses the original's example with `changes`, as a file in `C:\app`; null takes a key away.
fn parsed(changes: Value) -> Result<Spec> {
    let mut config: Value = serde_json::from_str(ORIGINAL).unwrap();
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    config.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let own_roots = vec![PathBuf::from(r"C:\ProgramData\hostcompute_nspawn\data")];
    let overrides = Overrides { own_roots, ..Overrides::default() };
    parse(config.to_string().as_bytes(), Path::new(r"C:\app\config.json"), &overrides)
}

#[test]
fn the_originals_example_keeps_its_meaning() {
    let spec = parsed(json!({})).unwrap();
    let layer = r"C:\ProgramData\docker\windowsfilter\76e7bfaf64af77e02b638c312bafb77d";
    assert_eq!(spec.rootfs, Rootfs::ParentLayer(layer.into()));
    let directory = Path::new(r"C:\projects\hostcompute_nspawn\build\bin");
    assert_eq!(spec.process.directory, directory);
    assert_eq!(spec.mounts.len(), 1);
    assert_eq!(spec.mounts[0].source, directory);
    assert_eq!(spec.mounts[0].destination.to_string(), r"C:\nspawndir");
}

#[test]
fn host_directories_are_relative_to_the_file_whatever_the_separator() {
    for (text, wanted) in [
        ("bin", r"C:\app\bin"),
        (r"..\x\bin", r"C:\x\bin"),
        ("d:/x/./bin", r"D:\x\bin"),
        ("Ж ж", r"C:\app\Ж ж"),
    ] {
        let spec = parsed(json!({"process_directory": text})).unwrap();
        assert_eq!(spec.process.directory, Path::new(wanted), "{text}");
    }
}

#[test]
fn host_directories_are_refused_under_their_own_keys() {
    let refused = |key: &str, text: &str| {
        let line = parsed(json!({key: text})).unwrap_err().one_line();
        assert!(line.starts_with(&format!("{key}: ")), "{text}: {line}");
    };
    for text in [r"\\server\share", r"C:\", r"C:\nul", "/srv", ""] {
        refused("process_directory", text);
        refused("parent_layer_directory", text);
    }
    // A layer may lie where containers are kept.
    refused("process_directory", r"C:\ProgramData");
    let mounts = json!([{"source": r"C:\", "destination": "C:/x"}]);
    let line = parsed(json!({"mounts": mounts})).unwrap_err().one_line();
    assert!(line.starts_with("mounts[0].source: "), "{line}");
}
