//! What is wrong before a container is made: one clear line each, and nothing left.

use std::fs;

use serde_json::{Value, json};

use crate::launcher::{Launcher, run};
use crate::on_both_schemas;

on_both_schemas![
    layers_that_are_wrong_are_told_by_path,
    refusals_of_the_service_are_told_in_its_words,
    a_name_that_the_service_has_is_refused,
    a_schema_that_this_windows_lacks_is_refused,
];

/// Launches what must fail, and returns its one line.
fn refused(launcher: &Launcher, what: &str, changes: &Value) -> String {
    let ran = launcher.launch(&["exit", "0"], changes);
    assert_eq!(ran.status, Some(125), "{what}: {ran:?}");
    launcher.assert_empty(what);
    let report = launcher.report();
    assert_eq!((&report["reason"], &report["error"]), (&json!("failed"), &json!(ran.error())), "{what}");
    ran.error().to_owned()
}

fn layers_that_are_wrong_are_told_by_path(launcher: &Launcher) {
    let chain = launcher.place.at("layers").join("app").join("layerchain.json");
    let absent = json!({"parent_layer_directory": r"C:\absent"});
    let line = refused(launcher, "the layer is absent", &absent);
    assert!(line.starts_with("parent_layer_directory: ") && line.contains(r"C:\absent"), "{line}");
    for (what, text, wanted) in [
        ("the chain is no JSON", "[\"C:", "layerchain.json: is no JSON array of paths"),
        ("the chain is no array", r#"{"a": 1}"#, "layerchain.json: is no JSON array of paths"),
        ("a member is missing", r#"["C:\\gone"]"#, r"C:\gone"),
    ] {
        fs::write(&chain, text).unwrap();
        let line = refused(launcher, what, &json!({}));
        assert!(line.contains(wanted), "{what}: {line}");
    }
    let calls = launcher.standin.calls();
    assert!(calls.iter().all(|call| call.name == "NameToGuid"), "nothing is made: {calls:?}");
}

fn refusals_of_the_service_are_told_in_its_words(launcher: &Launcher) {
    let family = if launcher.schema == 1 { "0xC0370" } else { "0x80370" };
    for (how, call, code, wanted) in [
        ("code", "CreateSandboxLayer", "0x80070070", "the disk is full"),
        // The directory is there, with what of the disk fitted.
        ("half", "CreateSandboxLayer", "0x80070070", "the disk is full"),
        ("code", "CreateSandboxLayer", "0x80070005", "access is denied"),
        ("code", "HcsCreateComputeSystem", &format!("{family}10D"), "the document is not valid"),
        ("status", "HcsCreateComputeSystem", &format!("{family}10D"), "the document is not valid"),
        ("code", "HcsCreateComputeSystem", "0x8007000D", "such a request is not supported"),
        ("code", "HcsCreateProcess", &format!("{family}10D"), "the document is not valid"),
        (
            "code",
            "HcsCreateComputeSystem",
            &format!("{family}101"),
            "the container's Windows does not fit the host's",
        ),
    ] {
        launcher.standin.begin(&json!([{"call": call, how: code}]));
        let ran = launcher.launch(&["exit", "0"], &json!({}));
        assert_eq!(ran.status, Some(125), "{how} {call} {code}: {ran:?}");
        let line = ran.error();
        assert!(line.contains(call) && line.contains(wanted), "{line}");
        assert!(line.ends_with(&format!("({code})")), "{line}");
        // The service's own words, where it has a way to give them.
        let words = format!(
            "note: {} by script",
            if how == "status" { "it fails".to_owned() } else { format!("{call} fails") }
        );
        assert_eq!(ran.stderr.contains(&words), call.starts_with("Hcs"), "{ran:?}");
        let hints = ran.stderr.lines().filter_map(|line| line.strip_prefix("hint: "));
        let hint = hints.collect::<Vec<_>>().join(" and ");
        let wanted_hint = match wanted {
            "access is denied" => "containers need an administrator",
            "the document is not valid" | "such a request is not supported" => "the documents are the lines",
            _ => "",
        };
        assert!(hint.starts_with(wanted_hint) && hint.is_empty() == wanted_hint.is_empty(), "{ran:?}");
        if wanted_hint.starts_with("the documents") {
            // That line is there, and is the document that was sent.
            let sent = launcher.standin.calls().into_iter().find(|made| made.name == call).unwrap().arguments;
            let (line, argument) = match call {
                "HcsCreateProcess" => ("Process config: ", "parameters"),
                _ => ("Container config: ", "configuration"),
            };
            let printed = ran.stderr.lines().find_map(|said| said.strip_prefix(line)).unwrap();
            assert_eq!(serde_json::from_str::<Value>(printed).unwrap(), sent[argument], "{ran:?}");
        }
        launcher.assert_empty(call);
    }
}

fn a_name_that_the_service_has_is_refused(launcher: &Launcher) {
    launcher.configure(&["ignore"], &json!({}));
    let mut first = launcher.command().arg("--quiet").spawn().unwrap();
    while launcher.place.said().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Another root does not know the name; the mutex of the launcher that runs does.
    let config = launcher.place.at("config.json");
    let ran = run(launcher.bare_command_of("other").arg("--config").arg(config));
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(ran.status, Some(125), "{ran:?}");
    assert!(ran.error().contains("a container of this name is running"), "{ran:?}");
    assert_eq!(launcher.place.left_below("other"), [""; 0]);
}

fn a_schema_that_this_windows_lacks_is_refused(launcher: &Launcher) {
    launcher.configure(&["exit", "5"], &json!({}));
    let other = 3 - launcher.schema;
    let ran = run(launcher.command().args(["--hcs-schema", &other.to_string()]));
    match launcher.schema {
        // Server 2016.
        1 => {
            assert_eq!(ran.status, Some(125), "{ran:?}");
            assert!(ran.error().contains("this host does not take documents of schema v2"), "{ran:?}");
        }
        // Later ones have both DLLs.
        _ => assert_eq!(ran.status, Some(5), "{ran:?}"),
    }
    launcher.assert_empty("after the other schema");
}
