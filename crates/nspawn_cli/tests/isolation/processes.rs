//! I-01, I-06, I-07, I-10: processes, their credentials, what they may call, and the files they hold.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};
use serde_json::json;

use crate::case::{Case, rows};
use crate::launcher::machine::{is_made_for_tests, programs_32};
use crate::launcher::programs::Target;
use crate::launcher::run::{Ran, run};
use crate::probe::{EACCES, ENOSYS, EPERM, ESRCH, Probe, assert_all, results};

rows!(
    i01_only_its_own_processes,
    i06_no_capability_in_any_process,
    i07_calls_that_need_a_capability,
    i10_no_file_of_the_caller,
    i10_no_way_out_by_the_working_directory,
);

/// What runs in a container, by the kernel's names, which are cut.
fn names(target: Target) -> BTreeSet<&'static str> {
    match target {
        Target::Native => ["hostcompute_nsp", "probe"].into(),
        Target::Windows => {
            ["hostcompute_nsp", "nspawn_agent.ex", "wineserver64", "wineserver", "probe.exe"].into()
        }
    }
}

fn i01_only_its_own_processes(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let ran = probe.run(json!({}), &["processes"]);
    let told = ran.told("status");
    let seen: BTreeSet<&str> =
        told.iter().filter_map(|line| line.split_once("Name:\t").map(|(_, name)| name)).collect();
    assert!(seen.len() >= 2 && seen.is_subset(&names(case.target)), "{seen:?}");
    let [own, parent] = [std::process::id(), std::os::unix::process::parent_id()].map(|id| id.to_string());
    let ran = probe.run(json!({}), &["kill", &own, &parent]);
    assert_all(&ran, "kill", 2, &[ESRCH]);
}

fn i06_no_capability_in_any_process(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    // A native program looks at pid 1 as soon as it runs: more than once, as that is a race where nobody waits.
    let times = if case.target == Target::Native { 30 } else { 1 };
    (0..times).for_each(|_| assert_no_capability(&probe.run(json!({}), &["processes"])));
}

fn assert_no_capability(ran: &Ran) {
    let processes = ran.told("process").len();
    let zero = "0000000000000000";
    for (key, value) in [
        ("CapInh", zero),
        ("CapPrm", zero),
        ("CapEff", zero),
        ("CapBnd", zero),
        ("CapAmb", zero),
        ("NoNewPrivs", "1"),
        // SECCOMP_MODE_FILTER.
        ("Seccomp", "2"),
    ] {
        let told = ran.told("status");
        let of_all = told.iter().filter(|line| line.ends_with(&format!(" {key}:\t{value}"))).count();
        assert_eq!(of_all, processes, "{key}: {ran:?}");
    }
}

fn i07_calls_that_need_a_capability(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let ran = probe.run(json!({}), &["calls"]);
    let count: usize = ran.told("calls")[0].parse().unwrap();
    assert!(count >= 60, "{ran:?}");
    assert_all(&ran, "call", count, &[EPERM, EACCES, ENOSYS]);
    assert_all(&ran, "x32", count, &[ENOSYS]);
    // A status of the child that tells of an error, where there may be 32-bit programs: those of Windows, with a Wine that
    // runs them. Else SIGSYS, of the filter; SIGSEGV where the kernel knows no such programs.
    let is_there = case.target == Target::Windows && programs_32().is_some();
    assert_all(&ran, "int80", count, if is_there { &[1] } else { &[-31, -11] });
}

fn i10_no_file_of_the_caller(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let left_open = probe.place.at("left_open");
    fs::create_dir(&left_open).unwrap();
    fs::write(left_open.join("file"), "x").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    fcntl_setfd(&listener, FdFlags::empty()).unwrap();
    let socket = fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap();

    probe.configure(json!({}), &["files"]);
    let launcher = probe.launcher();
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec 9<"$1/file" 8<"$1" 7>>"$1/file"; shift; exec "$@""#, "sh"]).arg(&left_open);
    let ran = run(command.arg(launcher.get_program()).args(launcher.get_args())).succeeded();

    let files = ran.told("file");
    let held_by = |process: &str| files.iter().filter(|line| line.starts_with(process)).count();
    // Nobody looks into pid 1.
    assert_eq!(held_by("1/fd "), 0, "{files:?}");
    // A native program is pid 2: its three, and the two directories that it is just reading.
    if case.target == Target::Native {
        assert_eq!(held_by("2/fd "), 5, "{files:?}");
    }
    let socket = socket.to_str().unwrap();
    let leaked: Vec<_> =
        files.iter().filter(|line| line.contains("left_open") || line.contains(socket)).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
}

/// What launchers hold while they start a program, and what leads to other processes, is no way out (CVE-2024-21626).
fn i10_no_way_out_by_the_working_directory(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    // Starting Windows programs takes longer, and the directory is theirs, not the kernel's.
    let last = match case.target {
        _ if is_made_for_tests() => 10,
        Target::Native => 40,
        Target::Windows => 12,
    };
    let descriptors = (3..last).map(|number| format!("/proc/self/fd/{number}"));
    let others = ["/proc/1/root", "/proc/1/cwd", "/proc/1/fd/5", "/proc/self/task/1/cwd"].map(str::to_owned);
    for (number, path) in descriptors.chain(others).enumerate() {
        let link = format!("link{number}");
        symlink(&path, probe.place.work().join(&link)).unwrap();
        for directory in [format!("C:{path}"), format!("C:/work/{link}")] {
            probe.configure(
                json!({"working_directory": directory}),
                &["read", "../../../../etc/fstab", "kept"],
            );
            let launcher = probe.launcher();
            let mut command = Command::new("sh");
            command.args(["-c", r#"exec 9</ 8</etc; exec "$@""#, "sh"]);
            let ran = run(command.arg(launcher.get_program()).args(launcher.get_args()));
            let refused = matches!(ran.status, Some(125..=127)) && ran.stderr.contains("error: ");
            // Wine follows the link in the container, where it leads to something of the container.
            let seen = results(&ran, "read");
            let inside = case.target == Target::Windows && seen.len() == 2;
            assert!(refused && ran.stdout.is_empty() || inside, "{directory}: {ran:?}");
            assert!(seen.iter().all(|(result, _)| *result < 0), "{directory}: {ran:?}");
        }
    }
}
