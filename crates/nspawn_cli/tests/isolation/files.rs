//! I-02 and I-08: what of the host's files and control groups can be reached by a path.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::case::{Case, rows};
use crate::launcher::machine::skip;
use crate::launcher::run::run;
use crate::probe::{EACCES, ENOENT, EPERM, EROFS, ETXTBSY, Probe, assert_all};

rows!(
    i02_no_path_leads_to_the_host,
    i02_nothing_of_the_host_is_written,
    i02_the_files_in_etc_are_our_own,
    i08_no_control_groups
);

/// Ways to a file of the host, of which `{}` is the absolute path.
const WAYS: [&str; 8] = [
    "{}",
    "/work/../../../..{}",
    "/work/../secret",
    "/wine/drive_c/work/../secret",
    "/proc/self/root{}",
    "/proc/self/cwd/../secret",
    "/proc/1/root{}",
    "/proc/1/cwd{}",
];

const HOST: [&str; 27] = [
    "/etc/shadow",
    "/etc/ssh",
    "/etc/machine-id",
    "/etc/fstab",
    "/root",
    "/root/.bashrc",
    "/boot",
    "/var",
    "/var/lib",
    "/var/log",
    "/srv",
    "/mnt",
    "/media",
    "/run/systemd",
    "/run/hostcompute_nspawn",
    "/var/lib/hostcompute_nspawn",
    "/proc/1/environ",
    "/proc/1/mem",
    "/proc/1/maps",
    "/proc/1/fd/0",
    "/proc/1/root/etc/shadow",
    "/proc/kmsg",
    "/sys/kernel",
    "/sys/class",
    "/sys/firmware",
    "/dev/mem",
    "/dev/kmsg",
];

fn i02_no_path_leads_to_the_host(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let secret = probe.place.at("secret");
    fs::write(&secret, "secret").unwrap();
    let ways = WAYS.map(|way| way.replace("{}", secret.to_str().unwrap()));
    let paths: Vec<&str> = ways.iter().map(String::as_str).chain(HOST).collect();
    let ran = probe.run(json!({}), &[&["read"], paths.as_slice()].concat());
    assert_all(&ran, "read", paths.len(), &[ENOENT, EACCES, EPERM]);
}

fn i02_nothing_of_the_host_is_written(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let paths = [
        "/",
        "/etc",
        "/etc/passwd",
        "/usr",
        "/usr/bin",
        "/usr/lib",
        "/usr/lib/wine/wine64",
        "/usr/lib/x86_64-linux-gnu/wine/wine",
        "/lib/x86_64-linux-gnu",
        "/sys/devices/system/cpu",
        "/sys/devices/system/cpu/online",
        "/sys/devices/system/cpu/cpu0/online",
        "/sys/devices/system/cpu/cpu1/online",
        "/sys/devices/system/cpu/smt/control",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/hostname",
        "/proc/sys/vm/drop_caches",
        "/proc/sysrq-trigger",
        "/proc/self/oom_score_adj",
        "/proc/1/mem",
        "/dev",
        "/run",
    ];
    let ran = probe.run(json!({}), &[&["write"], paths.as_slice()].concat());
    assert_all(&ran, "write", paths.len(), &[EROFS, ENOENT, EACCES, EPERM, ETXTBSY]);
    // Writing to a device is what it is for; the node itself is the host's.
    let nodes = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
    let ran = probe.run(json!({}), &[&["change"], nodes.as_slice()].concat());
    assert_all(&ran, "change", nodes.len(), &[EROFS]);
    let ran = probe.run(json!({}), &["write", "/dev/null"]);
    assert!(crate::probe::results(&ran, "write")[0].0 >= 0, "{ran:?}");
}

fn i02_the_files_in_etc_are_our_own(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let files = ["/etc/passwd", "/etc/group", "/etc/hostname", "/etc/resolv.conf"];
    let lines = [
        "ContainerAdministrator:x:0:0::/home:/bin/false",
        "ContainerUser:x:1000:1000::/home:/bin/false",
        "ContainerAdministrator:x:0:",
        "ContainerUser:x:1000:",
        "own-name",
    ];
    let ran = probe.run(json!({"hostname": "own-name"}), &[&["cat"], files.as_slice()].concat());
    assert_eq!(ran.told("line"), lines, "the last has none");
}

fn i08_no_control_groups(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let groups = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounted: Vec<&str> = groups
        .lines()
        .filter(|line| line.contains(" - cgroup"))
        .filter_map(|line| line.split(' ').nth(4))
        .collect();
    if mounted.is_empty() {
        return skip(case.name, "no control groups are mounted on this host");
    }
    let files = mounted.iter().flat_map(|place| {
        ["", "/cgroup.procs", "/tasks", "/release_agent", "/memory.limit_in_bytes", "/memory.max"]
            .map(|file| format!("{place}{file}"))
    });
    let files: Vec<String> = files.collect();
    let paths: Vec<&str> = files.iter().map(String::as_str).collect();
    for what in ["read", "write"] {
        // With a limit, so that there is a group, where there can be one.
        probe.configure(json!({"max_ram_mb": 256}), &[&[what], paths.as_slice()].concat());
        let ran = run(probe.launcher().arg("--allow-unenforced")).succeeded();
        assert_all(&ran, what, paths.len(), &[ENOENT]);
    }
    let ran = run(probe_groups(&probe).arg("--allow-unenforced")).succeeded();
    let told = ran.told("line");
    // "4:memory:/", cgroups(7): the host's names of its groups are not told.
    assert!(!told.is_empty() && told.iter().all(|line| line.ends_with(":/")), "{told:?}");
}

fn probe_groups(probe: &Probe) -> Command {
    probe.configure(json!({"max_ram_mb": 256}), &["cat", "/proc/self/cgroup"]);
    probe.launcher()
}
