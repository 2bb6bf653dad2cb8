//! What a Windows has not got: an export that came later is missing, and missing it is an ordinary error.

use hcs_sys::Error;
use hcs_sys::vmcompute::System;
use nspawn::document::Schema;
use serde_json::json;

use crate::launch::{Subject, ample};
use crate::standin::{Standin, alone};

/// Sends a signal to the program by vmcompute.dll, and returns what comes of it.
fn signal(standin: &Standin) -> Option<Error> {
    let subject = Subject::running(standin, Schema::V1, &["obey", "7"], &json!({}));
    let mut refused = None;
    let launched = subject.launch_and(ample(), &json!([]), |running| {
        let calls = standin.calls();
        let watched = calls.iter().find(|call| call.name == "HcsRegisterProcessCallback").unwrap();
        let pid = u32::try_from(watched.arguments["pid"].as_u64().unwrap()).unwrap();
        while subject.place.said().is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let process = System::open(subject.id.as_str()).unwrap().open_process(pid).unwrap();
        refused = process.signal(r#"{"Signal": "CtrlC"}"#).err();
        if refused.is_some() {
            running.stop().kill().unwrap();
        }
    });
    launched.report();
    refused
}

/// Runs as Windows Server 2016, as tests of schema v1 do.
#[test]
fn server_2016_has_no_signals_v1() {
    alone("exports::server_2016_has_no_signals_v1", |standin| {
        let said = signal(standin).unwrap().to_string();
        assert!(said.contains("HcsSignalProcess") && said.contains("vmcompute.dll"), "{said}");
        assert!(standin.calls().iter().all(|call| call.name != "HcsSignalProcess"));
    });
}

#[test]
fn later_servers_have_signals_v2() {
    alone("exports::later_servers_have_signals_v2", |standin| {
        assert!(signal(standin).is_none());
        assert!(standin.calls().iter().any(|call| call.name == "HcsSignalProcess"));
    });
}
