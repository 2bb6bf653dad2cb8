//! A Windows Server 2019 that has vmcompute.dll and lacks computecore.dll.

use serde_json::json;

use crate::launcher::{Launcher, run};

#[test]
fn the_dll_is_named_and_the_other_schema_works() {
    let launcher = Launcher::with_own_schema(2);
    let ran = launcher.launch(&["exit", "5"], &json!({}));
    assert_eq!(ran.status, Some(125), "{ran:?}");
    let wanted =
        "cannot use the Host Compute Service: this Windows has no computecore.dll that can be loaded";
    assert!(ran.error().starts_with(wanted), "{ran:?}");
    assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("--hcs-schema 1"), "{ran:?}");
    assert_eq!(launcher.standin.calls(), [], "nothing is asked for, let alone made");
    launcher.assert_empty("without the DLL");
    let ran = run(launcher.command().args(["--hcs-schema", "1"]));
    assert_eq!(ran.status, Some(5), "{ran:?}");
    launcher.assert_empty("by schema v1");
}

#[test]
fn systems_that_nobody_holds_are_ended_by_the_other_dll() {
    let launcher = Launcher::with_own_schema(2);
    let id = format!("nspawn_{}", launcher.place.tag());
    launcher.standin.leave(&id, &launcher.place.scratch(&id));
    let ran = launcher.gc();
    assert_eq!(ran.status, Some(125), "not all was searched: {ran:?}");
    let [removed, unsearched] = ran.stdout.lines().collect::<Vec<_>>()[..] else { panic!("{ran:?}") };
    assert_eq!(removed, format!("removed {id}"));
    let wanted =
        "not searched: cannot list compute systems by computecore.dll: this Windows has no computecore.dll";
    assert!(unsearched.starts_with(wanted), "{unsearched}");
    launcher.assert_empty("after gc");
}

#[test]
fn what_was_left_is_removed_by_the_other_dll() {
    let launcher = Launcher::with_own_schema(2);
    let leave = || {
        launcher.configure(&["exit", "5"], &json!({}));
        launcher.standin.begin(&json!([{"call": "DeactivateLayer", "code": "0x80070005"}]));
        let ran = run(launcher.command().args(["--hcs-schema", "1"]));
        assert!(ran.status == Some(5) && ran.stderr.contains("warning: cannot unmount"), "{ran:?}");
    };
    leave();
    launcher.standin.begin(&json!([]));
    let ran = run(launcher.command().args(["--hcs-schema", "1"]));
    assert_eq!(ran.status, Some(5), "{ran:?}");
    launcher.assert_empty("after the next of its name");
    leave();
    let ran = launcher.gc();
    let removed = format!("removed nspawn_{}\nnot searched: ", launcher.place.tag());
    assert!(ran.stdout.starts_with(&removed) && ran.stdout.contains("computecore.dll"), "{ran:?}");
    launcher.assert_empty("after gc");
}
