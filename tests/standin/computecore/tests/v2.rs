//! The DLL as the launcher calls it: a system and a process by schema v2, refusals and faults. The DLL is copied to
//! the system's directory, where it alone is looked for.
#![cfg(windows)]

#[path = "../../vmcompute/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use hcs_sys::computecore::{System, enumerate};
use hcs_sys::pipe::Pipe;
use hcs_sys::{Code, Error, Kind};
use serde_json::json;
use service::guid;
use support::{
    CLOSE_INPUT, WAIT, alone, calls, code, exit_of, lines, place_of, process_document, program, read,
    read_all, wait_for,
};

const DLL: &str = "computecore.dll";

fn document(root: &Path) -> String {
    let volume = r"\\?\Volume{00000000-0000-0000-0000-000000000000}\";
    json!({
        "Owner": "test", "SchemaVersion": {"Major": 2, "Minor": 1}, "ShouldTerminateOnLastHandleClosed": true,
        "Container": {
            "Storage": {"Layers": [{"Id": guid::of_name("base").to_string(), "Path": root.join("base")}], "Path": volume},
            "MappedDirectories": [
                {"HostPath": root.join("work"), "ContainerPath": r"C:\nspawndir", "ReadOnly": false},
            ],
        },
    })
    .to_string()
}

fn document_without_layers(root: &Path) -> String {
    let mut document = read(&document(root));
    document["Container"]["Storage"]["Layers"] = json!([]);
    document.to_string()
}

