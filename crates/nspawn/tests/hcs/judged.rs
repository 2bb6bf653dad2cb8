//! What the service would find wrong with a launch: a document that it does not take, a wait without an end, a layer
//! taken away under its system.

use std::time::Duration;

use hcs_sys::{Code, Error, computecore, vmcompute};
use nspawn::document::Schema;
use serde_json::{Value, json};

use crate::launch::{CODE, Launched, Subject, ample};
use crate::on_both_schemas;
use crate::standin::{Standin, alone};

on_both_schemas![
    a_document_that_is_refused_is_told_with_the_place,
    a_launch_that_goes_well_makes_no_call_that_is_refused,
    a_layer_under_a_system_that_does_not_end_is_in_use,
];

fn a_document_that_is_refused_is_told_with_the_place(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    let (code, place) = match schema {
        Schema::V1 => ("0xC037010D", "$.MappedDirectories[0].HostPath"),
        Schema::V2 => ("0x8037010D", "$.Container.MappedDirectories[0].HostPath"),
    };
    let faults = json!([{"call": "HcsCreateComputeSystem", "code": code, "place": place}]);
    let said = subject.launch(ample(), &faults).failure().unwrap();
    assert!(said.contains(&format!("Invalid JSON document '{place}'")), "{said}");
    assert!(said.contains(code), "{said}");
    assert_eq!(subject.left(), [""; 0]);
}

fn a_launch_that_goes_well_makes_no_call_that_is_refused(standin: &Standin, schema: Schema) {
    let limits = json!({"max_ram_mb": 512, "cpus_count": 1, "max_storage_iops": 1024, "hostname": "box"});
    let launched = Subject::new(standin, schema, &limits).launch(ample(), &json!([]));
    for call in &launched.calls {
        let taken = ["0x00000000", "0xC0370103", "void"];
        assert!(taken.iter().any(|result| call.result == *result), "{call:?}");
    }
    let deadlines = ample();
    let longest = deadlines.create.max(deadlines.ask).max(deadlines.terminate);
    let waits: Vec<_> =
        launched.calls.iter().filter(|call| call.name.starts_with("HcsWaitForOperationResult")).collect();
    assert_eq!(waits.is_empty(), schema == Schema::V1);
    for wait in waits {
        let milliseconds = wait.arguments["milliseconds"].as_u64().map(Duration::from_millis);
        assert!(milliseconds.is_some_and(|wait| wait <= longest), "{wait:?}");
    }
    assert_eq!(launched.report().exit_code, Some(CODE));
}

fn a_layer_under_a_system_that_does_not_end_is_in_use(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    let shut_down = match schema {
        Schema::V1 => "HcsShutdownComputeSystem",
        Schema::V2 => "HcsShutDownComputeSystem",
    };
    let ignored = |call| json!({"call": call, "notify": "ignored"});
    let short = Duration::from_millis(300);
    let deadlines = nspawn::engine::hcs::Deadlines { shutdown: short, terminate: short, ..ample() };
    // Somebody else has it open, so that it does not end with our handle.
    let mut other = None;
    let faults = json!([ignored(shut_down), ignored("HcsTerminateComputeSystem")]);
    let launched = subject.launch_and(deadlines, &faults, |_| {
        other = Some(vmcompute::System::open(subject.id.as_str()).unwrap());
    });
    let said = launched.failure().unwrap();
    assert!(said.contains("cannot terminate"), "{said}");
    // We do not try.
    assert!(launched.calls.iter().all(|call| call.name != "UnprepareLayer"), "{said}");
    let layer = vmcompute::Layer::at(subject.place.scratch(subject.id.as_str()).to_str().unwrap()).unwrap();
    assert_eq!(layer.unprepare().unwrap_err().code().map(Code::raw), Some(0x8007_0020));
    drop(other);
    assert_eq!(subject.collect().removed, [subject.id.clone()]);
    assert_eq!(subject.left(), [""; 0]);
}

/// The service says that null options are no document, as a Windows 11 was seen to.
#[test]
fn a_shutdown_whose_options_are_refused_is_asked_for_with_some_v2() {
    alone("judged::a_shutdown_whose_options_are_refused_is_asked_for_with_some_v2", |standin| {
        let subject = Subject::new(standin, Schema::V2, &json!({}));
        let faults = json!([{"call": "HcsShutDownComputeSystem", "n": 1, "code": "0x8037010D"}]);
        let Launched { result, calls, .. } = subject.launch(ample(), &faults);
        let asked: Vec<_> = calls
            .iter()
            .filter(|call| call.name == "HcsShutDownComputeSystem")
            .map(|call| (call.arguments["options"].clone(), call.result.clone()))
            .collect();
        assert_eq!(asked, [(Value::Null, json!("0x8037010D")), (json!("{}"), json!("0x00000000"))]);
        assert!(calls.iter().all(|call| call.name != "HcsTerminateComputeSystem"), "{calls:#?}");
        assert_eq!(result.unwrap().0.exit_code, Some(CODE));
        assert_eq!(subject.left(), [""; 0]);
    });
}

/// One DLL may look at what the other made, and end it, and no more: neither of them runs it.
#[test]
fn what_one_dll_made_the_other_does_not_run_v2() {
    alone("judged::what_one_dll_made_the_other_does_not_run_v2", |standin| {
        let subject = Subject::running(standin, Schema::V1, &["ignore"], &json!({}));
        let wait = Duration::from_secs(20);
        let launched = subject.launch_and(ample(), &json!([]), |_| {
            let system = computecore::System::open(subject.id.as_str()).unwrap();
            let listed: Value = serde_json::from_str(&computecore::enumerate("{}", wait).unwrap()).unwrap();
            assert_eq!(listed[0]["State"], "Running");
            let code = |result: Result<(), Error>| result.err().and_then(|error| error.code()).map(Code::raw);
            let process = json!({"CommandLine": "a.exe"}).to_string();
            for refused in [code(system.start(wait)), code(system.create_process(&process, wait).map(drop))] {
                assert_eq!(refused, Some(0x8037_0105));
            }
            system.terminate(wait).unwrap();
        });
        assert!(launched.failure().is_none(), "{launched:?}");
        assert_eq!(subject.left(), [""; 0]);
    });
}
