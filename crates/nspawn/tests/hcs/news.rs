//! What the service tells is lost, late, told twice, told early, or is that the service went away: a launch comes to
//! its end, or fails within the deadline of what it waited for, and leaves nothing.

use std::time::Duration;

use nspawn::ErrorKind;
use nspawn::document::Schema;
use nspawn::engine::hcs::Deadlines;
use serde_json::json;

use crate::launch::{CODE, SOON, Subject, ample};
use crate::on_both_schemas;
use crate::standin::Standin;
use crate::undone;

on_both_schemas![
    news_that_comes_is_enough,
    news_that_does_not_come_in_time_is_waited_for_no_longer,
    where_the_service_went_away_nothing_is_waited_for,
    a_system_that_does_not_end_is_told_of,
    one_by_half_that_does_not_end_keeps_its_layer,
    one_that_ended_untold_is_looked_at,
    what_is_refused_later_is_told_as_what_is_refused_at_once,
    a_system_that_exits_before_its_program_runs_is_told_of,
    where_the_service_went_away_the_system_is_asked_for,
];

/// A deadline that the stand-in's late news, after a second, misses, and nothing else does.
const SHORT: Duration = Duration::from_millis(400);

/// The calls that lead to news, or to the result of an operation, and how a launch goes on without.
fn calls(schema: Schema) -> &'static [(&'static str, Without)] {
    match schema {
        Schema::V1 => &[
            ("HcsCreateComputeSystem", Without::Fails("create")),
            ("HcsStartComputeSystem", Without::Fails("start")),
            ("HcsCreateProcess", Without::GoesOn),
            ("HcsShutdownComputeSystem", Without::GoesOn),
        ],
        Schema::V2 => &[
            ("HcsCreateComputeSystem", Without::Fails("create")),
            ("HcsStartComputeSystem", Without::Fails("start")),
            ("HcsCreateProcess", Without::GoesOn),
            ("HcsGetComputeSystemProperties", Without::GoesOn),
            ("HcsShutDownComputeSystem", Without::GoesOn),
        ],
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    /// The launch fails, and says that it could not do this.
    Fails(&'static str),
    /// Another way leads on.
    GoesOn,
}

fn news_that_comes_is_enough(standin: &Standin, schema: Schema) {
    for (call, _) in calls(schema) {
        for notify in ["late", "twice", "early"] {
            let subject = Subject::new(standin, schema, &json!({}));
            // That a process has ended too early is found by looking at it again.
            let deadlines = Deadlines { look: SHORT, ..ample() };
            let launched = subject.launch(deadlines, &json!([{"call": call, "notify": notify}]));
            assert!(launched.elapsed < SOON, "{call} {notify}: {launched:?}");
            assert_eq!(launched.report().exit_code, Some(CODE), "{call} {notify}");
            assert_eq!(subject.left(), [""; 0], "{call} {notify}");
        }
    }
}

fn news_that_does_not_come_in_time_is_waited_for_no_longer(standin: &Standin, schema: Schema) {
    let all = Deadlines { create: SHORT, ask: SHORT, shutdown: SHORT, look: SHORT, ..ample() };
    for (call, without) in calls(schema) {
        // Short is what is waited for alone, so that nothing else is late on a busy machine.
        let deadlines = match *call {
            "HcsCreateComputeSystem" | "HcsStartComputeSystem" => Deadlines { create: all.create, ..ample() },
            "HcsCreateProcess" => Deadlines { look: all.look, ..ample() },
            "HcsGetComputeSystemProperties" => Deadlines { ask: all.ask, ..ample() },
            _ => Deadlines { shutdown: all.shutdown, ..ample() },
        };
        for notify in ["never", "late"] {
            let subject = Subject::new(standin, schema, &json!({}));
            let launched = subject.launch(deadlines, &json!([{"call": call, "notify": notify}]));
            assert!(launched.elapsed < SOON, "{call} {notify}: {launched:?}");
            match (without, launched.failure()) {
                (Without::GoesOn, _) => {
                    assert_eq!(launched.report().exit_code, Some(CODE), "{call} {notify}")
                }
                (Without::Fails(what), Some(said)) => {
                    let error = launched.result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Timeout, "{call} {notify}: {said}");
                    assert!(said.starts_with(&format!("cannot {what} container {}", subject.id)), "{said}");
                }
                (Without::Fails(_), None) => panic!("{call} {notify}: {launched:?}"),
            }
            assert_eq!(subject.left(), [""; 0], "{call} {notify}");
        }
    }
}

fn where_the_service_went_away_nothing_is_waited_for(standin: &Standin, schema: Schema) {
    for (call, without) in calls(schema) {
        let subject = Subject::new(standin, schema, &json!({}));
        let launched = subject.launch(ample(), &json!([{"call": call, "notify": "disconnect"}]));
        assert!(launched.elapsed < SOON, "{call}: {launched:?}");
        match without {
            Without::GoesOn => assert_eq!(launched.report().exit_code, Some(CODE), "{call}"),
            Without::Fails(what) => {
                let said = launched.failure().unwrap();
                assert!(said.contains(what) && said.contains("went away"), "{call}: {said}");
            }
        }
        assert_eq!(subject.left(), [""; 0], "{call}");
    }
}

fn a_system_that_does_not_end_is_told_of(standin: &Standin, schema: Schema) {
    let shut_down = match schema {
        Schema::V1 => "HcsShutdownComputeSystem",
        Schema::V2 => "HcsShutDownComputeSystem",
    };
    let subject = Subject::new(standin, schema, &json!({}));
    let faults = json!([{"call": shut_down, "code": "0x80070005"}, {"call": "HcsTerminateComputeSystem", "notify": "ignored"}]);
    let launched = subject.launch(Deadlines { terminate: SHORT, ..ample() }, &faults);
    let said = launched.failure().unwrap();
    assert!(said.contains("cannot terminate container") && said.contains("did not answer"), "{said}");
    assert!(said.contains("its scratch layer is left mounted"), "{said}");
    assert_eq!(launched.result.unwrap().0.exit_code, Some(CODE));
    let taken_from_under_it = ["UnprepareLayer", "DeactivateLayer", "DestroyLayer"];
    assert!(!launched.calls.iter().any(|call| taken_from_under_it.contains(&&*call.name)), "{said}");
    assert_eq!(subject.collect().removed, [subject.id.clone()]);
    assert_eq!(subject.left(), [""; 0]);
}

/// A system is made or started by half, and nobody can end it: its layer is left, and the next command removes it.
fn one_by_half_that_does_not_end_keeps_its_layer(standin: &Standin, schema: Schema) {
    for (call, what) in LATER {
        let subject = Subject::new(standin, schema, &json!({}));
        let faults = json!([
            {"call": call, "notify": "never"},
            {"call": "HcsTerminateComputeSystem", "code": "0x80070005"},
        ]);
        let launched = subject.launch(Deadlines { create: SHORT, ..ample() }, &faults);
        let said = launched.failure().unwrap();
        assert!(said.starts_with(&format!("cannot {what} container {}", subject.id)), "{said}");
        let told = ["cannot terminate", "its scratch layer is left mounted"];
        assert!(told.iter().all(|told| said.contains(told)), "{call}: {said}");
        let unmounted = launched.calls.iter().any(|call| call.name == "UnprepareLayer");
        assert!(!unmounted, "{call}: {launched:?}");
        assert_eq!(subject.collect().removed, [subject.id.clone()], "{call}");
        assert_eq!(subject.left(), [""; 0], "{call}");
    }
}

/// That it ended is not told, or told to be late: it is looked at before its layer is left.
fn one_that_ended_untold_is_looked_at(standin: &Standin, schema: Schema) {
    let shut_down = match schema {
        Schema::V1 => "HcsShutdownComputeSystem",
        Schema::V2 => "HcsShutDownComputeSystem",
    };
    let subject = Subject::new(standin, schema, &json!({}));
    for notify in ["never", "late"] {
        let faults = json!([
            {"call": shut_down, "code": "0x80070005"},
            {"call": "HcsTerminateComputeSystem", "notify": notify},
        ]);
        let launched = subject.launch(Deadlines { terminate: SHORT, ..ample() }, &faults);
        assert!(launched.elapsed < SOON, "{notify}: {launched:?}");
        assert_eq!(launched.report().exit_code, Some(CODE), "{notify}");
        assert_eq!(subject.left(), [""; 0], "{notify}");
    }
}

/// The calls that are done later, and what they do.
const LATER: [(&str, &str); 2] = [("HcsCreateComputeSystem", "create"), ("HcsStartComputeSystem", "start")];

fn what_is_refused_later_is_told_as_what_is_refused_at_once(standin: &Standin, schema: Schema) {
    let family = match schema {
        Schema::V1 => 0xC037_0000_u32,
        Schema::V2 => 0x8037_0000,
    };
    let codes = [
        (family | 0x100, ErrorKind::Host),
        (family | 0x101, ErrorKind::Unsupported),
        (family | 0x102, ErrorKind::Unsupported),
        (family | 0x10D, ErrorKind::Host),
        (family | 0x10F, ErrorKind::AlreadyExists),
        (0x8037_0118, ErrorKind::Timeout),
        (0x8007_0005, ErrorKind::Denied),
        (0x8007_000E, ErrorKind::Host),
    ];
    let subject = Subject::new(standin, schema, &json!({}));
    for (call, what) in LATER {
        for (code, kind) in codes {
            let status = format!("{code:#x}");
            let launched = subject.launch(ample(), &json!([{"call": call, "status": status}]));
            assert!(launched.elapsed < SOON, "{call} {status}: {launched:?}");
            let said = launched.failure().unwrap();
            assert!(said.starts_with(&format!("cannot {what} container {}", subject.id)), "{said}");
            let told = [format!("{call}: "), format!("0x{code:08X}"), "by script, later".to_owned()];
            assert!(told.iter().all(|told| said.contains(told)), "{call} {status}: {said}");
            assert_eq!(undone::complaint(&launched.calls, None), None, "{call} {status}");
            assert_eq!(launched.result.unwrap_err().kind(), kind, "{said}");
            assert_eq!(subject.left(), [""; 0], "{call} {status}");
        }
    }
}

fn a_system_that_exits_before_its_program_runs_is_told_of(standin: &Standin, schema: Schema) {
    let told: &[&str] = match schema {
        Schema::V1 => &["(0xC0370106)", r#""ExitType":"UnexpectedExit""#],
        Schema::V2 => &["(0x80370106)"],
    };
    let subject = Subject::new(standin, schema, &json!({}));
    for (call, what) in LATER {
        let launched = subject.launch(ample(), &json!([{"call": call, "notify": "exits"}]));
        assert!(launched.elapsed < SOON, "{call}: {launched:?}");
        let said = launched.failure().unwrap();
        assert!(said.starts_with(&format!("cannot {what} container {}", subject.id)), "{said}");
        assert!(said.contains(&format!("{call}: ")) && told.iter().all(|told| said.contains(told)), "{said}");
        assert_eq!(subject.left(), [""; 0], "{call}");
    }
}

/// The service goes away while the program runs: its end is not known, and the system is ended before its layer is
/// unmounted. Where that is not known either, it is told.
fn where_the_service_went_away_the_system_is_asked_for(standin: &Standin, schema: Schema) {
    let shut_down = match schema {
        Schema::V1 => "HcsShutdownComputeSystem",
        Schema::V2 => "HcsShutDownComputeSystem",
    };
    let leaves = json!({"call": "HcsCreateProcess", "notify": "leaves"});
    let ignored = |call| json!({"call": call, "notify": "ignored"});
    let deadlines = Deadlines { shutdown: SHORT, terminate: SHORT, ..ample() };
    let terminate = "HcsTerminateComputeSystem";
    for (faults, terminates, ends) in [
        (json!([leaves]), false, true),
        (json!([leaves, ignored(shut_down)]), true, true),
        (json!([leaves, ignored(shut_down), ignored(terminate)]), true, false),
    ] {
        let subject = Subject::running(standin, schema, &["ignore"], &json!({}));
        let launched = subject.launch(deadlines, &faults);
        assert!(launched.elapsed < SOON, "{launched:?}");
        assert_eq!(launched.calls.iter().any(|call| call.name == terminate), terminates, "{launched:?}");
        let said = launched.failure();
        assert_eq!(said.is_none(), ends, "{said:?}");
        assert!(said.is_none_or(
            |said| said.contains("cannot terminate") && said.contains("tells nothing of it any more")
        ));
        assert_eq!(launched.result.unwrap().0.reason, "lost");
        if !ends {
            assert_eq!(subject.collect().removed, [subject.id.clone()]);
        }
        assert_eq!(subject.left(), [""; 0], "{faults}");
    }
}
