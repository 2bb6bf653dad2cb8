//! Signals to the launcher.

use std::os::unix::process::ExitStatusExt as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nspawn::launch::GRACE;

use crate::host::Host;
use crate::launch::{Ended, Running, launcher, report};

const SIGNALS: [(&str, i32); 3] = [("HUP", 1), ("INT", 2), ("TERM", 15)];

#[test]
fn a_program_that_handles_the_event_decides_how_it_ends() {
    for host in Host::all("a_program_that_handles_the_event_decides_how_it_ends") {
        for (signal, _) in SIGNALS {
            let running = Running::start(&mut launcher(&host, &host.config(&["obey", "77"]))).until_ready();
            running.signal(signal);
            let ended = running.end();
            assert_eq!(ended.code(), 77, "{signal}, {:?}: {ended:?}", host.kind);
            assert_eq!(report(&host)["reason"], "exited");
        }
        host.assert_empty("after it was told to end");
    }
}

#[test]
fn a_program_that_handles_nothing_ends_by_the_signal() {
    for host in Host::all("a_program_that_handles_nothing_ends_by_the_signal") {
        for (signal, number) in SIGNALS {
            let running = Running::start(&mut launcher(&host, &host.config(&["stay"]))).until_ready();
            running.signal(signal);
            let ended = running.end();
            assert_eq!(ended.code(), 128 + number, "{signal}, {:?}: {ended:?}", host.kind);
            let report = report(&host);
            assert_eq!(
                (&report["reason"], &report["signal"]),
                (&"stopped".into(), &number.into()),
                "{report}"
            );
        }
        host.assert_empty("after it was ended");
    }
}

#[test]
fn a_second_signal_kills_at_once() {
    for host in Host::all("a_second_signal_kills_at_once") {
        for (first, second, number) in [("INT", "INT", 2), ("TERM", "INT", 15), ("INT", "TERM", 2)] {
            let mut running = Running::start(&mut launcher(&host, &host.config(&["ignore"]))).until_ready();
            running.signal(first);
            sleep(Duration::from_millis(100));
            assert!(running.runs(), "{:?}: one signal ends a program that ignores it", host.kind);
            let asked = Instant::now();
            running.signal(second);
            let ended = running.end();
            assert!(asked.elapsed() < GRACE / 2, "it had its time still");
            assert_eq!(ended.code(), 128 + number, "{first} {second}, {:?}: {ended:?}", host.kind);
            host.assert_empty("after it was killed");
        }
    }
}

#[test]
fn a_program_that_ignores_the_event_is_killed_when_its_grace_is_over() {
    let Some(host) = Host::native("a_program_that_ignores_the_event_is_killed_when_its_grace_is_over") else {
        return;
    };
    let running = Running::start(&mut launcher(&host, &host.config(&["ignore"]))).until_ready();
    let asked = Instant::now();
    running.signal("TERM");
    assert_eq!(running.end().code(), 143);
    assert!(asked.elapsed() >= GRACE, "it was not given its time");
    host.assert_empty("after its grace");
}

/// Whether it comes before we listen, while the container is made, while Wine starts, or when the program runs.
#[test]
fn a_signal_in_any_stage_ends_the_launch() {
    for host in Host::all("a_signal_in_any_stage_ends_the_launch") {
        for (round, delay) in (0..150).step_by(5).enumerate() {
            let (signal, number) = SIGNALS[round % 3];
            let running = Running::start(&mut launcher(&host, &host.config(&["stay"])));
            sleep(Duration::from_millis(delay));
            let asked = Instant::now();
            running.signal(signal);
            let ended = running.end();
            let what = format!("{signal} after {delay} ms, {:?}: {ended:?}", host.kind);
            assert!(was_stopped_by(&ended, number), "{what}");
            assert!(asked.elapsed() < GRACE / 2, "it was not told, {what}");
            host.assert_empty(&what);
        }
    }
}

/// Before it listens the launcher ends as any program does.
fn was_stopped_by(ended: &Ended, signal: i32) -> bool {
    ended.status.code() == Some(128 + signal) || ended.status.signal() == Some(signal)
}
