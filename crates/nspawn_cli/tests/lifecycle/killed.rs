//! The launcher is killed at any moment.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::host::Host;
use crate::launch::{PATIENCE, Running, collect, launcher, run_config};
use crate::support::left;

/// How soon after its launcher a container is gone, on a machine that is not busy.
const SOON: Duration = Duration::from_millis(300);

/// Numbers that look random and are the same each time.
pub struct Dice(u64);

impl Dice {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `limit`.
    pub fn roll(&mut self, limit: u64) -> u64 {
        // Steele, Lea, Flood: SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Waits until no process of the container lives, and returns how long that took.
pub fn await_no_process(host: &Host) -> Duration {
    let began = Instant::now();
    loop {
        let living = left::processes(host.place.tag());
        if living.is_empty() {
            return began.elapsed();
        }
        assert!(began.elapsed() < PATIENCE, "these outlive their launcher: {living:?}");
        sleep(Duration::from_millis(2));
    }
}

/// Limits, so that there are control groups to leave behind.
fn config(host: &Host, arguments: &[&str]) -> Value {
    let mut config = host.config(arguments);
    config["max_ram_mb"] = json!(512);
    config["cpus_count"] = json!(1);
    config
}

fn sweep(host: &Host, seed: u64, rounds: u32) {
    let mut dice = Dice::new(seed);
    let mut slow = Vec::new();
    for round in 0..rounds {
        let delay = Duration::from_micros(100 + dice.roll(99_900));
        let running = Running::start(&mut launcher(host, &config(host, &["ignore"])));
        sleep(delay);
        running.signal("KILL");
        running.end();
        let took = await_no_process(host);
        if took > SOON {
            slow.push((delay, took));
        }
        let when = format!("of one killed after {delay:?}, round {round}, {:?}", host.kind);
        if round % 2 == 0 {
            collect(host, &when);
        } else {
            let ended = run_config(host, &config(host, &["exit", "7"]));
            assert_eq!((ended.code(), ended.errors.as_str()), (7, ""), "{when}");
            host.assert_empty(&when);
        }
    }
    // A busy machine may be slow now and then; an end that waits for something would always be.
    assert!(slow.len() <= rounds as usize / 20, "these took too long to end: {slow:?}");
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_native() {
    let Some(host) = Host::native("killed_at_any_moment_it_leaves_nothing_native") else { return };
    sweep(&host, 1, 200);
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_windows() {
    let Some(host) = Host::windows("killed_at_any_moment_it_leaves_nothing_windows") else { return };
    sweep(&host, 2, 200);
}

#[test]
fn its_first_process_killed_from_the_host_it_says_so() {
    for host in Host::all("its_first_process_killed_from_the_host_it_says_so") {
        let running = Running::start(&mut launcher(&host, &config(&host, &["ignore"]))).until_ready();
        // The program may be ready before its start was told.
        sleep(Duration::from_millis(200));
        let children =
            std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.pid())).unwrap();
        crate::launch::send("KILL", children.trim().parse().unwrap());
        let ended = running.end();
        assert_eq!(ended.code(), 125, "{:?}: {ended:?}", host.kind);
        assert_eq!(crate::launch::report(&host)["reason"], "lost");
        host.assert_empty("after its first process was killed");
    }
}
