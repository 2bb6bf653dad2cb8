//! Every call of a launch fails with every code that is plausible for it: the launch ends at once, says which call
//! failed with what, and undoes what it did, last first. Which calls there are is found by a launch that goes well.

use std::time::Duration;

use nspawn::document::Schema;
use serde_json::json;

use crate::launch::{CODE, Launched, Subject, ample};
use crate::on_both_schemas;
use crate::standin::{Call, Standin, alone};
use crate::undone;

on_both_schemas![
    every_call_fails_with_every_plausible_code,
    a_layer_that_is_not_ready_is_tried_again,
    a_kill_that_fails_ends_the_whole_system,
    a_system_that_cannot_be_ended_is_told_of,
];

/// No deadline may be waited for: those are twice as long.
const SOON: Duration = Duration::from_secs(10);

/// What a launch comes to where one of its calls fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// It fails, and leaves nothing.
    ToNothing,
    /// To the program's own end, all the same.
    ToItsEnd,
    /// To the program's own end, and leaves something that is told of and removed by the next command.
    ToItsEndButLeaves,
    /// To its end or to nothing: what it does instead races with the program's end.
    ToEither,
}

/// Returns what comes of it where this call fails.
fn comes(call: &str) -> Comes {
    match call {
        "UnprepareLayer" | "DeactivateLayer" | "DestroyLayer" => Comes::ToItsEndButLeaves,
        // Another way leads on, or nobody needs the answer.
        "HcsGetProcessProperties"
        | "HcsGetComputeSystemProperties"
        | "HcsShutdownComputeSystem"
        | "HcsShutDownComputeSystem"
        | "HcsUnregisterProcessCallback"
        | "HcsUnregisterComputeSystemCallback"
        | "HcsCloseProcess"
        | "HcsCloseComputeSystem" => Comes::ToItsEnd,
        "HcsWaitForOperationResultAndProcessInfo" => Comes::ToEither,
        _ => Comes::ToNothing,
    }
}

/// Returns codes that the call may fail with, as the DLL of the schema has them.
fn codes(call: &str, schema: Schema) -> Vec<u32> {
    let service = match schema {
        Schema::V1 => 0xC037_0100,
        Schema::V2 => 0x8037_0100,
    };
    let of_win32: &[u32] = match call {
        // Access denied; disk full; exists.
        "CreateSandboxLayer" => &[5, 112, 183],
        // Access denied; sharing violation; no such file.
        "ActivateLayer" | "PrepareLayer" | "UnprepareLayer" | "DeactivateLayer" | "DestroyLayer" => {
            &[5, 32, 2]
        }
        // Access denied; no memory.
        _ => &[5, 14],
    };
    let of_service: &[u32] = match call {
        // Wrong image; document refused; id in use.
        "HcsCreateComputeSystem" => &[0x01, 0x0D, 0x0F],
        // Ended while it started; wrong state.
        "HcsStartComputeSystem" => &[0x00, 0x05],
        "HcsCreateProcess" | "HcsRegisterProcessCallback" | "HcsSetProcessCallback" => &[0x05, 0x10],
        "HcsShutdownComputeSystem" | "HcsShutDownComputeSystem" => &[0x05, 0x0E],
        _ => &[],
    };
    let of_win32 = of_win32.iter().map(|low| 0x8007_0000 | low);
    of_win32.chain(of_service.iter().map(|low| service | low)).collect()
}

/// The calls of a well-going launch that can fail: the index of each, and how many of its name came up to it.
fn that_can_fail(calls: &[Call], schema: Schema) -> Vec<(usize, u64)> {
    let count = |index: usize| calls[..=index].iter().filter(|call| call.name == calls[index].name).count();
    // Those of computecore.dll return nothing.
    let is_void = |name: &str| schema == Schema::V2 && name.starts_with("HcsClose");
    let indices = (0..calls.len()).filter(|index| !is_void(&calls[*index].name));
    indices.map(|index| (index, count(index) as u64)).collect()
}

/// Returns the request that a call of computecore.dll about operations is part of; of any other call, its own name.
fn request(calls: &[Call], index: usize) -> &str {
    let name = |call: &'_ Call| !call.name.contains("Operation");
    let of_operation = match calls[index].name.as_str() {
        "HcsCreateOperation" => calls[index..].iter().find(|call| name(call)),
        "HcsWaitForOperationResult" => calls[..index].iter().rev().find(|call| name(call)),
        _ => None,
    };
    &of_operation.unwrap_or(&calls[index]).name
}

