//! A scratch layer that is made by half, as on a full disk: what there is of it is removed.

use nspawn::document::Schema;
use serde_json::json;

use crate::launch::{CODE, Subject, ample};
use crate::on_both_schemas;
use crate::standin::Standin;

on_both_schemas![a_layer_that_is_made_by_half_is_removed];

fn a_layer_that_is_made_by_half_is_removed(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    let full = json!([{"call": "CreateSandboxLayer", "half": "0x80070070"}]);
    let launched = subject.launch(ample(), &full);
    let said = launched.failure().unwrap();
    let wanted =
        format!("cannot create scratch layer {}", subject.place.scratch(subject.id.as_str()).display());
    assert!(said.starts_with(&wanted) && said.contains("the disk is full"), "{said}");
    let layers: Vec<_> = launched.calls.iter().filter(|call| call.name.ends_with("Layer")).collect();
    let [made, destroyed] = layers[..] else { panic!("{layers:?}") };
    assert_eq!((&*made.name, &*destroyed.name), ("CreateSandboxLayer", "DestroyLayer"));
    assert_eq!(subject.left(), [""; 0]);
    // Where that fails, too, the next launch of the name finds it and makes its own.
    let kept = json!([full[0], {"call": "DestroyLayer", "code": "0x80070005"}]);
    let launched = subject.launch(ample(), &kept);
    assert!(launched.failure().unwrap().starts_with(&wanted), "{launched:?}");
    assert_eq!(subject.left(), [format!("root/data/scratch/rm-{}", subject.id)]);
    assert_eq!(subject.launch(ample(), &json!([])).report().exit_code, Some(CODE));
    assert_eq!(subject.left(), [""; 0]);
}