#[test]
fn the_whole_sequence() {
    alone(DLL, "the_whole_sequence", |root| {
        let work = program(root);
        let (sender, news) = channel();
        let (mut system, made) = System::create("a", &document(root), WAIT).unwrap();
        made.unwrap();
        system.watch(sender).unwrap();
        system.start(WAIT).unwrap();
        let properties = read(&system.properties("{}", WAIT).unwrap());
        assert_eq!((&properties["State"], &properties["Owner"]), (&json!("Running"), &json!("test")));

        let (mut process, started) = system.create_process(&process_document(), WAIT).unwrap();
        let started = started.unwrap();
        let (sender, process_news) = channel();
        process.watch(sender).unwrap();
        assert!(started.stderr.is_none());
        let again = process.started(WAIT).unwrap();
        assert_eq!((again.pid, again.stdout.is_some(), again.stderr.is_some()), (started.pid, true, false));
        drop(again);
        Pipe::new(started.stdin.unwrap()).write_all(b"some input").unwrap();
        // Closing our end alone is not the end of its input: the service has one, too.
        process.modify(CLOSE_INPUT, WAIT).unwrap();
        let output = read_all(&Pipe::new(started.stdout.unwrap()));
        assert!(output.contains(&format!("in {}", work.display())), "{output}");
        assert!(output.contains("read some input ahoy"), "{output}");
        let exited = wait_for(&process_news, Kind::ProcessExited);
        assert_eq!(exit_of(&exited.data.unwrap()), (started.pid.into(), Some(7)));
        let properties = read(&system.properties(r#"{"PropertyTypes": ["Statistics"]}"#, WAIT).unwrap());
        let peak = &properties["Statistics"]["Memory"]["MemoryUsageCommitPeakBytes"];
        assert!(peak.as_u64().unwrap() > 4096, "{properties}");
        assert_eq!(code(process.terminate(WAIT)), Some(Code::PROCESS_ALREADY_STOPPED));
        drop(process);

        system.shut_down().unwrap();
        let exited = wait_for(&news, Kind::SystemExited);
        assert_eq!(exited.data.as_deref(), Some(r#"{"Status":0,"ExitType":"GracefulExit"}"#));
        assert_eq!(code(system.terminate(WAIT)), Some(Code::SYSTEM_ALREADY_STOPPED));
        drop(system);
        assert!(news.recv().is_err(), "no more is told");
        assert_eq!(enumerate("{}", WAIT).unwrap(), "[]");
        let operations = ["HcsCreateOperation", "HcsWaitFor", "HcsCloseOperation"];
        let waits = lines(root).into_iter().filter(|line| line["call"] == "HcsWaitForOperationResult");
        for line in waits {
            let milliseconds = &line["arguments"]["milliseconds"];
            assert!(milliseconds.as_u64().is_some_and(|wait| wait <= WAIT.as_millis() as u64), "{line}");
            assert!(line["arguments"]["of"].is_string() && line["result"].is_string(), "{line}");
        }
        let mut calls = calls(root);
        calls.retain(|call| !operations.iter().any(|operation| call.starts_with(operation)));
        assert_eq!(
            calls,
            [
                "HcsCreateComputeSystem",
                "HcsSetComputeSystemCallback",
                "HcsStartComputeSystem",
                "HcsGetComputeSystemProperties",
                "HcsCreateProcess",
                "HcsSetProcessCallback",
                "HcsGetProcessInfo",
                "HcsModifyProcess",
                "HcsGetComputeSystemProperties",
                "HcsTerminateProcess",
                "HcsCloseProcess",
                "HcsShutDownComputeSystem",
                "HcsTerminateComputeSystem",
                "HcsCloseComputeSystem",
                "HcsEnumerateComputeSystems",
            ]
        );
    });
}

#[test]
fn refusals_have_code_and_document() {
    alone(DLL, "refusals_have_code_and_document", |root| {
        let (system, made) = System::create("a", &document(root), WAIT).unwrap();
        made.unwrap();
        for (refused, wanted) in [
            (code(System::create("a", &document(root), WAIT)), Code::SYSTEM_ALREADY_EXISTS),
            (code(System::open("b")), Code::SYSTEM_NOT_FOUND),
            (code(system.create_process(&process_document(), WAIT)), Code::INVALID_STATE),
            (code(system.open_process(4)), Code::ELEMENT_NOT_FOUND),
        ] {
            assert_eq!(refused, Some(wanted));
        }
        let text = document(root).replace("Owner", "Name");
        let Err(Error::Refused { code, document, .. }) = System::create("c", &text, WAIT) else {
            panic!("an unknown field is refused");
        };
        assert_eq!(code.raw(), 0x8037_010D);
        assert_eq!(place_of(&document.unwrap()), "$.Name");
        let text = document_without_layers(root);
        let Err(Error::Refused { document, .. }) = System::create("c", &text, WAIT) else {
            panic!("a container has layers");
        };
        assert_eq!(place_of(&document.unwrap()), "$.Container.Storage.Layers");
        system.start(WAIT).unwrap();
        let Err(Error::Refused { code, document, .. }) = system.start(WAIT) else {
            panic!("it runs already");
        };
        assert_eq!(code, Code::INVALID_STATE);
        assert!(document.unwrap().contains("it is Running"));
    });
}

#[test]
fn faults_come_as_the_script_says() {
    alone(DLL, "faults_come_as_the_script_says", |root| {
        let script = json!([
            {"call": "HcsStartComputeSystem", "n": 1, "code": "0x80070005"},
            {"call": "HcsStartComputeSystem", "n": 2, "notify": "never"},
            {"call": "HcsShutDownComputeSystem", "notify": "never"},
            {"call": "HcsCreateProcess", "notify": "disconnect"},
        ]);
        fs::write(root.join("faults.json"), script.to_string()).unwrap();
        program(root);
        let (sender, news) = channel();
        let (mut system, made) = System::create("a", &document(root), WAIT).unwrap();
        made.unwrap();
        system.watch(sender).unwrap();
        assert_eq!(code(system.start(WAIT)), Some(Code::ACCESS_DENIED));
        assert_eq!(code(system.start(Duration::from_millis(50))), Some(Code::OPERATION_TIMEOUT));
        let (mut process, started) = system.create_process(&process_document(), WAIT).unwrap();
        let (sender, process_news) = channel();
        process.watch(sender).unwrap();
        drop(started);
        process.modify(CLOSE_INPUT, WAIT).unwrap();
        wait_for(&process_news, Kind::ServiceDisconnect);
        system.shut_down().unwrap();
        assert_eq!(news.recv_timeout(Duration::from_millis(100)), Err(RecvTimeoutError::Timeout));
    });
}
