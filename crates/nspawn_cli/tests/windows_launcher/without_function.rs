//! A Windows Server 2019 whose computecore.dll lacks a function.

use serde_json::json;

use crate::launcher::{Launcher, run};

#[test]
fn the_function_is_named_before_anything_is_made() {
    let launcher = Launcher::with_own_schema(2);
    let ran = launcher.launch(&["exit", "5"], &json!({}));
    assert_eq!(ran.status, Some(125), "{ran:?}");
    let wanted =
        "cannot use the Host Compute Service: computecore.dll of this Windows has no HcsSetProcessCallback";
    assert_eq!(ran.error(), wanted);
    assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("--hcs-schema 1"), "{ran:?}");
    assert_eq!(launcher.standin.calls(), []);
    launcher.assert_empty("without the function");
    let ran = run(launcher.command().args(["--hcs-schema", "1"]));
    assert_eq!(ran.status, Some(5), "{ran:?}");
    // What gc takes is there.
    let ran = launcher.gc();
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
}
