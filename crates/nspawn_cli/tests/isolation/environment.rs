//! I-12: nothing of the caller's environment is inside, and what launchers keep is for their owner alone.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::case::{Case, rows};
use crate::launcher::programs::Target;
use crate::launcher::run::{Ran, run};
use crate::probe::Probe;

rows!(
    i12_nothing_of_the_caller_s_environment,
    i12_nothing_of_the_caller_s_command_line,
    i12_state_is_for_its_owner_alone
);

/// What the caller has in its environment.
const SECRETS: [(&str, &str); 9] = [
    ("FOO_TOKEN", "s3cret-token"),
    ("LD_PRELOAD", "/s3cret/preload.so"),
    ("LD_LIBRARY_PATH", "/s3cret/libraries"),
    ("WINEPREFIX", "/s3cret/prefix"),
    ("WINEDLLOVERRIDES", "s3cret=n"),
    ("http_proxy", "http://s3cret:1"),
    ("HTTPS_PROXY", "http://s3cret:2"),
    ("HOME", "/s3cret/home"),
    ("XDG_DATA_HOME", "/s3cret/data"),
];

fn run_with_secrets(probe: &Probe, changes: Value, arguments: &[&str]) -> Ran {
    probe.configure(changes, arguments);
    run(probe.launcher().envs(SECRETS)).succeeded()
}

fn given() -> Value {
    json!({"environment": {"GIVEN": "to the program"}})
}

fn i12_nothing_of_the_caller_s_environment(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    // Of its own, and of what runs beside it; pid 1's cannot be read.
    for processes in [["self"].as_slice(), &["2", "4"], &["1"]] {
        let files: Vec<String> = processes.iter().map(|process| format!("/proc/{process}/environ")).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let ran = run_with_secrets(&probe, given(), &[&["cat"], files.as_slice()].concat());
        assert!(!ran.text().contains("s3cret") && !ran.text().contains("FOO_TOKEN"), "{files:?}: {ran:?}");
        assert!(processes != ["1"] || ran.stdout.is_empty(), "{ran:?}");
        if (processes, case.target) == (&["self"], Target::Native) {
            assert_eq!(ran.told("line"), ["HOME=/home", "PATH=/usr/bin:/bin", "GIVEN=to the program"]);
        }
    }
}

fn i12_nothing_of_the_caller_s_command_line(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    // pid 1 is a copy of the launcher; whose this is, everyone may read.
    let ran = probe.run(json!({}), &["cat", "/proc/1/cmdline"]);
    assert!(!ran.told("line").is_empty() && ran.told("line").iter().all(String::is_empty), "{ran:?}");
}

#[test]
fn i12_a_windows_program_s_variables() {
    let Some(probe) = Probe::of_windows("environment::i12_a_windows_program_s_variables", &[]) else {
        return;
    };
    let ran = run_with_secrets(&probe, given(), &["environment"]);
    let variables = ran.told("variable");
    assert!(variables.contains(&"GIVEN=to the program".to_owned()), "{variables:?}");
    let has = |name: &str| variables.iter().any(|line| line.to_uppercase().starts_with(&format!("{name}=")));
    for name in ["SYSTEMROOT", "TEMP", "PATH", "COMPUTERNAME", "USERNAME"] {
        assert!(has(name), "{name} is not in {variables:?}");
    }
    for name in
        ["FOO_TOKEN", "LD_PRELOAD", "LD_LIBRARY_PATH", "HTTP_PROXY", "HTTPS_PROXY", "HOME", "XDG_DATA_HOME"]
    {
        assert!(!has(name), "{name} is in {variables:?}");
    }
    assert!(!ran.text().contains("s3cret"), "{variables:?}");
}

fn i12_state_is_for_its_owner_alone(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let name = format!("seen{:?}{:?}{}", case.target, case.who, std::process::id());
    probe.configure(json!({"name": name}), &["rest", "500"]);
    let root = probe.root();
    let mut launcher = probe.launcher().arg("--quiet").spawn().unwrap();
    let lock = root.join(format!("run/nspawn_{name}/lock"));
    let patience = Instant::now() + Duration::from_secs(10);
    while !lock.exists() {
        assert!(Instant::now() < patience, "the container did not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    // What is in a layer has Windows' own modes; nobody else comes there.
    let mut seen = Vec::new();
    for above in ["", "run", "data", "data/base", "data/scratch"] {
        look(&root.join(above), Depth::Itself, &mut seen);
    }
    look(&root.join(format!("run/nspawn_{name}")), Depth::All, &mut seen);
    look(&root.join(format!("data/scratch/nspawn_{name}")), Depth::Itself, &mut seen);
    assert!(launcher.wait().unwrap().success());
    assert!(seen.iter().any(|(path, _)| path.ends_with(&format!("nspawn_{name}/lock"))), "{seen:?}");
    let open: Vec<_> = seen.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(open.is_empty(), "{open:?}");
}

/// How much is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Itself,
    All,
}

fn look(path: &Path, depth: Depth, seen: &mut Vec<(String, u32)>) {
    // Something may go while we look: the container ends by itself.
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    seen.push((path.display().to_string(), metadata.mode() & 0o7777));
    if depth == Depth::All {
        fs::read_dir(path).into_iter().flatten().for_each(|entry| look(&entry.unwrap().path(), depth, seen));
    }
}
