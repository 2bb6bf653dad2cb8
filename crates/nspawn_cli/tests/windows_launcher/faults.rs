//! A sample of the fault sweep (crates/nspawn/tests/hcs), through the launcher: what people see of it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::launcher::Launcher;
use crate::on_both_schemas;

on_both_schemas![
    a_call_that_fails_is_told_and_undone,
    what_could_not_be_given_back_is_removed_later,
    news_that_comes_otherwise_is_enough,
    where_the_service_goes_away_it_is_told,
];

fn a_call_that_fails_is_told_and_undone(launcher: &Launcher) {
    for (call, wanted) in [
        ("PrepareLayer", "cannot mount scratch layer "),
        ("HcsCreateComputeSystem", "cannot create container "),
        ("HcsStartComputeSystem", "cannot start container "),
        ("HcsCreateProcess", "cannot run the program: "),
    ] {
        launcher.standin.begin(&json!([{"call": call, "code": "0x8007000E"}]));
        let began = Instant::now();
        let ran = launcher.launch(&["exit", "0"], &json!({}));
        assert!(began.elapsed() < Duration::from_secs(20), "{call}");
        assert_eq!(ran.status, Some(125), "{call}: {ran:?}");
        let line = ran.error();
        assert!(line.starts_with(wanted) && line.ends_with(&format!("{call}: code 0x8007000E")), "{line}");
        launcher.assert_empty(call);
    }
}

fn what_could_not_be_given_back_is_removed_later(launcher: &Launcher) {
    for call in ["UnprepareLayer", "DeactivateLayer", "DestroyLayer"] {
        launcher.standin.begin(&json!([{"call": call, "code": "0x80070020"}]));
        let ran = launcher.launch(&["exit", "6"], &json!({}));
        assert_eq!(ran.status, Some(6), "the program's own end is what counts: {ran:?}");
        assert!(
            ran.stderr.contains("warning: cannot ") && ran.stderr.contains("the file is in use"),
            "{ran:?}"
        );
        let name = launcher.place.tag();
        assert_eq!(launcher.gc().stdout, format!("removed nspawn_{name}\n"), "{call}");
        launcher.assert_empty(call);
    }
}

/// What the service tells is told twice, early or late: people see nothing of it.
fn news_that_comes_otherwise_is_enough(launcher: &Launcher) {
    // That a process has ended is then found by looking at it.
    for (call, notify) in [
        ("HcsStartComputeSystem", "twice"),
        ("HcsCreateComputeSystem", "early"),
        ("HcsCreateProcess", "early"),
        ("HcsCreateProcess", "late"),
    ] {
        launcher.standin.begin(&json!([{"call": call, "notify": notify}]));
        let began = Instant::now();
        let ran = launcher.launch(&["say", "6", "word"], &json!({"stdout_filename": null}));
        assert!(began.elapsed() < Duration::from_secs(20), "{call} {notify}");
        assert_eq!((ran.status, &*ran.stdout), (Some(6), "out word\n"), "{call} {notify}: {ran:?}");
        let remarks: Vec<_> = ran.stderr.lines().filter(|line| line.contains("warning:")).collect();
        assert_eq!(remarks, [""; 0], "{call} {notify}");
        launcher.assert_empty(call);
    }
}

fn where_the_service_goes_away_it_is_told(launcher: &Launcher) {
    launcher.standin.begin(&json!([{"call": "HcsStartComputeSystem", "notify": "disconnect"}]));
    let began = Instant::now();
    let ran = launcher.launch(&["exit", "0"], &json!({}));
    assert!(began.elapsed() < Duration::from_secs(20), "{ran:?}");
    assert_eq!(ran.status, Some(125), "{ran:?}");
    let line = ran.error();
    assert!(line.starts_with("cannot start container ") && line.contains("went away"), "{line}");
    launcher.assert_empty("once the service went away");
}
