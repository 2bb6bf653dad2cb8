//! What the launcher was started with: descriptors, directory, masks, signals, environment.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::host::Host;
use crate::launch::{Ended, Running, collect, is_one_error, launcher, report};

/// Runs the launcher from a shell that first does something.
fn run_after(host: &Host, arguments: &[&str], first: &str) -> Ended {
    run_config_after(host, &host.config(arguments), first)
}

fn run_config_after(host: &Host, config: &Value, first: &str) -> Ended {
    let inner = launcher(host, config);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{first}\"$@\""), "sh"]).arg(inner.get_program()).args(inner.get_args());
    Running::start(shell.stdin(Stdio::null())).end()
}

#[test]
fn odd_surroundings_do_not_matter() {
    for host in Host::all("odd_surroundings_do_not_matter") {
        let gone = host.place.at("gone");
        fs::create_dir(&gone).unwrap();
        let in_deleted = format!("cd '{0}' && rmdir '{0}' && exec ", gone.display());
        for first in [
            "umask 0777; exec ",
            "umask 0; exec ",
            &in_deleted,
            "trap '' PIPE; exec ",
            "trap '' CHLD; exec ",
            "trap '' INT TERM HUP QUIT USR1; exec ",
            "exec env -i ",
            "exec env TMPDIR=/nonexistent HOME=/nonexistent LC_ALL=xx TZ=:none ",
            "ulimit -c 0; exec ",
            "exec 9</etc/passwd; exec ",
        ] {
            let ended = run_after(&host, &["exit", "7"], first);
            assert_eq!((ended.code(), ended.errors.as_str()), (7, ""), "{first}, {:?}: {ended:?}", host.kind);
            host.assert_empty(first);
        }
    }
}

#[test]
fn closed_standard_handles_do_not_matter() {
    for host in Host::all("closed_standard_handles_do_not_matter") {
        for (closed, output) in [("<&-", 512), (">&-", 0), ("2>&-", 512), ("<&- >&- 2>&-", 0)] {
            let ended = run_after(&host, &["bytes"], &format!("exec {closed}; exec "));
            // What the program writes to a closed output is its matter: it is told, or it is not.
            assert!(matches!(ended.code(), 0 | 1), "{closed}, {:?}: {ended:?}", host.kind);
            assert_eq!(ended.output.len(), output, "{closed}, {:?}", host.kind);
            let told = report(&host);
            assert_eq!(told["reason"], "exited", "{closed}: {told}");
            host.assert_empty(closed);
        }
    }
}

#[test]
fn a_program_does_not_inherit_what_the_launcher_was_given() {
    let Some(host) = Host::native("a_program_does_not_inherit_what_the_launcher_was_given") else { return };
    let first = "umask 0777; trap '' CHLD PIPE; exec ";
    let ended = run_after(&host, &["given"], first);
    assert_eq!(String::from_utf8_lossy(&ended.output), "umask 022, signals work\n", "{ended:?}");
}

#[test]
fn a_host_without_room_is_told_of() {
    let Some(host) = Host::native("a_host_without_room_is_told_of") else { return };
    for first in ["ulimit -n 8; exec ", "ulimit -n 16; exec ", "ulimit -f 0; exec "] {
        let ended = run_after(&host, &["exit", "7"], first);
        let refused = ended.code() == 125 && is_one_error(&ended.errors);
        assert!(refused || ended.code() == 7, "{first}: {ended:?}");
        collect(&host, first);
    }
}

/// The caller's mask is for the caller's file, not for what the container is made of.
#[test]
fn a_new_file_for_output_is_as_private_as_the_caller_wants() {
    for host in Host::all("a_new_file_for_output_is_as_private_as_the_caller_wants") {
        for (mask, mode) in [("077", 0o600), ("022", 0o644), ("0", 0o644)] {
            let file = format!("said_{mask}.txt");
            let mut config = host.config(&["bytes"]);
            config["stdout_filename"] = json!(file);
            let ended = run_config_after(&host, &config, &format!("umask {mask}; exec "));
            assert_eq!(ended.code(), 0, "{mask}, {:?}: {ended:?}", host.kind);
            let made = fs::metadata(host.place.work().join(file)).unwrap();
            assert_eq!(made.mode() & 0o777, mode, "{mask}, {:?}", host.kind);
        }
    }
}
