//! Calls that fail where another way leads on, or none does: what is done then.

use std::time::Duration;

use nspawn::document::Schema;
use nspawn::engine::hcs::Deadlines;
use serde_json::{Value, json};

use crate::launch::{CODE, Launched, SOON, Subject, ample};
use crate::on_both_schemas;
use crate::standin::{Standin, alone};

on_both_schemas![
    a_layer_that_is_not_ready_is_tried_again,
    a_kill_that_fails_ends_the_whole_system,
    a_kill_without_effect_ends_the_whole_system,
    what_outlives_all_is_waited_for_no_longer,
    a_system_that_cannot_be_ended_is_told_of,
];

fn a_layer_that_is_not_ready_is_tried_again(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    for call in ["ActivateLayer", "PrepareLayer"] {
        for code in ["0x80070015", "0x8007048F"] {
            let made = |launched: &Launched| launched.calls.iter().filter(|made| made.name == call).count();
            let once = subject.launch(ample(), &json!([{"call": call, "n": 1, "code": code}]));
            assert_eq!(made(&once), 2, "{call} {code}");
            assert_eq!(once.report().exit_code, Some(CODE));
            let always = subject.launch(ample(), &json!([{"call": call, "code": code}]));
            assert_eq!(made(&always), 5, "{call} {code}");
            assert!(always.failure().unwrap().contains(call), "{always:?}");
            assert_eq!(subject.left(), [""; 0]);
        }
    }
}

fn a_kill_that_fails_ends_the_whole_system(standin: &Standin, schema: Schema) {
    let subject = Subject::running(standin, schema, &["ignore"], &json!({}));
    // Access denied; bad handle; wrong state; no such system; the process has ended; not there. None of them shows that
    // it has ended.
    let codes = ["0x80070005", "0x80070006", "0x80370105", "0x8037010E", "0x8037011F", "0x80070490"];
    let calls = ["HcsOpenComputeSystem", "HcsOpenProcess", "HcsTerminateProcess"];
    let faults = calls.into_iter().flat_map(|call| codes.map(|code| (call, code)));
    for (call, code) in std::iter::once(("", codes[0])).chain(faults) {
        let launched = kill(&subject, ample(), &json!([{"call": call, "code": code}]));
        assert!(launched.elapsed < SOON, "{call} {code}: {launched:?}");
        let terminated = launched.calls.iter().any(|call| call.name == "HcsTerminateComputeSystem");
        assert_eq!(terminated, !call.is_empty(), "{call} {code}: {launched:?}");
        let report = launched.report();
        assert_eq!((report.reason, report.signal), ("signal", Some(9)), "{call} {code}");
        assert_eq!(subject.left(), [""; 0], "{call} {code}");
    }
}

/// Deadlines of which those after a kill are short.
fn short() -> Deadlines {
    let short = Duration::from_millis(400);
    Deadlines { terminate: short, look: short, ..ample() }
}

fn a_kill_without_effect_ends_the_whole_system(standin: &Standin, schema: Schema) {
    let subject = Subject::running(standin, schema, &["ignore"], &json!({}));
    for notify in ["ignored", "never"] {
        let launched = kill(&subject, short(), &json!([{"call": "HcsTerminateProcess", "notify": notify}]));
        assert!(launched.elapsed < SOON, "{notify}: {launched:?}");
        let terminated = launched.calls.iter().any(|call| call.name == "HcsTerminateComputeSystem");
        assert!(terminated || notify == "never", "{launched:?}");
        let report = launched.report();
        assert_eq!((report.reason, report.signal), ("signal", Some(9)), "{notify}");
        assert_eq!(subject.left(), [""; 0], "{notify}");
    }
}

fn what_outlives_all_is_waited_for_no_longer(standin: &Standin, schema: Schema) {
    let subject = Subject::running(standin, schema, &["ignore"], &json!({}));
    let ignored = |call| json!({"call": call, "notify": "ignored"});
    let faults = json!([ignored("HcsTerminateProcess"), ignored("HcsTerminateComputeSystem")]);
    let launched = kill(&subject, short(), &faults);
    assert!(launched.elapsed < SOON, "{launched:?}");
    // It can be shut down still.
    let report = launched.report();
    assert_eq!((report.reason, report.signal), ("lost", None));
    assert_eq!(subject.left(), [""; 0]);
}

/// Launches once, with such faults, and kills the program once it is ready.
fn kill(subject: &Subject<'_>, deadlines: Deadlines, faults: &Value) -> Launched {
    std::fs::remove_file(subject.place.work().join("said.txt")).unwrap_or_default();
    subject.launch_and(deadlines, faults, |running| {
        while subject.place.said().is_empty() {
            std::thread::sleep(Duration::from_millis(2));
        }
        running.stop().kill().unwrap();
    })
}

/// Seen on Windows Server 2022: the process is there, and only what was started cannot be told.
#[test]
fn a_process_that_is_not_told_of_is_asked_for_v2() {
    alone("faults::a_process_that_is_not_told_of_is_asked_for_v2", |standin| {
        let subject = Subject::running(standin, Schema::V2, &["ignore"], &json!({}));
        let wait = "HcsWaitForOperationResultAndProcessInfo";
        let untold = json!({"call": wait, "n": 1, "code": "0x80070057"});
        let launched = kill(&subject, ample(), &json!([untold]));
        assert!(launched.calls.iter().any(|call| call.name == "HcsGetProcessInfo"));
        assert_eq!(launched.report().signal, Some(9));
        let unknown = json!([untold, {"call": "HcsGetProcessInfo", "code": "0x8037011F"}]);
        let said = subject.launch(ample(), &unknown).failure().unwrap();
        assert!(said.contains("0x80070057"), "the first failure counts: {said}");
        assert_eq!(subject.left(), [""; 0]);
    });
}

fn a_system_that_cannot_be_ended_is_told_of(standin: &Standin, schema: Schema) {
    let shut_down = match schema {
        Schema::V1 => "HcsShutdownComputeSystem",
        Schema::V2 => "HcsShutDownComputeSystem",
    };
    let subject = Subject::new(standin, schema, &json!({}));
    let faults = json!([
        {"call": shut_down, "code": "0x80070005"},
        {"call": "HcsTerminateComputeSystem", "code": "0x80070006"},
    ]);
    let launched = subject.launch(ample(), &faults);
    let said = launched.failure().unwrap();
    assert!(said.contains("cannot terminate") && said.contains("0x80070006"), "{said}");
    let (report, removed) = launched.result.unwrap();
    assert_eq!((report.exit_code, removed.is_err()), (Some(CODE), true));
    // It ended with its handle, which nobody could know: its layer is left as it is, for the next command.
    assert!(said.contains("its scratch layer is left mounted"), "{said}");
    assert!(standin.left().iter().any(|left| left.ends_with(r#": "Prepared""#)), "{:?}", standin.left());
    assert_eq!(subject.collect().removed, [subject.id.clone()]);
    assert_eq!(subject.left(), [""; 0]);
}
