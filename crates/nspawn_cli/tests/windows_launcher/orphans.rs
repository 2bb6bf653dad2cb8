//! Systems that run although their launchers are gone: `gc` ends them, one by one.

use serde_json::json;

use crate::launcher::Launcher;
use crate::on_both_schemas;

on_both_schemas![gc_ends_systems_that_nobody_holds];

fn gc_ends_systems_that_nobody_holds(launcher: &Launcher) {
    let ids = ["a", "b", "c"].map(|name| format!("nspawn_{}{name}", launcher.place.tag()));
    for id in &ids {
        launcher.standin.leave(id, &launcher.place.scratch(id));
    }
    let [first, second, third] = &ids;
    // The second one's end, by each DLL that there is.
    let no_end = |n: u64| json!({"call": "HcsTerminateComputeSystem", "n": n, "code": "0x80070005"});
    let faults = if launcher.schema == 1 { json!([no_end(2)]) } else { json!([no_end(2), no_end(3)]) };
    let ran = launcher.gc_despite(&faults);
    assert_eq!(ran.status, Some(125), "{ran:?}");
    let [removed, also_removed, failed] = ran.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{ran:?}")
    };
    assert_eq!([removed, also_removed], [format!("removed {first}"), format!("removed {third}")]);
    assert!(
        failed.starts_with(&format!("failed {second}: cannot terminate container {second}: ")),
        "{failed}"
    );
    let told = format!("HcsTerminateComputeSystem: Container terminated, name: [{first}]\n");
    assert!(ran.stderr.contains(&told), "{ran:?}");
    let ran = launcher.gc();
    assert_eq!((ran.status, ran.stdout), (Some(0), format!("removed {second}\n")));
    launcher.assert_empty("after the second time");
}
