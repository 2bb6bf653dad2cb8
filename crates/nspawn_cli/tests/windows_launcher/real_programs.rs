//! Windows programs that others made, from a mapped directory.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::launcher::{Launcher, target};
use crate::on_both_schemas;

on_both_schemas![ripgrep_finds_unicode, ninja_starts_children_until_one_fails, java_says_its_version];

/// Lays in a program of `cargo xtask programs`; where it is not there, says that the test is skipped.
fn lay_in(launcher: &Launcher, test: &str, directory: &str) -> bool {
    let from = target().join("nspawn/programs").join(directory);
    if !from.is_dir() {
        // Not `eprintln!`: the test harness would keep it from whoever counts skipped tests.
        let test = format!("real_programs::v{}::{test}", launcher.schema);
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {test}: {} is absent: run cargo xtask programs",
            from.display()
        );
        return false;
    }
    copy_tree(&from, &launcher.place.work().join("app"));
    true
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Runs a program, and asserts its exit code and that it wrote this to the file of its output.
fn check(launcher: &Launcher, program: &str, arguments: &[&str], code: i32, says: &str) {
    let changes: Value = json!({"process_executable": format!("app/{program}")});
    let ran = launcher.launch(arguments, &changes);
    let said = launcher.place.said();
    assert_eq!(ran.status, Some(code), "{ran:?}\n{said}");
    assert!(said.contains(says), "{said}");
    assert_eq!((launcher.report()["exit_code"].as_i64(), ran.stdout.as_str()), (Some(code.into()), ""));
    launcher.assert_empty(program);
}

fn ripgrep_finds_unicode(launcher: &Launcher) {
    if lay_in(launcher, "ripgrep_finds_unicode", "ripgrep-14.1.0-win") {
        let source = launcher.place.work().join("src");
        std::fs::create_dir(&source).unwrap();
        std::fs::write(source.join("б.txt"), "x 中文 y\nбета\n").unwrap();
        check(
            launcher,
            "rg.exe",
            &["-n", "-i", "БЕТА|中文", "src"],
            0,
            "src\\б.txt:1:x 中文 y\nsrc\\б.txt:2:бета\n",
        );
    }
}

fn ninja_starts_children_until_one_fails(launcher: &Launcher) {
    if lay_in(launcher, "ninja_starts_children_until_one_fails", "ninja-1.13.2-win") {
        let rules = "rule ask\n  command = app\\ninja.exe --version\n  description = asked\n\
            rule fail\n  command = app\\ninja.exe -f absent.ninja\n\
            build one: ask\nbuild two: fail one\ndefault two\n";
        std::fs::write(launcher.place.work().join("build.ninja"), rules).unwrap();
        check(launcher, "ninja.exe", &["-j1"], 1, "loading 'absent.ninja'");
        assert!(launcher.place.said().contains("[1/2] asked\n1.13."), "{}", launcher.place.said());
    }
}

fn java_says_its_version(launcher: &Launcher) {
    if lay_in(launcher, "java_says_its_version", "jdk-21.0.4.2-win") {
        check(launcher, "bin/java.exe", &["-Xmx64m", "-version"], 0, "OpenJDK 64-Bit Server VM");
    }
}