fn every_call_fails_with_every_plausible_code(standin: &Standin, schema: Schema) {
    let well = Subject::new(standin, schema, &json!({})).launch(ample(), &json!([]));
    assert_eq!(undone::complaint(&well.calls, None), None, "{:#?}", well.calls);
    let (mut complaints, mut runs) = (Vec::new(), 0);
    for (index, n) in that_can_fail(&well.calls, schema) {
        let (call, request) = (&well.calls[index].name, request(&well.calls, index));
        let mut subject = Subject::new(standin, schema, &json!({}));
        for code in codes(call, schema) {
            if call == "HcsCloseComputeSystem" {
                // The handle that is not closed keeps the name as long as we live.
                subject = Subject::new(standin, schema, &json!({}));
            }
            let fault = json!([{"call": call, "n": n, "code": format!("{code:#x}")}]);
            let launched = subject.launch(ample(), &fault);
            runs += 1;
            let failed =
                launched.calls.iter().enumerate().filter(|(_, made)| made.name == *call).nth(n as usize - 1);
            let failed = failed.map(|(index, _)| index);
            let mut complain =
                |what: String| complaints.push(format!("{call} {n} of {request}, {code:#X}: {what}"));
            if failed.is_none() {
                complain("the call was not made".to_owned());
            }
            judge(&subject, &launched, comes(request), &mut complain);
            if let (Some(said), false) = (launched.failure(), comes(request) == Comes::ToEither) {
                // An operation cannot be made without a code.
                let shown = if call == "HcsCreateOperation" { call.clone() } else { format!("{request}: ") };
                if !said.contains(&shown)
                    || (call != "HcsCreateOperation"
                        && !said.contains(&format!("(0x{code:08X})"))
                        && !said.contains(&format!("code 0x{code:08X}")))
                {
                    complain(format!("it is not told: {said}"));
                }
            }
            if call != "HcsCloseComputeSystem"
                && let Some(what) = undone::complaint(&launched.calls, failed)
            {
                complain(format!(
                    "{what}: {:?}",
                    launched.calls.iter().map(|call| &call.name).collect::<Vec<_>>()
                ));
            }
        }
    }
    assert!(runs >= 50, "{runs} are not all");
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// Complains of a launch that came to something else, too late, or left something unsaid.
fn judge(subject: &Subject<'_>, launched: &Launched, wanted: Comes, complain: &mut impl FnMut(String)) {
    if launched.elapsed > SOON {
        complain(format!("it took {:?}", launched.elapsed));
    }
    let came = match &launched.result {
        Err(_) => Comes::ToNothing,
        Ok((report, _)) if report.exit_code != Some(CODE) => {
            return complain(format!("the program's end is lost: {report:?}"));
        }
        Ok((_, Ok(()))) => Comes::ToItsEnd,
        Ok((_, Err(_))) => Comes::ToItsEndButLeaves,
    };
    let is_wanted = match wanted {
        Comes::ToEither => came != Comes::ToItsEndButLeaves,
        _ => came == wanted,
    };
    if !is_wanted {
        complain(format!("it came {came:?}, not {wanted:?}: {:?}", launched.failure()));
    }
    if came == Comes::ToItsEndButLeaves {
        let collected = subject.collect();
        if collected.removed != [subject.id.clone()] || !collected.failed.is_empty() {
            complain(format!("the next command does not remove what it left: {collected:?}"));
        }
    }
    let left = subject.left();
    // A handle that cannot be closed keeps its system, as long as we live.
    let kept = launched.calls.iter().any(|call| call.name == "HcsCloseComputeSystem");
    let allowed = |what: &String| kept && what.starts_with("system ");
    if left.iter().any(|what| !allowed(what)) {
        complain(format!("left: {left:?}"));
    }
}

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
    for call in ["", "HcsOpenComputeSystem", "HcsOpenProcess", "HcsTerminateProcess"] {
        std::fs::remove_file(subject.place.work().join("said.txt")).unwrap_or_default();
        let launched =
            subject.launch_and(ample(), &json!([{"call": call, "code": "0x80070006"}]), |running| {
                while subject.place.said().is_empty() {
                    std::thread::sleep(Duration::from_millis(2));
                }
                running.stop().kill().unwrap();
            });
        assert!(launched.elapsed < SOON, "{call}: {launched:?}");
        let terminated = launched.calls.iter().any(|call| call.name == "HcsTerminateComputeSystem");
        assert_eq!(terminated, !call.is_empty(), "{call}: {launched:?}");
        let report = launched.report();
        assert_eq!((report.reason, report.signal), ("signal", Some(9)), "{call}");
        assert_eq!(subject.left(), [""; 0], "{call}");
    }
}

/// Seen on Windows Server 2022: the process is there, and only what was started cannot be told.
#[test]
fn a_process_that_is_not_told_of_is_asked_for_v2() {
    alone("faults::a_process_that_is_not_told_of_is_asked_for_v2", |standin| {
        let subject = Subject::running(standin, Schema::V2, &["ignore"], &json!({}));
        let wait = "HcsWaitForOperationResultAndProcessInfo";
        let untold = json!({"call": wait, "n": 1, "code": "0x80070057"});
        let launched = subject.launch_and(ample(), &json!([untold]), |running| {
            while subject.place.said().is_empty() {
                std::thread::sleep(Duration::from_millis(2));
            }
            running.stop().kill().unwrap();
        });
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
    // It ended with its handle, and the layer was given back; its name is what the next command removes.
    assert_eq!(standin.left(), [""; 0]);
    assert_eq!(subject.collect().removed, [subject.id.clone()]);
    assert_eq!(subject.left(), [""; 0]);
}
