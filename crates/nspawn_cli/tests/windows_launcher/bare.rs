//! A Windows without the Host Compute Service.

use serde_json::json;

use crate::launcher::run;

#[test]
fn a_missing_dll_is_named() {
    let place = tempfile::tempdir().unwrap();
    let at = |path: &str| place.path().join(path);
    for directory in ["work", "base"] {
        std::fs::create_dir(at(directory)).unwrap();
    }
    // Any Windows program will do: it does not come to running it.
    std::fs::copy(std::env::current_exe().unwrap(), at("work/program.exe")).unwrap();
    let config = json!({
        "parent_layer_directory": at("base"), "process_directory": at("work"), "process_executable": "program.exe",
        "mapped_directory": "C:/work", "stdout_filename": "said.txt",
    });
    std::fs::write(at("config.json"), config.to_string()).unwrap();
    let program = std::path::absolute(env!("CARGO_BIN_EXE_hostcompute_nspawn")).unwrap();
    let mut launcher = std::process::Command::new(program);
    let ran = run(launcher.arg("--root").arg(at("root")).arg("-c").arg(at("config.json")));
    assert_eq!(ran.status, Some(125), "{ran:?}");
    assert!(ran.error().contains("this Windows has no vmcompute.dll that can be loaded"), "{ran:?}");
    let left = std::fs::read_dir(at("root/run")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("nspawn_")).collect();
    assert!(left.is_empty(), "{left:?}");
}
