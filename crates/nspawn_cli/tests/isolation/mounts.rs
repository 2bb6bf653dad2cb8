//! The mounts of a container, and directories that are mapped only to be read.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::case::{Case, rows};
use crate::launcher::machine::Need;
use crate::launcher::programs::Target;
use crate::launcher::run::{Ran, run};
use crate::probe::{EROFS, Probe, assert_all, results};

rows!(
    no_mount_gives_more_than_it_must,
    nothing_of_the_kernel_s_below_what_is_mapped,
    read_only_goes_all_the_way_down
);

/// Where a container may write.
const WRITABLE: [&str; 8] =
    ["/dev/pts", "/dev/shm", "/tmp", "/home", "/run/nspawn", "/wine", "/work", "/wine/drive_c/work"];

fn no_mount_gives_more_than_it_must(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let ran = probe.run(json!({}), &["cat", "/proc/self/mountinfo"]);
    let mounts = ran.told("line");
    assert!(mounts.len() > 10, "{mounts:?}");
    for mount in mounts {
        // proc_pid_mountinfo(5): id, parent, device, root, place, options, tags, -, type, source, its options.
        let (of_mount, of_file_system) = mount.split_once(" - ").unwrap();
        let fields: Vec<&str> = of_mount.split(' ').collect();
        let (place, options) = (fields[4], fields[5].split(',').collect::<Vec<_>>());
        assert!(options.contains(&"nosuid"), "{mount}");
        // The devices, and the null device over files of /proc.
        let device = place.starts_with("/dev/") || (place.starts_with("/proc/") && fields[3] == "/null");
        assert!(options.contains(&"nodev") || device, "{mount}");
        assert!(options.contains(&"ro") || WRITABLE.contains(&place), "{mount}");
        assert_eq!(fields.len(), 6, "it is tied to another mount: {mount}");
        assert!(!of_file_system.starts_with("cgroup"), "{mount}");
    }
}

/// Runs the probe where something else is mounted in the mapped directory.
fn run_with_mount(probe: &Probe, access: &str, arguments: &[&str]) -> Ran {
    let source = probe.place.at("source");
    let mount = json!({"source": source, "destination": "C:/data", "read_only": access == "read-only"});
    probe.configure(json!({"mounts": [mount]}), arguments);
    let launcher = probe.launcher();
    // Of the same disk: tmpfs has no idmapped mounts before Linux 6.3.
    let script = r#"mkdir -p "$1.other"; chmod 777 "$1.other"; mount --bind "$1.other" "$1/below"
        echo x > "$1/below/file"; chmod 666 "$1/below/file"; shift; exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", script, "sh"]).arg(&source);
    run(command.arg(launcher.get_program()).args(launcher.get_args())).succeeded()
}

fn nothing_of_the_kernel_s_below_what_is_mapped(case: Case) {
    let Some(probe) = Probe::ready(case, &[Need::Unshare]) else { return };
    make_source(&probe);
    for (kind, source) in
        [("proc", "source"), ("sysfs", "source"), ("proc", "source/below"), ("proc", "source/below/1")]
    {
        let mount = json!({"source": probe.place.at(source), "destination": "C:/data"});
        probe.configure(json!({"mounts": [mount]}), &["network"]);
        let launcher = probe.launcher();
        let mut command = Command::new("unshare");
        let script = r#"mount -t "$1" none "$2/below"; shift 2; exec "$@""#;
        command.args(["--mount", "sh", "-ec", script, "sh", kind]).arg(probe.place.at("source"));
        let ran = run(command.arg(launcher.get_program()).args(launcher.get_args()));
        let said = ran.stderr.contains(&format!("a file system of type {kind} is mounted at"));
        assert!(ran.status == Some(125) && said, "{kind} in {source}: {ran:?}");
    }
}

fn make_source(probe: &Probe) {
    fs::create_dir_all(probe.place.at("source/below")).unwrap();
    fs::write(probe.place.at("source/file"), "x").unwrap();
}

fn read_only_goes_all_the_way_down(case: Case) {
    let Some(probe) = Probe::ready(case, &[Need::Unshare]) else { return };
    make_source(&probe);
    let data = match case.target {
        Target::Native => "/data",
        Target::Windows => "/wine/drive_c/data",
    };
    let paths = ["", "/file", "/below", "/below/file"].map(|path| format!("{data}{path}"));
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let arguments = |what| [&[what], paths.as_slice()].concat();
    let ran = run_with_mount(&probe, "read-only", &arguments("write"));
    assert_all(&ran, "write", paths.len(), &[EROFS]);
    let ran = run_with_mount(&probe, "read-only", &arguments("change"));
    assert_all(&ran, "change", paths.len(), &[EROFS]);
    let ran = run_with_mount(&probe, "read-only", &["cat", paths[3]]);
    assert_eq!(ran.told("line"), ["x"]);
    let ran = run_with_mount(&probe, "writable", &arguments("write"));
    assert!(results(&ran, "write").iter().all(|(result, _)| *result >= 0), "{ran:?}");
}

/// ERROR_ACCESS_DENIED, ERROR_WRITE_PROTECT of winerror.h.
const REFUSED: [i64; 2] = [5, 19];

#[test]
fn read_only_for_windows_functions() {
    let Some(probe) = Probe::of_windows("mounts::read_only_for_windows_functions", &[Need::Unshare]) else {
        return;
    };
    make_source(&probe);
    let paths = [r"C:\data\file", r"C:\data\new", r"C:\data\below\file", r"C:\data\below\new"];
    let ran = run_with_mount(&probe, "read-only", &[&["write"], paths.as_slice()].concat());
    assert_all(&ran, "write", paths.len(), &REFUSED);
    let ran = run_with_mount(&probe, "read-only", &["open", paths[0], paths[2]]);
    assert_all(&ran, "open", 2, &[0]);
    let ran = run_with_mount(&probe, "writable", &[&["write"], paths.as_slice()].concat());
    assert_all(&ran, "write", paths.len(), &[0]);
}
