//! How a program ended, and how the launcher says so.

use crate::host::{Host, Kind};
use crate::launch::{Running, launcher, report, run_config, send};
use crate::support::left;

#[test]
fn an_exit_code_is_told_in_full() {
    let Some(host) = Host::windows("an_exit_code_is_told_in_full") else { return };
    // Low 8 bits, and 1 where those are 0 and the code is not. 255 is what -1 is, too.
    for (code, status, name) in [
        (0_u32, 0, None),
        (1, 1, None),
        (7, 7, None),
        (127, 127, None),
        (255, 255, None),
        (256, 1, None),
        (259, 3, Some("STATUS_PENDING")),
        (3_221_225_477, 5, Some("STATUS_ACCESS_VIOLATION")),
        (u32::MAX, 255, None),
    ] {
        let ended = run_config(&host, &host.config(&["exit", &code.to_string()]));
        assert_eq!(ended.code(), status, "{code}: {ended:?}");
        let report = report(&host);
        assert_eq!(report["reason"], "exited", "{report}");
        assert_eq!(report["exit_code"], code, "{report}");
        assert_eq!(report["exit_status"], status, "{report}");
        assert_eq!(report.get("status_name").and_then(|name| name.as_str()), name, "{report}");
    }
    host.assert_empty("after it exited");
}

#[test]
fn a_native_exit_status_is_passed_on() {
    let Some(host) = Host::native("a_native_exit_status_is_passed_on") else { return };
    for code in [0, 1, 7, 125, 255] {
        assert_eq!(run_config(&host, &host.config(&["exit", &code.to_string()])).code(), code);
        assert_eq!(report(&host)["exit_code"], code);
    }
    host.assert_empty("after it exited");
}

#[test]
fn a_program_whose_time_is_up_is_ended() {
    for host in Host::all("a_program_whose_time_is_up_is_ended") {
        let mut command = launcher(&host, &host.config(&["stay"]));
        let ended = Running::start(command.args(["--timeout", "1"])).end();
        assert_eq!(ended.code(), 124, "{ended:?}");
        assert_eq!(report(&host)["reason"], "timeout");
        host.assert_empty("after its time was up");
    }
}

/// Its Windows parent sees exit code 0 then.
#[test]
fn a_program_killed_from_the_host_did_not_exit() {
    for host in Host::all("a_program_killed_from_the_host_did_not_exit") {
        for round in 0..5 {
            let running = Running::start(&mut launcher(&host, &host.config(&["stay"]))).until_ready();
            send("KILL", program_on_the_host(&host));
            let ended = running.end();
            assert_eq!(ended.code(), 137, "{round}, {:?}: {ended:?}", host.kind);
            let report = report(&host);
            assert_eq!((&report["reason"], &report["signal"]), (&"signal".into(), &9.into()), "{report}");
            assert_eq!(report.get("exit_code"), None, "{report}");
            host.assert_empty("after it was killed");
        }
    }
}

/// Finds the program's process, not those that only look after it.
fn program_on_the_host(host: &Host) -> u32 {
    let processes = left::processes(host.place.tag());
    let found = processes.iter().find_map(|process| process.strip_suffix(host.executable()));
    let pid = found.and_then(|process| process.split(' ').nth(1)?.parse().ok());
    pid.unwrap_or_else(|| panic!("the program is not among {processes:?}"))
}

#[test]
fn a_container_ends_with_its_program_whatever_that_left_running() {
    for host in Host::all("a_container_ends_with_its_program_whatever_that_left_running") {
        assert_eq!(run_config(&host, &host.config(&["orphan"])).code(), 5, "{:?}", host.kind);
        host.assert_empty("after the parent of a daemon ended");
    }
}

#[test]
fn thousands_of_zombies_are_reaped() {
    let Some(host) = Host::native("thousands_of_zombies_are_reaped") else { return };
    assert_eq!(host.kind, Kind::Native);
    assert_eq!(run_config(&host, &host.config(&["zombies", "2000"])).code(), 6);
    host.assert_empty("after its children were reaped");
}
