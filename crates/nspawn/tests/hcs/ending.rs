//! A program that does not end: how far we go, how soon, and what is told of it.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nspawn::document::Schema;
use nspawn::engine::Observer;
use nspawn::engine::hcs::Deadlines;
use serde_json::{Value, json};

use crate::launch::{CODE, GRACE, SOON, Subject, ample};
use crate::on_both_schemas;
use crate::standin::{Standin, alone};

on_both_schemas![
    what_outlives_its_time_and_all_else_has_timed_out,
    a_kill_is_taken_up_while_its_end_is_waited_for,
];

fn ignored(call: &str) -> Value {
    json!({"call": call, "notify": "ignored"})
}

fn what_outlives_its_time_and_all_else_has_timed_out(standin: &Standin, schema: Schema) {
    let subject = Subject::running(standin, schema, &["ignore"], &json!({"timeout_seconds": 1}));
    // Longer than the program's own time to end.
    let deadlines = Deadlines { terminate: GRACE + Duration::from_millis(500), ..ample() };
    for (faults, terminated) in [
        (json!([ignored("HcsTerminateProcess")]), true),
        (json!([ignored("HcsTerminateProcess"), ignored("HcsTerminateComputeSystem")]), true),
        (json!([]), false),
    ] {
        let launched = subject.launch(deadlines, &faults);
        assert!(launched.elapsed < SOON, "{faults}: {launched:?}");
        let calls = &launched.calls;
        let was_terminated = calls.iter().any(|call| call.name == "HcsTerminateComputeSystem");
        assert_eq!(was_terminated, terminated, "{faults}: {calls:#?}");
        let report = launched.report();
        assert_eq!((report.reason, report.exit_status), ("timeout", 124), "{faults}");
        assert_eq!(subject.left(), [""; 0], "{faults}");
    }
}

fn a_kill_is_taken_up_while_its_end_is_waited_for(standin: &Standin, schema: Schema) {
    let subject = Subject::running(standin, schema, &["ignore"], &json!({}));
    let deadlines = Deadlines { terminate: Duration::from_millis(400), ..ample() };
    let killed = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&killed);
    let launched = subject.launch_and(deadlines, &json!([ignored("HcsTerminateProcess")]), |running| {
        let stop = running.stop();
        thread::spawn(move || {
            // Just after the first look at it: the next one is 4 s later.
            thread::sleep(Duration::from_millis(2300));
            *noted.lock().unwrap() = Some(Instant::now());
            stop.kill().unwrap();
        });
    });
    let since = killed.lock().unwrap().unwrap().elapsed();
    assert!(since < Duration::from_secs(3), "{since:?}");
    assert!(launched.calls.iter().any(|call| call.name == "HcsTerminateComputeSystem"), "{launched:?}");
    let report = launched.report();
    assert_eq!((report.reason, report.signal), ("signal", Some(9)));
    assert_eq!(subject.left(), [""; 0]);
}

/// Keeps what it is warned of.
#[derive(Debug, Default)]
struct Warnings(Mutex<Vec<String>>);

impl Observer for Warnings {
    fn step(&self, _line: &str) {}

    fn warn(&self, error: &nspawn::Error) {
        self.0.lock().unwrap().push(error.one_line());
    }
}

