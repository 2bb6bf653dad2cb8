//! A launcher that is killed: its container ends with it, and the next command removes what it left.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::launcher::Launcher;
use crate::on_both_schemas;
use crate::standin::PROGRAM;

on_both_schemas![a_killed_launcher_leaves_a_layer_that_gc_removes];

fn a_killed_launcher_leaves_a_layer_that_gc_removes(launcher: &Launcher) {
    launcher.configure(&["ignore"], &json!({}));
    let mut killed = launcher.command().arg("--quiet").spawn().unwrap();
    while launcher.place.said().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(launcher.gc().stdout, "", "it lives");
    killed.kill().unwrap();
    killed.wait().unwrap();
    // Its program ended with it: the file of one that runs cannot be removed.
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::fs::remove_file(launcher.place.work().join("program.exe")).is_err() {
        assert!(Instant::now() < deadline, "the program runs on");
        std::thread::sleep(Duration::from_millis(5));
    }
    launcher.place.put(Path::new(PROGRAM), "program.exe");
    let name = launcher.place.tag();
    assert_eq!(launcher.gc().stdout, format!("removed nspawn_{name}\n"));
    assert!(
        launcher.standin.left().iter().all(|what| what.starts_with("system ")),
        "{:?}",
        launcher.standin.left()
    );
    // The name can be used again at once; the service finds then that the system has gone.
    let ran = launcher.launch(&["exit", "0"], &json!({}));
    assert_eq!(ran.status, Some(0), "{ran:?}");
    launcher.assert_empty("after the next");
}
