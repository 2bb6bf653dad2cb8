//! Which Windows the layers hold, against which one this is: judged before anything is made.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::launcher::{Launcher, Ran};
use crate::on_both_schemas;

on_both_schemas![
    layers_of_another_build_are_refused_in_both_builds_names,
    layers_of_this_build_are_taken,
    a_base_layer_needs_no_chain_and_another_one_does,
];

/// A build that no server runs: it is none of theirs, and older than those that run others.
const OTHER: u32 = 15_063;

/// Asks this Windows: `Microsoft Windows 10.0.26100`.
fn build_of_this_windows() -> u32 {
    let told = Command::new("cmd").args(["/c", "ver"]).output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    let build = text.split("10.0.").nth(1).unwrap_or_else(|| panic!("{text}"));
    build.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// Puts a Windows of a build into a layer: its ntdll.dll is this one's, but for the version that it says.
fn put_windows(launcher: &Launcher, layer: &str, build: u32) {
    let mut bytes = fs::read(r"C:\windows\system32\ntdll.dll").unwrap();
    let key: Vec<u8> = "VS_VERSION_INFO\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len() + 2;
    let [signature, _, high, low] = [0, 4, 8, 12].map(|offset| at + offset..at + offset + 4);
    // VS_FIXEDFILEINFO: its signature, its own version, the file's version.
    assert_eq!(bytes[signature], 0xFEEF_04BD_u32.to_le_bytes());
    bytes[high].copy_from_slice(&(10_u32 << 16).to_le_bytes());
    bytes[low].copy_from_slice(&(build << 16 | 1).to_le_bytes());
    let directory = launcher.place.at("layers").join(layer).join(r"Files\Windows\System32");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("ntdll.dll"), bytes).unwrap();
}

/// Launches what must be refused before anything is made, and returns what was said.
fn refused(launcher: &Launcher, changes: &Value) -> Ran {
    let ran = launcher.launch(&["exit", "0"], changes);
    assert_eq!(ran.status, Some(125), "{ran:?}");
    let calls = launcher.standin.calls();
    assert!(calls.iter().all(|call| call.name == "NameToGuid"), "nothing is made: {calls:?}");
    assert!(!launcher.place.work().join("said.txt").exists());
    launcher.assert_empty("refused");
    ran
}

fn layers_of_another_build_are_refused_in_both_builds_names(launcher: &Launcher) {
    let host = build_of_this_windows();
    put_windows(launcher, "base", OTHER);
    let ran = refused(launcher, &json!({}));
    let (line, base) = (ran.error(), launcher.place.at("layers").join("base"));
    let starts =
        format!("parent_layer_directory: holds Windows 10.0.{OTHER}, and this host is Windows 10.0.{host}");
    assert!(line.starts_with(&starts) && line.ends_with(base.to_str().unwrap()), "{line}");
    let way_out = format!("or run these on a host of build {OTHER}");
    assert!(ran.stderr.contains(&way_out), "{ran:?}");
    // The topmost one counts.
    put_windows(launcher, "base", host);
    put_windows(launcher, "app", OTHER);
    let ran = refused(launcher, &json!({}));
    assert!(ran.error().ends_with(launcher.place.at("layers").join("app").to_str().unwrap()), "{ran:?}");
}

fn layers_of_this_build_are_taken(launcher: &Launcher) {
    const UNTOLD: &str = "the service will say whether they fit";
    let ran = launcher.launch(&["exit", "3"], &json!({}));
    assert!(ran.status == Some(3) && ran.stderr.contains(UNTOLD), "{ran:?}");
    put_windows(launcher, "base", build_of_this_windows());
    let ran = launcher.launch(&["exit", "3"], &json!({}));
    assert!(ran.status == Some(3) && !ran.stderr.contains(UNTOLD), "{ran:?}");
    launcher.assert_empty("after it ended");
}

fn a_base_layer_needs_no_chain_and_another_one_does(launcher: &Launcher) {
    let base = launcher.place.at("layers").join("base");
    let alone = json!({"parent_layer_directory": base});
    let ran = refused(launcher, &alone);
    let wanted = "parent_layer_directory: has no layerchain.json, and is no base layer: it holds no Windows";
    assert!(ran.error().starts_with(wanted) && ran.error().contains(base.to_str().unwrap()), "{ran:?}");
    put_windows(launcher, "base", build_of_this_windows());
    assert_eq!(launcher.launch(&["exit", "3"], &alone).status, Some(3));
    let calls = launcher.standin.calls();
    let made = calls.iter().find(|call| call.name == "CreateSandboxLayer").unwrap();
    assert_eq!(made.arguments["parents"], json!([base]));
    launcher.assert_empty("after it ended");
}