/// Windows Server 2016 has no signals.
#[test]
fn an_event_that_is_not_delivered_is_told_v2() {
    alone("ending::an_event_that_is_not_delivered_is_told_v2", |standin| {
        let subject = Subject::running(standin, Schema::V2, &["ignore"], &json!({"timeout_seconds": 1}));
        let at_once = ample();
        // Its answer comes when nobody waits for it any more.
        let later = Deadlines { signal: Duration::ZERO, ..ample() };
        for (deadlines, fault, wanted) in [
            (
                at_once,
                json!({"code": "0x80070005"}),
                &["HcsSignalProcess: access is denied (0x80070005)"][..],
            ),
            (
                at_once,
                json!({"status": "0x80370105"}),
                &["HcsSignalProcess: it is in the wrong state for that (0x80370105)"],
            ),
            (
                later,
                json!({"status": "0x80370105"}),
                &["HcsSignalProcess: it is in the wrong state for that (0x80370105)"],
            ),
            // It has ended: nothing is to be told.
            (at_once, json!({"code": "0x8037011F"}), &[]),
        ] {
            let (warnings, mut faults) = (Warnings::default(), fault.clone());
            faults["call"] = json!("HcsSignalProcess");
            let launched = subject.launch_telling(deadlines, &json!([faults]), &warnings);
            assert!(launched.elapsed < SOON, "{fault}: {launched:?}");
            assert_eq!(launched.report().reason, "timeout", "{fault}");
            let wanted: Vec<_> =
                wanted.iter().map(|why| format!("cannot signal the program: {why}")).collect();
            assert_eq!(*warnings.0.lock().unwrap(), wanted, "{fault}");
            assert_eq!(subject.left(), [""; 0], "{fault}");
        }
    });
}

/// What computecore.dll tells whole is not asked for; what it does not tell is, again and again.
#[test]
fn an_exit_that_is_not_told_is_asked_for_v2() {
    alone("ending::an_exit_that_is_not_told_is_asked_for_v2", |standin| {
        let short = Duration::from_millis(400);
        for untold in ["never", "early"] {
            for answer in ["never", "late", "disconnect"] {
                let subject = Subject::new(standin, Schema::V2, &json!({}));
                let faults = json!([
                    {"call": "HcsCreateProcess", "notify": untold},
                    {"call": "HcsGetProcessProperties", "n": 1, "notify": answer},
                ]);
                let launched = subject.launch(Deadlines { ask: short, look: short, ..ample() }, &faults);
                let asked =
                    launched.calls.iter().filter(|call| call.name == "HcsGetProcessProperties").count();
                assert!(asked >= 1 && launched.elapsed < SOON, "{untold} {answer}: {launched:?}");
                assert_eq!(launched.report().exit_code, Some(CODE), "{untold} {answer}");
                assert_eq!(subject.left(), [""; 0], "{untold} {answer}");
            }
        }
    });
}

/// That ending it is not done yet, or was not in time, is no failure: whether it has ended is what counts.
#[test]
fn an_end_that_is_pending_is_waited_for_v2() {
    alone("ending::an_end_that_is_pending_is_waited_for_v2", |standin| {
        let subject = Subject::new(standin, Schema::V2, &json!({}));
        let wait = "HcsWaitForOperationResult";
        let refused = json!({"call": "HcsShutDownComputeSystem", "code": "0x80070005"});
        let terminated = subject.launch(ample(), &json!([refused]));
        // Of all that is waited for, that it is terminated is the last.
        let last = terminated.calls.iter().filter(|call| call.name == wait).count();
        for code in ["0x80370117", "0x80370118"] {
            let late = json!({"call": wait, "n": last, "code": code});
            let launched = subject.launch(ample(), &json!([refused, late]));
            assert!(launched.elapsed < SOON, "{code}: {launched:?}");
            let waited: Vec<_> = launched.calls.iter().filter(|call| call.name == wait).collect();
            assert_eq!(waited[last - 1].result, code, "{waited:?}");
            assert_eq!(launched.report().exit_code, Some(CODE), "{code}");
            assert_eq!(subject.left(), [""; 0], "{code}");
        }
        // Accepted, and nothing comes of it.
        let short = Duration::from_millis(400);
        let pending = json!([{"call": "HcsShutDownComputeSystem", "code": "0x80370117"}]);
        let launched = subject.launch(Deadlines { shutdown: short, ..ample() }, &pending);
        assert!((short..SOON).contains(&launched.elapsed), "{launched:?}");
        assert!(launched.calls.iter().any(|call| call.name == "HcsTerminateComputeSystem"), "{launched:?}");
        assert_eq!(launched.report().exit_code, Some(CODE));
        assert_eq!(subject.left(), [""; 0]);
    });
}
