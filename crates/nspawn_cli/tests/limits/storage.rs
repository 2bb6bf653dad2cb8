//! C-04: operations and bytes per second, as far as they hold: docs/limits.md says which writes.

use serde_json::json;

use crate::case::{Case, rows};
use crate::hog::{Hog, number};
use crate::launcher::machine::Need;

rows!(operations, bandwidth);

/// Asserts that so many writes take at least `least_us`.
fn slows(case: Case, (key, limit): (&str, u64), (count, bytes): (u64, u64), least_us: u64) {
    let Some(hog) = Hog::held(case, &json!({key: limit}), &[Need::Disk]) else { return };
    let ran = hog.run(&json!({key: limit}), &["write", &count.to_string(), &bytes.to_string()]).succeeded();
    let took = number(&ran, "took");
    assert!(took >= least_us, "{took} us for {count} writes of {bytes} bytes under {key} {limit}");
    let verdict = hog.verdict(key);
    assert_eq!(verdict["verdict"], "partial", "{verdict}");
    assert!(
        verdict["reason"].as_str().unwrap().contains("reads and writes are each held to it"),
        "{verdict}"
    );
}

fn operations(case: Case) {
    // 1.5 s' worth, less a burst at the start.
    slows(case, ("max_storage_iops", 40), (60, 4096), 1_200_000);
}

fn bandwidth(case: Case) {
    // 2 s' worth.
    slows(case, ("max_storage_bandwidth_bytes_per_sec", 1 << 20), (32, 1 << 16), 1_700_000);
}
