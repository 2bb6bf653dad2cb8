//! Where output goes: a file in the process directory, or our own stdout and stderr.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::process::Command;

use serde_json::json;

use crate::host::Host;
use crate::launch::{Ended, is_one_error, run_config};

const SAID: &str = "said.txt";

/// All bytes there are, twice, as the program writes them.
fn all_bytes() -> Vec<u8> {
    (0..512).map(|byte| byte as u8).collect()
}

fn run_to_file(host: &Host, arguments: &[&str], file: &str) -> Ended {
    let mut config = host.config(arguments);
    config["stdout_filename"] = json!(file);
    run_config(host, &config)
}

#[test]
fn output_is_appended_byte_for_byte() {
    for host in Host::all("output_is_appended_byte_for_byte") {
        let file = host.place.work().join(SAID);
        fs::write(&file, b"before, with no line's end").unwrap();
        for _ in 0..2 {
            let ended = run_to_file(&host, &["bytes"], SAID);
            assert_eq!((ended.code(), ended.output.len()), (0, 0), "{:?}: {ended:?}", host.kind);
        }
        let expected = [b"before, with no line's end".to_vec(), all_bytes(), all_bytes()].concat();
        assert_eq!(fs::read(&file).unwrap(), expected, "{:?}", host.kind);
    }
}

#[test]
fn output_to_our_own_stdout_is_byte_for_byte() {
    for host in Host::all("output_to_our_own_stdout_is_byte_for_byte") {
        let ended = run_config(&host, &host.config(&["bytes"]));
        assert_eq!((ended.code(), ended.output), (0, all_bytes()), "{:?}", host.kind);
    }
}

#[test]
fn lines_of_two_writers_are_whole() {
    for host in Host::all("lines_of_two_writers_are_whole") {
        let count = 20_000;
        let ended = run_to_file(&host, &["lines", &count.to_string()], SAID);
        assert_eq!(ended.code(), 0, "{:?}: {ended:?}", host.kind);
        let text = fs::read_to_string(host.place.work().join(SAID)).unwrap();
        let mut next = [0, 0];
        for line in text.lines() {
            let writer = if line.starts_with("writer 1") { 0 } else { 1 };
            let whole = format!("writer {} line {:06} {}", writer + 1, next[writer], ".".repeat(60));
            assert_eq!(line, whole, "{:?}", host.kind);
            next[writer] += 1;
        }
        assert_eq!(next, [count, count], "{:?}", host.kind);
    }
}

#[test]
fn stdout_and_stderr_of_ours_stay_apart() {
    for host in Host::all("stdout_and_stderr_of_ours_stay_apart") {
        let ended = run_config(&host, &host.config(&["lines", "100"]));
        assert_eq!(ended.code(), 0, "{:?}: {ended:?}", host.kind);
        let output = String::from_utf8(ended.output).unwrap();
        assert!(output.lines().count() == 100 && output.lines().all(|line| line.starts_with("writer 1")));
        assert!(ended.errors.lines().count() == 100, "{}", ended.errors);
        assert!(ended.errors.lines().all(|line| line.starts_with("writer 2")), "{}", ended.errors);
    }
}

#[test]
fn a_place_for_output_that_is_no_plain_file_is_refused() {
    let Some(host) = Host::native("a_place_for_output_that_is_no_plain_file_is_refused") else { return };
    let (work, outside) = (host.place.work(), host.place.at("outside"));
    fs::write(&outside, "untouched").unwrap();
    fs::create_dir(work.join("directory")).unwrap();
    symlink(&outside, work.join("link")).unwrap();
    symlink("said_elsewhere.txt", work.join("link_inside")).unwrap();
    symlink(host.place.at(""), work.join("way_out")).unwrap();
    fs::hard_link(&outside, work.join("second_name")).unwrap();
    assert!(Command::new("mkfifo").arg(work.join("pipe")).status().unwrap().success());
    for name in
        ["directory", "link", "link_inside", "way_out/outside", "second_name", "pipe", "none/said.txt"]
    {
        let ended = run_to_file(&host, &["bytes"], name);
        assert_eq!(ended.code(), 125, "{name}: {ended:?}");
        assert!(
            is_one_error(&ended.errors) && ended.errors.contains(name.split('/').next().unwrap()),
            "{}",
            ended.errors
        );
        assert_eq!(ended.output, b"", "{name}: the program ran");
    }
    assert_eq!(fs::read(&outside).unwrap(), b"untouched");
    assert!(!work.join("said_elsewhere.txt").exists());
    assert!(fs::metadata(work.join("pipe")).unwrap().file_type().is_fifo());
    host.assert_empty("after it was refused");
}

/// A pipe with a reader opens, so that alone would not refuse it.
#[test]
fn a_pipe_is_refused_with_a_reader_too() {
    let Some(host) = Host::native("a_pipe_is_refused_with_a_reader_too") else { return };
    let pipe = host.place.work().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _reader = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let ended = run_to_file(&host, &["bytes"], "pipe");
    assert_eq!(ended.code(), 125, "{ended:?}");
    assert!(is_one_error(&ended.errors), "{}", ended.errors);
}

/// Root writes to files of any mode; what makes a file read-only for it is its file system.
#[test]
fn a_file_on_a_read_only_file_system_is_refused() {
    let Some(host) = Host::native("a_file_on_a_read_only_file_system_is_refused") else { return };
    let config = {
        let mut config = host.config(&["bytes"]);
        config["stdout_filename"] = json!(SAID);
        crate::launch::write_config(&host, &config)
    };
    fs::write(host.place.work().join(SAID), "").unwrap();
    let script = format!(
        "mount --bind '{work}' '{work}' && mount -o remount,bind,ro '{work}' && exec '{launcher}' -q --root '{root}' -c '{config}'",
        work = host.place.work().display(),
        launcher = env!("CARGO_BIN_EXE_hostcompute_nspawn"),
        root = host.place.root().display(),
        config = config.display(),
    );
    let mut unshare = Command::new("unshare");
    let (status, _, errors) = crate::launch::run(unshare.args(["--mount", "--", "sh", "-c", &script]));
    assert_eq!(status.code(), Some(125), "{errors}");
    assert!(is_one_error(&errors) && errors.contains("Read-only file system"), "{errors}");
    host.assert_empty("after it was refused");
}
