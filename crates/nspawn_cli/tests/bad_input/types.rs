//! B-01: each key with each JSON type that is not its own.

use serde_json::{Value, json};

use crate::launcher::machine::{NATIVE, has};
use crate::oracle::{place, refuses};

/// The keys and their types. The first twelve are the original program's.
const KEYS: [(&str, &str); 20] = [
    ("process_directory", "a string"),
    ("process_executable", "a string"),
    ("process_arguments", "an array of strings"),
    ("max_ram_mb", "a number"),
    ("cpus_count", "a number"),
    ("cpu_affinity_hex", "a number"),
    ("max_cpu_percent", "a number"),
    ("max_processes", "a number"),
    ("max_storage_iops", "a number"),
    ("max_storage_bandwidth_bytes_per_sec", "a number"),
    ("mapped_directory", "a string"),
    ("stdout_filename", "a string"),
    ("parent_layer_directory", "a string"),
    ("environment", "an object of strings"),
    ("working_directory", "a string"),
    ("mounts", "an array of objects"),
    ("hostname", "a string"),
    ("name", "a string"),
    ("timeout_seconds", "a number"),
    ("services", "a string"),
];

fn samples() -> [(&'static str, Value); 6] {
    [
        ("null", Value::Null),
        ("a boolean", json!(true)),
        ("a number", json!(7)),
        ("a string", json!("C:/x")),
        ("an array", json!([])),
        ("an object", json!({})),
    ]
}

#[test]
fn b01_each_key_with_each_wrong_type() {
    if !has("b01_each_key_with_each_wrong_type", &[NATIVE]) {
        return;
    }
    let place = place();
    for (key, wanted) in KEYS {
        for (given, value) in samples().into_iter().filter(|(given, _)| !wanted.starts_with(given)) {
            // A null would take the key away from the configuration, so the text is made by hand.
            let text = format!(r#"{{"{key}": {value}}}"#);
            let says = format!("error: {key}: must be {wanted}, not {given}: ");
            crate::oracle::refuses_text(&place, text, crate::oracle::REFUSED, &[&says]);
        }
    }
}

#[test]
fn b01_what_stands_inside_has_types_too() {
    if !has("b01_what_stands_inside_has_types_too", &[NATIVE]) {
        return;
    }
    let place = place();
    let mount = |changes: Value| {
        let mut mount = json!({"source": place.work(), "destination": "C:/x"});
        mount.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        json!({"mounts": [mount]})
    };
    for (changes, says) in [
        (json!({"process_arguments": ["a", 1]}), "process_arguments[1]: must be a string, not a number: 1"),
        (json!({"process_arguments": [["a"]]}), "process_arguments[0]: must be a string, not an array"),
        (json!({"environment": {"A": null}}), "environment.A: must be a string, not null"),
        (json!({"mounts": ["C:/x"]}), "mounts[0]: must be an object, not a string"),
        (json!({"mounts": [{"destination": "C:/x"}]}), "mounts[0].source: is required"),
        (mount(json!({"source": 1})), "mounts[0].source: must be a string, not a number"),
        (mount(json!({"read_only": "yes"})), "mounts[0].read_only: must be a boolean, not a string"),
        (
            mount(json!({"readonly": true})),
            "mounts[0].readonly: unknown key; the nearest known key is read_only",
        ),
        (json!({"services": "all"}), "services: must be one of async, wait, none: \"all\""),
    ] {
        refuses(&place, changes, &[says]);
    }
}

#[test]
fn b01_required_keys_are_asked_for() {
    if !has("b01_required_keys_are_asked_for", &[NATIVE]) {
        return;
    }
    let place = place();
    for key in ["process_directory", "process_executable", "mapped_directory"] {
        refuses(&place, json!({key: null}), &[&format!("error: {key}: is required")]);
    }
}
