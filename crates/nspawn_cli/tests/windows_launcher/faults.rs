//! A sample of the fault sweep (crates/nspawn/tests/hcs), through the launcher: what people see of it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::launcher::Launcher;
use crate::on_both_schemas;

on_both_schemas![a_call_that_fails_is_told_and_undone, what_could_not_be_given_back_is_removed_later];

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
