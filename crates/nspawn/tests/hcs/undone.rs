//! Whether a list of calls undoes what it did, last first.

use crate::standin::Call;

/// What makes something, and what gives it back.
const PAIRS: [(&str, &str); 10] = [
    ("CreateSandboxLayer", "DestroyLayer"),
    ("ActivateLayer", "DeactivateLayer"),
    ("PrepareLayer", "UnprepareLayer"),
    ("HcsCreateComputeSystem", "HcsCloseComputeSystem"),
    ("HcsOpenComputeSystem", "HcsCloseComputeSystem"),
    ("HcsRegisterComputeSystemCallback", "HcsUnregisterComputeSystemCallback"),
    ("HcsCreateProcess", "HcsCloseProcess"),
    ("HcsOpenProcess", "HcsCloseProcess"),
    ("HcsRegisterProcessCallback", "HcsUnregisterProcessCallback"),
    ("HcsCreateOperation", "HcsCloseOperation"),
];

/// What ends a system; closing the last handle does too, but is not waited for.
const ENDS: [&str; 3] = ["HcsShutdownComputeSystem", "HcsShutDownComputeSystem", "HcsTerminateComputeSystem"];

/// A layer that one of these did not unmount is not destroyed: it is left to the next command.
const UNMOUNTS: [&str; 2] = ["UnprepareLayer", "DeactivateLayer"];

/// Tells what is wrong. `failed` is the index of a call that did nothing; destroying a layer is then tried again.
pub fn complaint(calls: &[Call], failed: Option<usize>) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut system_runs = false;
    for (index, Call { name, .. }) in calls.iter().enumerate() {
        let did_something = failed != Some(index);
        system_runs |= name == "HcsCreateComputeSystem" && did_something;
        system_runs &= !ENDS.contains(&name.as_str());
        if name == "UnprepareLayer" && system_runs {
            return Some("the layer is unmounted under a system that nobody has ended".to_owned());
        }
        if PAIRS.iter().any(|(makes, _)| makes == name) {
            open.extend(did_something.then_some(name.as_str()));
            continue;
        }
        if !PAIRS.iter().any(|(_, gives_back)| gives_back == name) {
            continue;
        }
        if name == "DestroyLayer"
            && !did_something
            && calls[index + 1..].iter().any(|call| call.name == *name)
        {
            continue;
        }
        // What is made by an operation outlives it.
        let last = match name.as_str() {
            "HcsCloseOperation" => open.iter().rposition(|made| *made == "HcsCreateOperation"),
            _ => open.len().checked_sub(1),
        };
        match last.filter(|last| PAIRS.contains(&(open[*last], name))) {
            Some(last) => drop(open.remove(last)),
            None => return Some(format!("call {index}, {name}, comes while {open:?} stand")),
        }
    }
    let stays_mounted = failed.is_some_and(|index| UNMOUNTS.contains(&calls[index].name.as_str()));
    let left: &[&str] = if stays_mounted { &["CreateSandboxLayer"] } else { &[] };
    (open != left).then(|| format!("not given back: {open:?}"))
}

#[test]
fn lists_that_do_not_undo_are_found_v1_v2() {
    let complaint_of = |names: &[&str], failed| {
        let nothing = serde_json::Value::Null;
        let call = |name: &&str| Call {
            name: (*name).to_owned(),
            arguments: nothing.clone(),
            result: nothing.clone(),
        };
        complaint(&names.iter().map(call).collect::<Vec<_>>(), failed)
    };
    let whole = [
        "CreateSandboxLayer",
        "ActivateLayer",
        "PrepareLayer",
        "HcsCreateComputeSystem",
        "HcsShutdownComputeSystem",
        "HcsCloseComputeSystem",
        "UnprepareLayer",
        "DeactivateLayer",
        "DestroyLayer",
    ];
    assert_eq!(complaint_of(&whole, None), None);
    assert_eq!(complaint_of(&["CreateSandboxLayer"], Some(0)), None);
    for left_out in 0..whole.len() {
        let mut names = whole.to_vec();
        names.remove(left_out);
        assert!(complaint_of(&names, None).is_some(), "{names:?}");
    }
    // A layer that stays mounted is not destroyed, and one that is in use is tried again.
    assert_eq!(complaint_of(&whole[..8], Some(7)), None);
    assert!(complaint_of(&whole, Some(7)).is_some());
    assert_eq!(complaint_of(&[whole.as_slice(), &["DestroyLayer"]].concat(), Some(8)), None);
    let mut swapped = whole;
    swapped.swap(7, 8);
    assert!(complaint_of(&swapped, None).is_some());
}
