//! A disk that fills while the program runs: the program is told so, and all goes to its end.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::case::Case;
use crate::launcher::machine::Need;
use crate::launcher::place::Place;
use crate::launcher::programs::program;
use crate::launcher::run::run;
use crate::launcher::who::Who;

/// `ERROR_DISK_FULL` of winerror.h.
const DISK_FULL: &str = "fill 112";

pub mod root {
    pub mod windows {
        crate::case::row!(a_disk_that_fills_is_the_program_s_concern, Windows, Root);
    }
}
pub mod plain {
    pub mod windows {
        crate::case::row!(a_disk_that_fills_is_the_program_s_concern, Windows, Plain);
    }
}

fn a_disk_that_fills_is_the_program_s_concern(case: Case) {
    if !case.is_possible(&[Need::Root, Need::Unshare]) {
        return;
    }
    let place = Place::of(case.who).holding(&program(case.target, "hosts/fill.c"));
    let root = place.windows_root();
    // What the session writes at its start, as an administrator's registry and services, has room.
    let user = if case.who == Who::Root { "ContainerAdministrator" } else { "ContainerUser" };
    place.configure("fill.exe", json!({"process_arguments": [r"C:\big"], "user": user, "services": "wait"}));
    let launcher = place.launcher(&root);
    let mut command = Command::new("unshare");
    let small = "mkdir -p $1/data/scratch; mount -t tmpfs -o size=4m,mode=777 none $1/data/scratch; shift; exec \"$@\"";
    command.args(["--mount", "sh", "-ec", small, "sh"]).arg(&root);
    command.arg(launcher.get_program()).args(launcher.get_args());
    for (name, value) in launcher.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let ran = run(&mut command);
    let text = ran.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("bytes ")).collect();
    assert_eq!((ran.status, lines), (Some(9), vec![DISK_FULL, "registry 0", "child 5"]), "{ran:?}");
    assert!(ran.elapsed < Duration::from_secs(60), "{ran:?}");
    assert_eq!(place.report()["exit_code"], 9);
}
