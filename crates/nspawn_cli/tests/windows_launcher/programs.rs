//! A program in a container: its exit code, its output, its input, and the documents that this Windows takes.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;

use crate::launcher::Launcher;
use crate::on_both_schemas;
use crate::standin::Call;

on_both_schemas![
    the_build_chooses_the_schema,
    the_exit_code_is_passed_on_whole,
    output_goes_to_the_file_or_to_us,
    input_is_passed_on_to_its_end,
];

fn the_build_chooses_the_schema(launcher: &Launcher) {
    let ran = launcher.launch(&["say", "3", "word"], &json!({"max_ram_mb": 512}));
    assert_eq!(ran.status, Some(3), "{ran:?}");
    let calls = launcher.standin.calls();
    let created: Vec<&Call> = calls.iter().filter(|call| call.name == "HcsCreateComputeSystem").collect();
    let [created] = created[..] else { panic!("{calls:#?}") };
    let document = &created.arguments["configuration"];
    let version = document.pointer("/SchemaVersion/Major").and_then(serde_json::Value::as_u64);
    assert_eq!(version.unwrap_or(1), launcher.schema, "{document:#}");
    // Each DLL has a way of its own to tell what happens.
    let by_vmcompute = calls.iter().any(|call| call.name == "HcsRegisterComputeSystemCallback");
    let by_computecore = calls.iter().any(|call| call.name == "HcsSetComputeSystemCallback");
    assert_eq!((by_vmcompute, by_computecore), (launcher.schema == 1, launcher.schema == 2));
    let report = launcher.report();
    assert_eq!((&report["engine"], &report["reason"]), (&json!("hcs"), &json!("exited")));
    assert_eq!(report["limits"], json!([{"limit": "max_ram_mb", "verdict": "enforced"}]));
    launcher.assert_empty("after it ended");
}

fn the_exit_code_is_passed_on_whole(launcher: &Launcher) {
    for code in [0, 1, 256, 0xC000_0005_u32] {
        let ran = launcher.launch(&["exit", &code.to_string()], &json!({}));
        assert_eq!(ran.status, Some(code.cast_signed()), "{ran:?}");
        assert_eq!(launcher.report()["exit_code"], code);
    }
}

fn output_goes_to_the_file_or_to_us(launcher: &Launcher) {
    let ran = launcher.launch(&["say", "0", "one"], &json!({}));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    launcher.launch(&["say", "0", "two"], &json!({}));
    let said = launcher.place.said();
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["err one", "err two", "out one", "out two"], "the file is appended to");
    let ran = launcher.launch(&["say", "0", "three"], &json!({"stdout_filename": null}));
    assert_eq!(ran.stdout, "out three\n", "{ran:?}");
    assert!(ran.stderr.contains("err three\n"), "{ran:?}");
}

fn input_is_passed_on_to_its_end(launcher: &Launcher) {
    launcher.configure(&["copy", "4"], &json!({"stdout_filename": null}));
    let mut command = launcher.command();
    command.arg("--quiet").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all("some Ж input".as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "some Ж input");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
