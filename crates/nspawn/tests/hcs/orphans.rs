//! Systems that run although nobody holds them: the next thorough search ends them, and whose does not end is left
//! whole.

use nspawn::document::Schema;
use serde_json::{Value, json};

use crate::launch::{CODE, Subject, ample};
use crate::on_both_schemas;
use crate::standin::{Standin, alone};

on_both_schemas![
    orphans_are_ended_and_removed,
    one_that_does_not_end_keeps_its_layer,
    the_next_of_its_name_takes_its_place_or_fails,
];

fn orphans_are_ended_and_removed(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    for names in [&["a"][..], &["a", "b", "c"]] {
        let ids: Vec<_> = names.iter().map(|name| subject.leave(name)).collect();
        // A system, a layer that is attached, and a directory.
        assert_eq!(subject.left().len(), 3 * ids.len(), "{:?}", subject.left());
        let collected = subject.collect();
        assert_eq!(collected.removed, ids, "{collected:?}");
        assert!(collected.failed.is_empty() && collected.unsearched.is_empty(), "{collected:?}");
        assert_eq!(subject.left(), [""; 0]);
    }
}

/// Makes this try to end a system fail, counted from 1.
fn no_end(n: u64) -> Value {
    json!({"call": "HcsTerminateComputeSystem", "n": n, "code": "0x80070005"})
}

fn one_that_does_not_end_keeps_its_layer(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    let [first, second, third] = ["a", "b", "c"].map(|name| subject.leave(name));
    // Where there are two DLLs, both are tried.
    let faults = match schema {
        Schema::V1 => json!([no_end(2)]),
        Schema::V2 => json!([no_end(2), no_end(3)]),
    };
    let collected = subject.collect_despite(&faults);
    assert_eq!(collected.removed, [first, third], "{collected:?}");
    let [(id, error)] = &collected.failed[..] else { panic!("{collected:?}") };
    assert_eq!(*id, second);
    let said = error.one_line();
    assert!(said.contains(&format!("cannot terminate container {second}")), "{said}");
    let scratch = subject.place.scratch(second.as_str());
    let attached = format!("layer {}: \"Prepared\"", scratch.to_str().unwrap().to_lowercase());
    // Its name stays claimed, so that the next command comes to it.
    let [claim, directory] = ["run", "data/scratch"].map(|place| format!("root/{place}/{second}"));
    assert_eq!(subject.left(), [format!("system {second}"), attached, claim, directory]);
    assert_eq!(subject.collect().removed, [second]);
    assert_eq!(subject.left(), [""; 0]);
}

fn the_next_of_its_name_takes_its_place_or_fails(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    subject.leave("");
    let before = subject.left();
    let no_end = json!([{"call": "HcsTerminateComputeSystem", "code": "0x80070005"}]);
    let said = subject.launch(ample(), &no_end).failure().unwrap();
    assert!(said.starts_with(&format!("cannot terminate container {}: ", subject.id)), "{said}");
    assert_eq!(subject.left(), before);
    assert_eq!(subject.launch(ample(), &json!([])).report().exit_code, Some(CODE));
    assert_eq!(subject.left(), [""; 0]);
}

/// Which DLL made a system is not told, so that a refusal of one is not the last word.
#[test]
fn what_one_dll_does_not_end_the_other_does_v2() {
    alone("orphans::what_one_dll_does_not_end_the_other_does_v2", |standin| {
        let subject = Subject::new(standin, Schema::V2, &json!({}));
        for call in ["HcsOpenComputeSystem", "HcsSetComputeSystemCallback", "HcsTerminateComputeSystem"] {
            let id = subject.leave("a");
            let collected = subject.collect_despite(&json!([{"call": call, "n": 1, "code": "0x80070005"}]));
            assert_eq!(collected.removed, [id], "{call}: {collected:?}");
            let calls = standin.calls();
            // This one is of vmcompute.dll alone.
            let by_vmcompute = calls.iter().any(|call| call.name == "HcsRegisterComputeSystemCallback");
            assert!(by_vmcompute, "{call}: {calls:#?}");
            assert_eq!(subject.left(), [""; 0], "{call}");
        }
    });
}
