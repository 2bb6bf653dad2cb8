//! C-05: processes and threads. Who asks for more than there may be is refused; the host never notices.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::case::{Case, rows};
use crate::hog::{Hog, number};
use crate::launcher::machine::processor_away_us;
use crate::launcher::programs::Target;

const LIMIT: u64 = 24;

rows!(a_fork_bomb, many_threads);

/// Asserts that a program that wants `wanted` gets fewer than the limit, which the program itself counts for.
fn refused(case: Case, what: &str, wanted: u64) {
    let limit = json!({"max_processes": LIMIT});
    let Some(hog) = Hog::held(case, &limit, &[]) else { return };
    let ended = AtomicBool::new(false);
    let (ran, fastest) = thread::scope(|scope| {
        let watching = scope.spawn(|| fastest_fork(&ended));
        let ran = hog.run(&limit, &[what, &wanted.to_string()]);
        ended.store(true, Ordering::Relaxed);
        (ran.succeeded(), watching.join().unwrap())
    });
    // Of a machine that has other work, too, only the best counts.
    let bearable = Duration::from_millis(10) + Duration::from_micros(processor_away_us() as u64);
    assert!(fastest < bearable, "the host needs {fastest:?} for a process meanwhile");
    let got = number(&ran, what);
    match case.target {
        Target::Native => assert_eq!(got, LIMIT - 1, "{ran:?}"),
        // The agent and Wine's server count, too.
        Target::Windows => assert!((1..LIMIT - 2).contains(&got), "{ran:?}"),
    }
    assert_eq!(hog.verdict("max_processes"), json!({"limit": "max_processes", "verdict": "enforced"}));
}

fn a_fork_bomb(case: Case) {
    refused(case, "bomb", 60);
}

fn many_threads(case: Case) {
    refused(case, "threads", 100_000);
}

/// Returns the least time that the host takes to start a process and to see its end, until the container has ended.
fn fastest_fork(ended: &AtomicBool) -> Duration {
    let mut fastest = Duration::MAX;
    while !ended.load(Ordering::Relaxed) {
        let began = Instant::now();
        assert!(Command::new("true").status().unwrap().success());
        fastest = fastest.min(began.elapsed());
        thread::sleep(Duration::from_millis(10));
    }
    fastest
}
