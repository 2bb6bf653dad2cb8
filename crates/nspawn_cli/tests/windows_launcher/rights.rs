//! A launcher without the rights that containers take: they are named, and nothing is made.

use std::process::Command;

use serde_json::json;

use crate::launcher::{Launcher, run};
use crate::{on_both_schemas, token};

on_both_schemas![privileges_that_are_not_held_are_named, a_prompt_that_is_not_elevated_is_told];

/// Set in a test's process of its own, as what a process gives up it does not get back: to what it gives up.
const VARIABLE: &str = "NSPAWN_TEST_GIVES_UP";

/// Returns the command that runs a test in a process of its own.
fn alone(launcher: &Launcher, test: &str, gives_up: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("rights::v{}::{test}", launcher.schema), "--exact", "--nocapture", "--quiet"]);
    command.env(VARIABLE, gives_up);
    command
}

/// Launches what must be refused for want of rights.
fn assert_refused(launcher: &Launcher, reason: &str, hint: &str) {
    let ran = launcher.launch(&["exit", "0"], &json!({}));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(125), ""), "{ran:?}");
    assert_eq!(ran.error(), format!("cannot make a container: {reason}"));
    assert!(ran.stderr.contains(&format!("hint: {hint}")), "{ran:?}");
    assert_eq!(launcher.standin.calls(), [], "the service is asked for nothing");
    assert!(!launcher.place.work().join("said.txt").exists());
    launcher.assert_empty(reason);
    let report = launcher.report();
    assert_eq!((&report["reason"], &report["error"]), (&json!("failed"), &json!(ran.error())));
}

fn privileges_that_are_not_held_are_named(launcher: &Launcher) {
    let names = ["SeBackupPrivilege", "SeRestorePrivilege"];
    let Ok(gives_up) = std::env::var(VARIABLE) else {
        for gives_up in [names[0], names[1], &names.join(" ")] {
            let ran = run(&mut alone(launcher, "privileges_that_are_not_held_are_named", gives_up));
            assert!(ran.status == Some(0) && ran.stdout.contains("1 passed"), "{gives_up}: {ran:?}");
        }
        return;
    };
    // What we give up the launcher, which inherits from us, does not have.
    gives_up.split(' ').for_each(token::give_up);
    let reason = format!("this user does not hold {}", gives_up.replace(' ', " and "));
    assert_refused(
        launcher,
        &reason,
        "start this as a member of Administrators, from an elevated prompt, or",
    );
}

fn a_prompt_that_is_not_elevated_is_told(launcher: &Launcher) {
    if std::env::var(VARIABLE).is_err() {
        let code =
            token::run_unelevated(&alone(launcher, "a_prompt_that_is_not_elevated_is_told", "elevation"));
        assert_eq!(code, 0, "what is wrong stands above");
        return;
    }
    // On Windows the token that is not elevated holds none of these. In Wine 8 it does.
    ["SeBackupPrivilege", "SeRestorePrivilege"].into_iter().for_each(token::give_up);
    let reason = "this process is not elevated, and does not hold SeBackupPrivilege and SeRestorePrivilege";
    assert_refused(launcher, reason, "start this from an elevated prompt (Run as administrator)");
}
