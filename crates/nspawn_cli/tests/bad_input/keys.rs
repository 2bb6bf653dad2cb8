//! B-03 and B-04: each key once, and none that is not known.

use serde_json::json;

use crate::launcher::machine::{NATIVE, has};
use crate::oracle::{REFUSED, place, refuses, refuses_text};

#[test]
fn b03_duplicate_keys_however_spelled() {
    if !has("b03_duplicate_keys_however_spelled", &[NATIVE]) {
        return;
    }
    let place = place();
    for (extra, key) in [
        (r#""max_ram_mb": 1, "max_ram_mb": 1"#, "max_ram_mb"),
        (r#""max_ram_mb": 1, "max_ram_mb": 2"#, "max_ram_mb"),
        (r#""process_directory": "/a", "\u0070rocess_directory": "/b""#, "process_directory"),
        (r#""environment": {"A": "", "\u0041": ""}"#, "A"),
        (r#""mounts": [{"source": "/a", "source": "/a"}]"#, "source"),
    ] {
        refuses_text(
            &place,
            format!("{{{extra}}}"),
            REFUSED,
            &[&format!("duplicate key {key}"), "config.json: line 1"],
        );
    }
    let variables = json!({"environment": {"Path": "", "PATH": ""}});
    refuses(&place, variables, &["error: environment.", "duplicate variable: names compare without case"]);
}

#[test]
fn b04_unknown_keys_with_the_nearest_known_one() {
    if !has("b04_unknown_keys_with_the_nearest_known_one", &[NATIVE]) {
        return;
    }
    let place = place();
    for (key, shown, nearest) in [
        ("max_ram", "max_ram", "max_ram_mb"),
        ("PROCESS_DIRECTORY", "PROCESS_DIRECTORY", "process_directory"),
        ("hostname ", "\"hostname \"", "hostname"),
        (" hostname", "\" hostname\"", "hostname"),
        ("hostname\u{a0}", "\"hostname\\u{a0}\"", "hostname"),
        ("h\u{43e}stname", "\"h\\u{43e}stname\"", "hostname"),
        ("host\u{200b}name", "\"host\\u{200b}name\"", "hostname"),
    ] {
        let says = format!("error: {shown}: unknown key; the nearest known key is {nearest}");
        refuses(&place, json!({key: "x"}), &[&says]);
    }
    refuses(&place, json!({"": 1}), &["unknown key"]);
    refuses(&place, json!({"k".repeat(500_000): 1}), &["unknown key"]);
}

#[test]
fn b04_known_keys_that_are_not_carried_out() {
    if !has("b04_known_keys_that_are_not_carried_out", &[NATIVE]) {
        return;
    }
    let place = place();
    for (key, value, says) in [
        ("user", json!("2147483648"), "no account of this engine"),
        ("user", json!("root"), "no account of this engine"),
        ("user", json!(""), "must be NAME or DOMAIN\\NAME"),
        ("user", json!(-1), "must be a string"),
        ("isolation", json!("hyperv"), "Hyper-V isolation is not"),
        ("credential_spec", json!({}), "not supported"),
        ("devices", json!([]), "not supported"),
        ("mapped_pipes", json!([r"\\.\pipe\docker_engine"]), "not supported"),
    ] {
        refuses(&place, json!({key: value}), &[&format!("error: {key}: "), says]);
    }
}
