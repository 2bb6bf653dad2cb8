//! Many launchers at once.

use std::collections::BTreeMap;
use std::thread;

use serde_json::json;

use crate::host::Host;
use crate::launch::{Ended, Running, launcher};

/// Starts `count` launchers at once, with names as told.
fn start(host: &Host, count: usize, arguments: &[&str], name: impl Fn(usize) -> String) -> Vec<Running> {
    let commands = (0..count).map(|index| {
        let mut config = host.config(arguments);
        config["name"] = json!(name(index));
        launcher(host, &config)
    });
    commands.collect::<Vec<_>>().iter_mut().map(Running::start).collect()
}

#[test]
fn of_a_hundred_starts_at_once_none_fails() {
    let Some(host) = Host::native("of_a_hundred_starts_at_once_none_fails") else { return };
    let names = |index| format!("{}.{index}", host.place.tag());
    for ended in start(&host, 100, &["exit", "7"], names).into_iter().map(Running::end) {
        assert_eq!((ended.code(), ended.errors.as_str()), (7, ""));
    }
    host.assert_empty("after all ended");
}

#[test]
fn windows_programs_start_at_once_too() {
    let Some(host) = Host::windows("windows_programs_start_at_once_too") else { return };
    let names = |index| format!("{}.{index}", host.place.tag());
    for ended in start(&host, 10, &["exit", "7"], names).into_iter().map(Running::end) {
        assert_eq!((ended.code(), ended.errors.as_str()), (7, ""));
    }
    host.assert_empty("after all ended");
}

#[test]
fn of_fifty_starts_with_one_name_one_runs() {
    let Some(host) = Host::native("of_fifty_starts_with_one_name_one_runs") else { return };
    let mut runners = start(&host, 50, &["obey", "7"], |_| host.place.tag().to_owned());
    let mut ended: Vec<Ended> = Vec::new();
    // All but one end; that one runs until it is told to end.
    while ended.len() < 49 {
        let Some(index) = runners.iter_mut().position(|runner| !runner.runs()) else {
            thread::sleep(std::time::Duration::from_millis(1));
            continue;
        };
        ended.push(runners.remove(index).end());
    }
    let last = runners.pop().unwrap().until_ready();
    last.signal("INT");
    assert_eq!(last.end().code(), 7);
    let mut said: BTreeMap<(i32, String), usize> = BTreeMap::new();
    for other in ended {
        *said.entry((other.code(), other.errors)).or_default() += 1;
    }
    assert_eq!(said.len(), 1, "{said:#?}");
    let ((status, text), _) = said.pop_first().unwrap();
    assert_eq!(status, 125);
    assert!(text.contains(&format!("container nspawn_{}", host.place.tag())), "{text}");
    assert!(text.contains("is running"), "{text}");
    host.assert_empty("after the one ended");
}
