//! Hosts that allow no user namespaces, as far as one can be made of this one: the setting
//! `user.max_user_namespaces` is each namespace's own. A machine whose settings are nobody else's is made such a host.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::launcher::machine::{NATIVE, has, is_made_for_tests, skip};
use crate::launcher::place::Place;
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};
use crate::user::User;

/// Runs its arguments where there can be no further namespace.
const NO_MORE: &str = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";

#[test]
fn where_there_are_none_launches_and_the_doctor_name_the_cure() {
    let test = "namespaces::where_there_are_none_launches_and_the_doctor_name_the_cure";
    if !has(test, &[NATIVE]) {
        return;
    }
    let place = Place::with(&program(Target::Native, crate::PROGRAM));
    place.configure("program", json!({"process_arguments": ["said", "7"]}));
    // A plain user, and one who is root of his namespace.
    for user in ["1000", "0"] {
        let within = |launcher: &Command| {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-user", user, "--keep-caps", "sh", "-c", NO_MORE, "sh"]);
            command.arg(launcher.get_program()).args(launcher.get_args());
            command
        };
        if !within(&Command::new("true")).output().is_ok_and(|output| output.status.success()) {
            skip(test, "needs unshare --map-user and --keep-caps, and user namespaces");
            return;
        }
        let cure = "sysctl -w user.max_user_namespaces=10000";
        let refused = run(&mut within(&place.launcher(&place.root())));
        assert_eq!(refused.status, Some(125), "{refused:?}");
        let hint = refused.stderr.lines().find(|line| line.starts_with("hint: "));
        assert!(hint.is_some_and(|line| line.ends_with(cure)), "{refused:?}");
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_hostcompute_nspawn"));
        doctor.args(["doctor", "--json", "--root"]).arg(place.root());
        let examined = run(&mut within(&doctor));
        assert_eq!(examined.status, Some(125), "{examined:?}");
        let findings: Vec<Value> = serde_json::from_str(&examined.text()).unwrap();
        let cures =
            findings.iter().filter(|finding| finding["ability"] == "missing").map(|finding| &finding["cure"]);
        let hints: Vec<String> =
            cures.filter_map(Value::as_str).map(|cure| format!("hint: {cure}")).collect();
        assert!(hints.iter().any(|line| Some(line.as_str()) == hint), "{hint:?} {findings:?}");
    }
}

/// As in another container: its root may be the host's own, and its ids are few.
#[test]
fn root_of_a_namespace_of_others_is_not_whom_programs_become() {
    let test = "namespaces::root_of_a_namespace_of_others_is_not_whom_programs_become";
    if !has(test, &[NATIVE]) {
        return;
    }
    let place = Place::with(&program(Target::Native, crate::PROGRAM));
    place.configure("program", json!({"process_arguments": ["said", "7"]}));
    let launcher = place.launcher(&place.root());
    let mut within = Command::new("unshare");
    within
        .args(["--user", "--map-root-user", "--mount"])
        .arg(launcher.get_program())
        .args(launcher.get_args());
    let refused = run(&mut within);
    assert_eq!(refused.status, Some(125), "{refused:?}");
    let told = ["what is mapped belongs to root", "--allow-unenforced"];
    assert!(told.iter().all(|text| refused.stderr.contains(text)), "{refused:?}");
    let allowed = run(within.arg("--allow-unenforced"));
    assert_eq!(allowed.status, Some(7), "{allowed:?}");
    assert!(allowed.stderr.contains("they are uid 0 on the host"), "{allowed:?}");
}

/// A setting of the whole machine, which has its old value again when this is dropped.
struct Setting {
    path: String,
    before: String,
}

impl Setting {
    fn set(name: &str, value: &str) -> Self {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        let before = fs::read_to_string(&path).unwrap();
        fs::write(&path, value).unwrap();
        Self { path, before }
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        fs::write(&self.path, &self.before).unwrap();
    }
}

/// Asserts that the launch was refused, by an error with this cure.
fn refused(ran: &Ran, cure: &str) {
    assert_eq!(ran.status, Some(125), "{ran:?}");
    let said = |start: &str| ran.stderr.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>();
    let (errors, hints) = (said("error: "), said("hint: "));
    assert!(errors.len() == 1 && errors[0].contains("user namespace"), "{ran:?}");
    assert!(hints.len() == 1 && hints[0].ends_with(cure), "{ran:?}");
}

#[test]
fn settings_of_the_machine_are_named_with_the_cure() {
    let test = "namespaces::settings_of_the_machine_are_named_with_the_cure";
    if !is_made_for_tests() {
        return skip(
            test,
            "it changes settings of the whole machine: `cargo xtask vm` runs it in one of its own",
        );
    }
    let Some(user) = User::with(test, Target::Native, crate::PROGRAM) else { return };
    let place = Place::with(&program(Target::Native, crate::PROGRAM));
    place.configure("program", json!({"process_arguments": ["said", "7"]}));
    let by_user = || user.run(&["said", "7"], json!({}));
    let by_root = || run(&mut place.launcher(&place.root()));
    let runs = |ran: Ran| assert_eq!(ran.status, Some(7), "{ran:?}");
    for (name, cure) in [
        ("kernel.unprivileged_userns_clone", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user.max_user_namespaces", "sysctl -w user.max_user_namespaces=10000"),
    ] {
        let setting = Setting::set(name, "0");
        refused(&by_user(), cure);
        let findings: Vec<Value> = serde_json::from_str(&user.examine().text()).unwrap();
        let told = |finding: &Value| {
            finding["ability"] == "missing"
                && finding["cure"].as_str().is_some_and(|told| told.ends_with(cure))
        };
        assert!(findings.iter().any(told), "{name}: {findings:?}");
        // The first is about plain users alone.
        match name.starts_with("kernel.") {
            true => runs(by_root()),
            false => refused(&by_root(), cure),
        }
        drop(setting);
        runs(by_user());
        runs(by_root());
    }
}
