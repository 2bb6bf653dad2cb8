//! Containers of a plain user, who is root of nothing but a user namespace of his own.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
#[expect(dead_code, reason = "shared with tests that use more of it")]
#[path = "../launcher/mod.rs"]
mod launcher;
mod namespaces;
mod user;

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use launcher::programs::Target;
use serde_json::json;
use user::{UID, User};

const PROGRAM: &str = "plain_user/program.c";

fn it_runs_and_its_files_are_his(test: &str, target: Target) {
    let Some(user) = User::with(test, target, PROGRAM) else { return };
    let ran = user.run(&["said", "7"], json!({}));
    assert_eq!((ran.status, ran.text().trim_end()), (Some(7), "said"), "{ran:?}");
    assert_eq!(
        user.report().get("shortfall"),
        None,
        "he has no other ids: nothing is short of what is promised"
    );
    let made = fs::metadata(user.at("work/made.txt")).unwrap();
    assert_eq!((made.uid(), made.gid()), (UID, UID));
    assert_eq!(user.left(), [""; 0]);
    let output = user.run(&["to a file", "0"], json!({"stdout_filename": "out.txt"}));
    assert_eq!(output.status, Some(0), "{output:?}");
    assert_eq!(fs::read_to_string(user.at("work/out.txt")).unwrap().trim_end(), "to a file");
    assert_eq!(fs::metadata(user.at("work/out.txt")).unwrap().uid(), UID);
}

#[test]
fn a_native_program_runs() {
    it_runs_and_its_files_are_his("a_native_program_runs", Target::Native);
}

#[test]
fn a_windows_program_runs() {
    it_runs_and_its_files_are_his("a_windows_program_runs", Target::Windows);
}

#[test]
fn a_limit_that_cannot_be_held_is_refused_or_told() {
    let test = "a_limit_that_cannot_be_held_is_refused_or_told";
    let Some(user) = User::with(test, Target::Native, PROGRAM) else { return };
    let limited = json!({"max_ram_mb": 64});
    let refused = user.run(&["said", "7"], limited.clone());
    assert_eq!(refused.status, Some(125), "{refused:?}");
    assert!(
        refused.stderr.contains("max_ram_mb") && refused.stderr.contains("--allow-unenforced"),
        "{refused:?}"
    );
    assert_eq!(user.left(), [""; 0]);
    let ran = launcher::run::run(user.launcher(&["said", "7"], limited).arg("--allow-unenforced"));
    assert_eq!(ran.status, Some(7), "{ran:?}");
    assert_eq!(user.report()["limits"][0]["verdict"], "not");
}

#[test]
fn what_a_killed_launcher_leaves_is_removed() {
    let Some(user) = User::with("what_a_killed_launcher_leaves_is_removed", Target::Native, PROGRAM) else {
        return;
    };
    user.run_and_kill_the_launcher(json!({}));
    assert_eq!(user.left().len(), 1, "its name is taken as long as nobody clears up");
    let collected = user.collect();
    assert_eq!(collected.status, Some(0), "{collected:?}");
    assert!(collected.text().starts_with("removed nspawn_"), "{collected:?}");
    assert_eq!(user.left(), [""; 0]);
}

#[test]
fn the_doctor_says_what_he_can_do() {
    let Some(user) = User::with("the_doctor_says_what_he_can_do", Target::Native, PROGRAM) else { return };
    let examined = user.examine();
    assert_eq!(examined.status, Some(0), "{examined:?}");
    let findings: Vec<serde_json::Value> = serde_json::from_str(&examined.text()).unwrap();
    let ability = |subject: &str| {
        let finding = findings.iter().find(|finding| finding["subject"] == subject);
        finding.unwrap_or_else(|| panic!("{subject}: {findings:?}"))["ability"].clone()
    };
    assert_eq!([ability("kernel"), ability("namespaces and layers")], ["ok", "ok"]);
    // What it says is what then happens.
    let limited = user.run(&["said", "7"], json!({"max_ram_mb": 64}));
    assert_eq!(ability("max_ram_mb") == "ok", limited.status == Some(7), "{limited:?}");
    assert_eq!(user.left(), [""; 0]);
}
