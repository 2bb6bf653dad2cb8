//! C-05: processes and threads. Who asks for more than there may be is refused; the host never notices.

use serde_json::json;

use crate::both::on_both;
use crate::hog::{Hog, number};
use crate::launcher::programs::Target;

const LIMIT: u64 = 24;

on_both!(a_fork_bomb, many_threads);

/// Asserts that a program that wants `wanted` gets fewer than the limit, which the program itself counts for.
fn refused(name: &str, target: Target, what: &str, wanted: u64) {
    let Some(hog) = Hog::ready(name, target, &[]) else { return };
    let ran = hog.run(&json!({"max_processes": LIMIT}), &[what, &wanted.to_string()]).succeeded();
    let got = number(&ran, what);
    match target {
        Target::Native => assert_eq!(got, LIMIT - 1, "{ran:?}"),
        // The agent and Wine's server count, too.
        Target::Windows => assert!((1..LIMIT - 2).contains(&got), "{ran:?}"),
    }
    assert_eq!(hog.verdict("max_processes"), json!({"limit": "max_processes", "verdict": "enforced"}));
}

fn a_fork_bomb(name: &str, target: Target) {
    refused(name, target, "bomb", 60);
}

fn many_threads(name: &str, target: Target) {
    refused(name, target, "threads", 100_000);
}
