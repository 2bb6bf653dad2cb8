//! C-01: memory. Whoever passes the limit is killed with all of its container, and the report says why.

use serde_json::json;

use crate::both::on_both;
use crate::hog::Hog;
use crate::launcher::programs::Target;

const LIMIT_MB: u64 = 64;

on_both!(too_much_in_one_process, too_much_in_four_children, as_much_as_is_allowed, page_cache_alone);

fn killed(name: &str, target: Target, arguments: &[&str]) {
    let Some(hog) = Hog::ready(name, target, &[]) else { return };
    let ran = hog.run(&json!({"max_ram_mb": LIMIT_MB}), arguments);
    assert_eq!(ran.status, Some(137), "{ran:?}");
    assert!(ran.told("had").is_empty() && ran.told("children").is_empty(), "{ran:?}");
    let report = hog.place.report();
    assert_eq!(report["reason"], "out of memory", "{report}");
    assert_eq!((report["exit_status"].as_u64(), &report["exit_code"]), (Some(137), &json!(null)), "{report}");
    assert_peak(&hog);
}

/// Asserts that the limit was held, and that memory was counted at all.
fn assert_peak(hog: &Hog) {
    let peak = hog.place.report()["memory_peak_bytes"].as_u64().unwrap();
    assert!((1 << 20..=LIMIT_MB << 20).contains(&peak), "{peak}");
    assert_eq!(hog.verdict("max_ram_mb"), json!({"limit": "max_ram_mb", "verdict": "enforced"}));
}

fn too_much_in_one_process(name: &str, target: Target) {
    killed(name, target, &["memory", "128"]);
}

fn too_much_in_four_children(name: &str, target: Target) {
    killed(name, target, &["children", "4", "32"]);
}

fn as_much_as_is_allowed(name: &str, target: Target) {
    let Some(hog) = Hog::ready(name, target, &[]) else { return };
    let ran = hog.run(&json!({"max_ram_mb": LIMIT_MB}), &["memory", "16"]).succeeded();
    assert_eq!(ran.told("had"), ["16"]);
    assert_peak(&hog);
}

fn page_cache_alone(name: &str, target: Target) {
    let Some(hog) = Hog::ready(name, target, &[]) else { return };
    let ran = hog.run(&json!({"max_ram_mb": LIMIT_MB}), &["cache", "big", "128"]).succeeded();
    assert_eq!(ran.told("cached"), ["128"]);
    assert_peak(&hog);
}

/// Files in memory are memory.
#[test]
fn native_files_in_memory() {
    for path in ["/tmp/big", "/dev/shm/big"] {
        killed("memory::native_files_in_memory", Target::Native, &["cache", path, "100"]);
    }
}
