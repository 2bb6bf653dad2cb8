//! Hosts that allow no user namespaces, as far as one can be made of this one: the setting
//! `user.max_user_namespaces` is each namespace's own.

use std::process::Command;

use serde_json::{Value, json};

use crate::launcher::machine::{NATIVE, has, skip};
use crate::launcher::place::Place;
use crate::launcher::programs::{Target, program};
use crate::launcher::run::run;

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
