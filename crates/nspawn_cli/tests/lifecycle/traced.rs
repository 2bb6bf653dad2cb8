//! The launcher is killed at each of its system calls, or one of them fails: nothing hangs, what failed is named, and
//! nothing is left. strace does the one and the other; a first traced run tells which calls there are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::host::Host;
use crate::killed::await_no_process;
use crate::launch::{Ended, Running, collect, is_one_error, launcher};
use crate::support;

/// How long a run may take in which one call failed.
const NO_HANG: Duration = Duration::from_secs(10);

/// So many of the calls of one name are tried, evenly chosen.
const OF_EACH: usize = 5;

/// Their failure is not ours to handle: the allocator's, the libraries' own, and what cannot fail.
const NOT_FAILED: &[&str] = &[
    "brk",
    "exit",
    "exit_group",
    "futex",
    "getegid",
    "geteuid",
    "getpid",
    "getrandom",
    "gettid",
    "getuid",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "rt_sigaction",
    "rt_sigprocmask",
    "setfsgid",
    "setfsuid",
    "sigaltstack",
    "umask",
];

/// Whose calls are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The launcher's main thread.
    Launcher,
    /// The container's first process's and the program's, up to its execution.
    Container,
}

/// One call: the how-manieth of its name in its thread, as strace counts.
#[derive(Debug, Clone)]
struct Call {
    name: String,
    nth: usize,
}

/// A host on which strace works, or says why there is none.
fn host(test: &str) -> Option<Host> {
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        support::skip(test, "needs strace");
        return None;
    }
    Host::native(test)
}

/// Limits of each kind, and a file for the output: many things to make.
fn config(host: &Host) -> Value {
    let mut config = host.config(&["exit", "7"]);
    config["max_ram_mb"] = json!(512);
    config["cpus_count"] = json!(1);
    config["cpu_affinity_hex"] = json!(1);
    config["stdout_filename"] = json!("said.txt");
    config
}

fn traced(host: &Host, whose: Whose, options: &[&str]) -> Command {
    let inner = launcher(host, &config(host));
    let mut strace = Command::new("strace");
    strace.arg("-qq").args(options);
    if whose == Whose::Container {
        strace.arg("-f");
    }
    strace.arg("--").arg(inner.get_program()).args(inner.get_args()).stdin(std::process::Stdio::null());
    strace
}

/// Returns the calls that are tried.
fn calls(host: &Host, whose: Whose) -> Vec<Call> {
    let trace = host.place.at("trace");
    let ended = Running::start(&mut traced(host, whose, &["-o", trace.to_str().unwrap()])).end();
    assert_eq!(ended.code(), 7, "{ended:?}");
    let text = fs::read_to_string(&trace).unwrap();
    match whose {
        Whose::Launcher => chosen(launchers(&text, &host.place.at(""))),
        Whose::Container => chosen(containers(&text)),
    }
}

/// Counts calls from the first on that is about the test's own files: before that, it is not our code that runs.
/// Returns for each name the numbers of its calls.
fn launchers(trace: &str, place: &Path) -> BTreeMap<String, Vec<usize>> {
    let place = place.to_str().unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut numbers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut ours = false;
    for line in trace.lines() {
        let Some(name) = name_of(line) else { continue };
        let count = counts.entry(name).or_default();
        *count += 1;
        ours |= name != "execve" && line.contains(place);
        if ours {
            numbers.entry(name.to_owned()).or_default().push(*count);
        }
    }
    numbers
}

/// Counts the calls, each thread's apart, that the container's processes make and the launcher does not.
fn containers(trace: &str) -> BTreeMap<String, Vec<usize>> {
    let lines = trace.lines().filter_map(|line| line.split_once(char::is_whitespace));
    let lines: Vec<(&str, &str)> = lines.map(|(pid, rest)| (pid, rest.trim_start())).collect();
    // The container's processes, unlike the launcher's threads, begin a session or close what they are not to have.
    let begins = |line: &str| matches!(name_of(line), Some("setsid" | "close_range"));
    let inside: Vec<&str> = lines.iter().filter(|(_, line)| begins(line)).map(|(pid, _)| *pid).collect();
    let by_launcher: Vec<&str> =
        lines.iter().filter(|(pid, _)| !inside.contains(pid)).filter_map(|(_, line)| name_of(line)).collect();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut numbers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (pid, line) in lines.iter().filter(|(pid, _)| inside.contains(pid)) {
        let Some(name) = name_of(line).filter(|name| !by_launcher.contains(name)) else { continue };
        let count = counts.entry((pid, name)).or_default();
        *count += 1;
        let known = numbers.entry(name.to_owned()).or_default();
        if !known.contains(count) {
            known.push(*count);
        }
    }
    numbers
}

