//! What `gc` and the next run do for launchers that were killed, and that they let the living be.

use serde_json::{Value, json};

use crate::host::Host;
use crate::launch::{Running, gc, launcher, run, run_config};

/// A config with limits, so that there is a control group.
fn limited(host: &Host, arguments: &[&str]) -> Value {
    let mut config = host.config(arguments);
    config["max_ram_mb"] = json!(512);
    config
}

/// Starts a container and kills its launcher; returns once its processes are gone.
fn abandon(host: &Host) {
    let running = Running::start(&mut launcher(host, &limited(host, &["ignore"]))).until_ready();
    running.signal("KILL");
    running.end();
    crate::killed::await_no_process(host);
    assert_ne!(host.place.left(), [""; 0], "there is nothing to clear up");
}

#[test]
fn gc_removes_what_a_killed_launcher_left() {
    for host in Host::all("gc_removes_what_a_killed_launcher_left") {
        abandon(&host);
        let id = format!("nspawn_{}", host.place.tag());
        let (status, output, errors) = run(gc(&host).arg("--json"));
        assert!(status.success(), "{errors}");
        let told: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(told, json!({ "removed": [id], "failed": {} }));
        host.assert_empty("after gc");
        let (_, output, _) = run(&mut gc(&host));
        assert_eq!(output, "", "it was removed before");
    }
}

#[test]
fn the_next_run_removes_it_too_and_may_have_its_name() {
    for host in Host::all("the_next_run_removes_it_too_and_may_have_its_name") {
        abandon(&host);
        let ended = run_config(&host, &limited(&host, &["exit", "7"]));
        assert_eq!((ended.code(), ended.errors.as_str()), (7, ""), "{:?}", host.kind);
        host.assert_empty("after the next run");
    }
}

#[test]
fn the_living_are_let_be() {
    for host in Host::all("the_living_are_let_be") {
        let Some(other) = Host::native("the_living_are_let_be") else { return };
        let running = Running::start(&mut launcher(&host, &limited(&host, &["obey", "7"]))).until_ready();
        // Another root's gc sees the same control groups, but its own containers only.
        for place in [&host, &other] {
            let (status, output, errors) = run(&mut gc(place));
            assert!(status.success(), "{errors}");
            assert_eq!((output.as_str(), errors.as_str()), ("", ""));
        }
        running.signal("INT");
        let ended = running.end();
        assert_eq!(ended.code(), 7, "{:?}: {ended:?}", host.kind);
    }
}
