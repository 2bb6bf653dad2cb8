//! I-02 by Windows' own functions: no drive and no device path leads to the host.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use crate::launcher::run::Ran;
use crate::probe::{Probe, results};

#[test]
fn i02_drive_c_is_the_only_one() {
    let Some(probe) = Probe::of_windows("windows_paths::i02_drive_c_is_the_only_one", &[]) else { return };
    // The service that knows drives is awaited.
    let ran = probe.run(json!({"services": "wait"}), &["drives"]);
    assert_eq!(results(&ran, "drives")[0].0, 1 << 2, "{ran:?}");
}

#[test]
fn i02_no_windows_path_leads_to_the_host() {
    let Some(probe) = Probe::of_windows("windows_paths::i02_no_windows_path_leads_to_the_host", &[]) else {
        return;
    };
    let secret = probe.place.at("secret");
    fs::write(&secret, "secret").unwrap();
    let secret = secret.to_str().unwrap().replace('/', r"\");
    let ways = [
        r"Z:\",
        r"Z:\etc\shadow",
        r"Z:{}",
        r"\\?\Z:{}",
        r"\\?\unix{}",
        r"\\.\unix{}",
        r"\??\unix{}",
        r"\\?\unix\proc\1\root{}",
        r"\\?\unix\proc\self\root{}",
        r"\\?\unix\etc\shadow",
        r"\\?\unix\root",
        r"\\?\unix\boot",
        r"\\?\unix\var",
        r"\\?\unix\sys\fs\cgroup",
        r"\\?\GLOBALROOT\??\unix{}",
        r"C:\..\..\etc\shadow",
        r"C:\work\..\..\..\..{}",
        r"C:\work\..\secret",
        r"\\?\C:\work\..\..\secret",
        r"\\localhost\C$\secret",
    ]
    .map(|way| way.replace("{}", &secret));
    let paths: Vec<&str> = ways.iter().map(String::as_str).collect();
    let ran = probe.run(json!({"services": "wait"}), &[&["open"], paths.as_slice()].concat());
    assert_none_succeeds(&ran, "open", paths.len());
    // Disks are there by name, as in any Windows, with nothing behind them.
    let disks = [r"\\.\PhysicalDrive0", r"\\.\C:", r"\\.\HarddiskVolume1"];
    let ran = probe.run(json!({"services": "wait"}), &[&["read"], disks.as_slice()].concat());
    assert_none_succeeds(&ran, "read", disks.len());
}

fn assert_none_succeeds(ran: &Ran, key: &str, count: usize) {
    let told = results(ran, key);
    assert!(told.len() == count && told.iter().all(|(error, _)| *error != 0), "{told:?}");
}

#[test]
fn i02_the_root_of_linux_holds_what_wine_needs() {
    let name = "windows_paths::i02_the_root_of_linux_holds_what_wine_needs";
    let Some(probe) = Probe::of_windows(name, &[]) else { return };
    let ran = probe.run(json!({}), &["list", r"\\?\unix"]);
    let seen: BTreeSet<String> =
        ran.told("entry").into_iter().filter(|name| !name.starts_with('.')).collect();
    let known = ["dev", "etc", "home", "lib", "lib64", "proc", "run", "sys", "tmp", "usr", "wine"];
    let others: Vec<_> = seen.iter().filter(|name| !known.contains(&name.as_str())).collect();
    assert!(others.is_empty() && (seen.contains("usr") || seen.is_empty()), "{ran:?}");
}

#[test]
fn i02_nothing_of_the_host_is_written_by_windows_functions() {
    let name = "windows_paths::i02_nothing_of_the_host_is_written_by_windows_functions";
    let Some(probe) = Probe::of_windows(name, &[]) else { return };
    let paths = [
        r"Z:\nspawn_probe",
        r"\\?\unix\nspawn_probe",
        r"\\?\unix\etc\nspawn_probe",
        r"\\?\unix\usr\nspawn_probe",
        r"\\?\unix\usr\lib\wine\wine64",
        r"\\?\unix\proc\sys\kernel\core_pattern",
    ];
    let ran = probe.run(json!({}), &[&["write"], paths.as_slice()].concat());
    assert_none_succeeds(&ran, "write", paths.len());
}
