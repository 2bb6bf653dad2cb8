//! C-06: a limit that this host cannot hold. The launcher runs in a mount namespace of its own, in which control
//! groups are absent or cannot be written.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::case::Case;
use crate::hog::Hog;
use crate::launcher::machine::{Need, skip};
use crate::launcher::programs::Target;
use crate::launcher::run::{Ran, run};

/// Hides every control group file system.
const HIDDEN: &str = "mount -t tmpfs none /sys/fs/cgroup";
/// Makes every control group file system read-only.
const READ_ONLY: &str = r#"
    while read -r _ _ _ _ place _; do
        case $place in /sys/fs/cgroup*) mount -o remount,bind,ro "$place";; esac
    done < /proc/self/mountinfo"#;

fn limits() -> [(&'static str, u64); 7] {
    [
        ("max_ram_mb", 512),
        ("cpus_count", 1),
        ("max_cpu_percent", 50),
        ("cpu_affinity_hex", 1),
        ("max_processes", 100),
        ("max_storage_iops", 1024),
        ("max_storage_bandwidth_bytes_per_sec", 10_485_760),
    ]
}

/// Runs the launcher of `hog` where `preparation`, a shell script, was run first.
fn launched_after(preparation: &str, hog: &Hog, flags: &[&str]) -> Ran {
    let launcher = hog.launcher();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", &format!("{preparation}\nexec \"$@\""), "sh"]);
    run(command.arg(launcher.get_program()).args(launcher.get_args()).args(flags))
}

fn refused_or_reported(name: &'static str, preparation: &str, cure: &str, limits: &[(&str, u64)]) {
    let Some(hog) = Hog::ready(Case::of_root(name, Target::Native), &[Need::Unshare, Need::Disk]) else {
        return;
    };
    for (limit, value) in limits {
        hog.configure(&json!({*limit: value, "stdout_filename": "out.txt"}), &["memory", "1"]);
        let ran = launched_after(preparation, &hog, &[]);
        assert_eq!(ran.status, Some(125), "{limit}: {ran:?}");
        let error = ran.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(error.contains(&format!("cannot enforce {limit}")) && error.contains(cure), "{ran:?}");
        assert!(
            ran.stderr.contains("hint: leave the limit out, or start without it: --allow-unenforced"),
            "{ran:?}"
        );
        for unmade in [hog.place.work().join("out.txt"), hog.place.root().join("data")] {
            assert!(!unmade.exists(), "{limit}: {} is made", unmade.display());
        }

        hog.configure(&json!({*limit: value}), &["memory", "1"]);
        let ran = launched_after(preparation, &hog, &["--allow-unenforced"]).succeeded();
        std::fs::remove_dir_all(hog.place.root().join("data")).unwrap();
        assert_eq!(ran.told("had"), ["1"]);
        let verdict = hog.verdict(limit);
        assert_eq!(verdict["verdict"], "not", "{verdict}");
        assert!(verdict["reason"].as_str().unwrap().contains(cure), "{verdict}");
    }
}

#[test]
fn no_control_groups() {
    let cure = "mount a control group file system with this controller";
    refused_or_reported("unenforced::no_control_groups", HIDDEN, cure, &limits());
}

#[test]
fn read_only_control_groups() {
    let cure = "mount the control group file system writable";
    refused_or_reported("unenforced::read_only_control_groups", READ_ONLY, cure, &limits());
}

#[test]
fn one_controller_is_absent() {
    let name = "unenforced::one_controller_is_absent";
    let Some(hog) = Hog::ready(Case::of_root(name, Target::Native), &[Need::Unshare]) else { return };
    let memory = "/sys/fs/cgroup/memory";
    if !Path::new(memory).join("memory.limit_in_bytes").exists() {
        return skip(name, "no controller has a mount of its own here");
    }
    hog.configure(&json!({"max_ram_mb": 512, "cpus_count": 1}), &["memory", "1"]);
    let hidden = format!("umount {memory}");
    let ran = launched_after(&hidden, &hog, &[]);
    assert!(ran.status == Some(125) && ran.stderr.contains("cannot enforce max_ram_mb"), "{ran:?}");
    launched_after(&hidden, &hog, &["--allow-unenforced"]).succeeded();
    assert_eq!(hog.verdict("max_ram_mb")["verdict"], "not");
    assert_eq!(hog.verdict("cpus_count")["verdict"], "enforced");
}

#[test]
fn a_directory_that_is_on_no_disk() {
    let name = "unenforced::a_directory_that_is_on_no_disk";
    let Some(hog) = Hog::ready(Case::of_root(name, Target::Native), &[Need::Unshare, Need::Disk]) else {
        return;
    };
    let work = hog.place.work().display().to_string();
    let elsewhere =
        format!("cp {work}/hog {work}/../kept; mount -t tmpfs none {work}; cp {work}/../kept {work}/hog");
    let storage: [(&str, Value); 2] =
        [("max_storage_iops", json!(100)), ("max_storage_bandwidth_bytes_per_sec", json!(1 << 20))];
    for (limit, value) in storage {
        hog.configure(&json!({limit: value}), &["memory", "1"]);
        // Schema 1 alone can say limits of a mapped directory.
        let ran = launched_after(&elsewhere, &hog, &["--hcs-schema", "1"]);
        assert_eq!(ran.status, Some(125), "{ran:?}");
        assert!(
            ran.stderr.contains(&format!("cannot enforce {limit}")) && ran.stderr.contains("no block device"),
            "{ran:?}"
        );
        launched_after(&elsewhere, &hog, &["--hcs-schema", "1", "--allow-unenforced"]).succeeded();
        assert_eq!(hog.verdict(limit)["verdict"], "not");
    }
}