/// Returns the call's name; the other lines of a trace are about signals, exits, and calls that go on.
fn name_of(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('(')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

fn chosen(numbers: BTreeMap<String, Vec<usize>>) -> Vec<Call> {
    let mut calls = Vec::new();
    for (name, numbers) in numbers {
        let count = numbers.len().min(OF_EACH);
        let nth = |index: usize| numbers[index * (numbers.len() - 1) / count.saturating_sub(1).max(1)];
        calls.extend((0..count).map(|index| Call { name: name.clone(), nth: nth(index) }));
    }
    calls
}

/// Runs with something done at a call.
fn inject(host: &Host, whose: Whose, call: &Call, what: &str) -> (Ended, Duration) {
    let Call { name, nth } = call;
    let (trace, inject) = (format!("trace={name}"), format!("inject={name}:{what}:when={nth}"));
    let began = Instant::now();
    let mut strace = traced(host, whose, &["-o", "/dev/null", "-e", &trace, "-e", &inject]);
    (Running::start(&mut strace).end(), began.elapsed())
}

#[test]
fn killed_at_any_call_it_leaves_nothing() {
    let Some(host) = host("killed_at_any_call_it_leaves_nothing") else { return };
    for call in calls(&host, Whose::Launcher) {
        inject(&host, Whose::Launcher, &call, "signal=KILL");
        await_no_process(&host);
        collect(&host, &format!("of one killed at {call:?}"));
    }
}

#[test]
fn a_container_killed_while_it_is_made_leaves_nothing() {
    let Some(host) = host("a_container_killed_while_it_is_made_leaves_nothing") else { return };
    for call in calls(&host, Whose::Container) {
        let (ended, took) = inject(&host, Whose::Container, &call, "signal=KILL");
        let told = ended.code() == 125 && (ended.errors.is_empty() || is_one_error(&ended.errors));
        assert!(told || matches!(ended.code(), 7 | 137), "{call:?}: {ended:?}");
        assert!(took < NO_HANG, "{call:?} took {took:?}");
        host.assert_empty(&format!("of one killed at {call:?}"));
    }
}

fn fail_each_call(host: &Host, whose: Whose, errors: &[&str]) {
    let calls = calls(host, whose);
    let (mut wrong, mut refusals) = (Vec::new(), 0);
    for call in calls.iter().filter(|call| !NOT_FAILED.contains(&call.name.as_str())) {
        for error in errors {
            let (ended, took) = inject(host, whose, call, &format!("error={error}"));
            let refused = matches!(ended.code(), 125..=127) && is_one_error(&ended.errors);
            refusals += usize::from(refused);
            if !(refused || ended.code() == 7) || took > NO_HANG {
                wrong.push(format!("{error} at {call:?} took {took:?}: {ended:?}"));
            }
            await_no_process(host);
            collect(host, &format!("{error} at {call:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(refusals > calls.len(), "only {refusals} of {} calls matter", calls.len());
}

#[test]
fn a_call_that_fails_for_want_of_room_is_named() {
    let Some(host) = host("a_call_that_fails_for_want_of_room_is_named") else { return };
    fail_each_call(&host, Whose::Launcher, &["ENOSPC", "ENOMEM"]);
}

#[test]
fn a_call_that_is_not_allowed_is_named() {
    let Some(host) = host("a_call_that_is_not_allowed_is_named") else { return };
    fail_each_call(&host, Whose::Launcher, &["EMFILE", "EACCES"]);
}

#[test]
fn a_call_that_fails_in_the_container_is_named() {
    let Some(host) = host("a_call_that_fails_in_the_container_is_named") else { return };
    fail_each_call(&host, Whose::Container, &["ENOMEM", "EACCES"]);
}
