//! C-01: memory. Whoever passes the limit is killed with all of its container, and the report says why.

use serde_json::{Value, json};

use crate::case::{Case, rows};
use crate::hog::Hog;
use crate::launcher::programs::Target;

const LIMIT_MB: u64 = 64;

fn limit() -> Value {
    json!({"max_ram_mb": LIMIT_MB})
}

rows!(
    too_much_in_one_process,
    too_much_in_four_children,
    as_much_as_is_allowed,
    page_cache_alone,
    files_in_memory
);

fn killed(case: Case, arguments: &[&str]) {
    let Some(hog) = Hog::held(case, &limit(), &[]) else { return };
    let ran = hog.run(&limit(), arguments);
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

fn too_much_in_one_process(case: Case) {
    killed(case, &["memory", "128"]);
}

fn too_much_in_four_children(case: Case) {
    killed(case, &["children", "4", "32"]);
}

fn as_much_as_is_allowed(case: Case) {
    let Some(hog) = Hog::held(case, &limit(), &[]) else { return };
    let ran = hog.run(&limit(), &["memory", "16"]).succeeded();
    assert_eq!(ran.told("had"), ["16"]);
    assert_peak(&hog);
}

fn page_cache_alone(case: Case) {
    let Some(hog) = Hog::held(case, &limit(), &[]) else { return };
    let ran = hog.run(&limit(), &["cache", "big", "128"]).succeeded();
    assert_eq!(ran.told("cached"), ["128"]);
    assert_peak(&hog);
}

/// Files in memory are memory: a Windows program has them in the temporary directory of Linux, if it gets there.
fn files_in_memory(case: Case) {
    let directories = match case.target {
        Target::Native => ["/tmp/big", "/dev/shm/big"],
        Target::Windows => [r"\\?\unix\tmp\big", r"\\?\unix\dev\shm\big"],
    };
    for path in directories {
        killed(case, &["cache", path, "100"]);
    }
}
