//! C-05: processes and threads. Who asks for more than there may be is refused; the host never notices.

use serde_json::json;

use crate::case::{Case, rows};
use crate::hog::{Hog, number};
use crate::launcher::programs::Target;

const LIMIT: u64 = 24;

rows!(a_fork_bomb, many_threads);

/// Asserts that a program that wants `wanted` gets fewer than the limit, which the program itself counts for.
fn refused(case: Case, what: &str, wanted: u64) {
    let limit = json!({"max_processes": LIMIT});
    let Some(hog) = Hog::held(case, &limit, &[]) else { return };
    let ran = hog.run(&limit, &[what, &wanted.to_string()]).succeeded();
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
