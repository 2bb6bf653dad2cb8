//! Every call of a launch fails with every code that is plausible for it: the launch ends at once, says which call
//! failed with what, and undoes what it did, last first. Which calls there are is found by a launch that goes well.

use nspawn::document::Schema;
use serde_json::json;

use crate::launch::{CODE, Launched, SOON, Subject, ample};
use crate::on_both_schemas;
use crate::standin::{Call, Standin};
use crate::undone;

on_both_schemas![every_call_fails_with_every_plausible_code];

/// What a launch comes to where one of its calls fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// It fails, and leaves nothing.
    ToNothing,
    /// To the program's own end, all the same.
    ToItsEnd,
    /// To the program's own end, and leaves something that is told of and removed by the next command.
    ToItsEndButLeaves,
    /// To an end of the program of which the code is not known.
    ToAnEndThatIsLost,
}

/// ERROR_SHARING_VIOLATION of winerror.h.
const IN_USE: u32 = 0x8007_0020;

/// Returns what may come of it where this call fails with this code.
fn comes(call: &str, code: u32) -> &'static [Comes] {
    match call {
        // It is tried again.
        "DestroyLayer" if code == IN_USE => &[Comes::ToItsEnd],
        "UnprepareLayer" | "DeactivateLayer" | "DestroyLayer" => &[Comes::ToItsEndButLeaves],
        // Another way leads on, or nobody needs the answer.
        "HcsGetProcessProperties"
        | "HcsGetComputeSystemProperties"
        | "HcsShutdownComputeSystem"
        | "HcsShutDownComputeSystem"
        | "HcsUnregisterProcessCallback"
        | "HcsUnregisterComputeSystemCallback"
        | "HcsCloseProcess"
        | "HcsCloseComputeSystem" => &[Comes::ToItsEnd],
        // The process is asked for once more, where it runs still.
        "HcsWaitForOperationResultAndProcessInfo" => &[Comes::ToItsEnd, Comes::ToNothing],
        _ => &[Comes::ToNothing],
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
fn that_can_fail(calls: &[Call], schema: Schema) -> Vec<(usize, usize)> {
    let count = |index: usize| calls[..=index].iter().filter(|call| call.name == calls[index].name).count();
    // Those of computecore.dll return nothing.
    let is_void = |name: &str| schema == Schema::V2 && name.starts_with("HcsClose");
    let indices = (0..calls.len()).filter(|index| !is_void(&calls[*index].name));
    indices.map(|index| (index, count(index))).collect()
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

/// The call of a launch that is to fail.
#[derive(Debug, Clone, Copy)]
struct Fault<'a> {
    call: &'a str,
    /// Which one of its name, from 1.
    n: usize,
    /// What it is a part of.
    request: &'a str,
    code: u32,
}

fn every_call_fails_with_every_plausible_code(standin: &Standin, schema: Schema) {
    let well = Subject::new(standin, schema, &json!({})).launch(ample(), &json!([]));
    assert_eq!(undone::complaint(&well.calls, None), None, "{:#?}", well.calls);
    let (mut complaints, mut runs) = (Vec::new(), 0);
    for (index, n) in that_can_fail(&well.calls, schema) {
        let (call, request) = (&well.calls[index].name, request(&well.calls, index));
        let mut subject = Subject::new(standin, schema, &json!({}));
        for code in codes(call, schema) {
            let fault = Fault { call, n, request, code };
            let of_fault = complaints_of(&subject, fault);
            complaints.extend(of_fault.into_iter().map(|what| format!("{fault:x?}: {what}")));
            runs += 1;
            if fault.keeps_its_system() {
                subject = Subject::new(standin, schema, &json!({}));
            }
        }
    }
    assert!(runs >= 50, "{runs} are not all");
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

impl Fault<'_> {
    /// A handle that is not closed keeps its system, and the system's name, as long as we live.
    fn keeps_its_system(self) -> bool {
        self.call == "HcsCloseComputeSystem"
    }

    /// Whether the failure says what failed with which code.
    fn is_told(self, said: &str) -> bool {
        match self.call {
            // It returns no code.
            "HcsCreateOperation" => said.contains(self.call),
            _ => {
                let shown = [format!("(0x{:08X})", self.code), format!("code 0x{:08X}", self.code)];
                said.contains(&format!("{}: ", self.request)) && shown.iter().any(|code| said.contains(code))
            }
        }
    }
}

/// Launches with a fault, and returns what is wrong with what comes of it.
fn complaints_of(subject: &Subject<'_>, fault: Fault<'_>) -> Vec<String> {
    let Fault { call, n, request, code } = fault;
    let script = json!([{"call": call, "n": n, "code": format!("{code:#x}")}]);
    let launched = subject.launch(ample(), &script);
    let mut complaints = Vec::new();
    let made = launched.calls.iter().enumerate().filter(|(_, made)| made.name == call);
    let failed = made.map(|(index, _)| index).nth(n - 1);
    if failed.is_none() {
        complaints.push("the call was not made".to_owned());
    }
    // What we read of calls is what was returned.
    let returned = failed.map(|failed| launched.calls[failed].result.clone());
    if returned.is_some_and(|result| result != format!("0x{code:08X}")) {
        complaints.push("the log has another code".to_owned());
    }
    if launched.elapsed > SOON {
        complaints.push(format!("it took {:?}", launched.elapsed));
    }
    let (wanted, came) = (comes(request, code), came(&launched));
    if !wanted.contains(&came) {
        complaints.push(format!("it came {came:?}, not {wanted:?}: {:?}", launched.failure()));
    }
    // Where another way was tried, its failure may be the one to tell of.
    if let (Some(said), [_]) = (launched.failure(), wanted)
        && !fault.is_told(&said)
    {
        complaints.push(format!("it is not told: {said}"));
    }
    if let Some(what) = undone::complaint(&launched.calls, failed) {
        let names: Vec<_> = launched.calls.iter().map(|call| &call.name).collect();
        complaints.push(format!("{what}: {names:?}"));
    }
    complaints.extend(left_by(subject, fault, came));
    complaints
}

/// Returns what comes of a launch.
fn came(launched: &Launched) -> Comes {
    match &launched.result {
        Err(_) => Comes::ToNothing,
        Ok((report, _)) if report.exit_code != Some(CODE) => Comes::ToAnEndThatIsLost,
        Ok((_, Ok(()))) => Comes::ToItsEnd,
        Ok((_, Err(_))) => Comes::ToItsEndButLeaves,
    }
}

/// Removes what may be left, as the next command does, and returns what should not be there.
fn left_by(subject: &Subject<'_>, fault: Fault<'_>, came: Comes) -> Option<String> {
    if came == Comes::ToItsEndButLeaves {
        let collected = subject.collect();
        if collected.removed != [subject.id.clone()] || !collected.failed.is_empty() {
            return Some(format!("the next command does not remove what it left: {collected:?}"));
        }
    }
    let mut left = subject.left();
    left.retain(|what| !(fault.keeps_its_system() && what.starts_with("system ")));
    (!left.is_empty()).then(|| format!("left: {left:?}"))
}
