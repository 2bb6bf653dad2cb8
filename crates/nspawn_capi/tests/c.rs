//! The library as C sees it: programs in C, built with the header and linked with the library, shared and static.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How a program is linked with the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Shared,
    Static,
}

/// The libraries of the system that the static one needs: `rustc --print native-static-libs`.
const STATIC_NEEDS: [&str; 6] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

/// Returns where cargo puts the libraries that it builds for these tests.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns a compiler that is as strict as C can be.
fn compiler(standard: &str) -> Command {
    let mut compiler = Command::new("cc");
    compiler.args([standard, "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread"]);
    compiler.arg("-I").arg(source("include"));
    compiler
}

fn build(name: &str, link: Link, place: &Path) -> PathBuf {
    let made = place.join(name);
    let mut compiler = compiler("-std=gnu11");
    compiler.arg("-o").arg(&made).arg(source("tests/programs").join(name).with_extension("c"));
    match link {
        Link::Shared => compiler.arg("-L").arg(libraries()).arg("-lhostcompute_nspawn"),
        Link::Static => compiler.arg(libraries().join("libhostcompute_nspawn.a")).args(STATIC_NEEDS),
    };
    succeeded(compiler.output().unwrap());
    made
}

/// Runs a program with `arguments`.
fn run(program: &Path, arguments: &[&Path]) -> Output {
    finding_the_library(Command::new(program).args(arguments), program.parent().unwrap()).output().unwrap()
}

/// Has a command find the shared library under the name that it gives itself, by a link in `place`.
fn finding_the_library<'a>(command: &'a mut Command, place: &Path) -> &'a mut Command {
    let named = place.join("libhostcompute_nspawn.so.2");
    if !named.exists() {
        std::os::unix::fs::symlink(libraries().join("libhostcompute_nspawn.so"), named).unwrap();
    }
    command.env("LD_LIBRARY_PATH", place)
}

fn succeeded(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A directory with a program that exits with 7, and the config that runs it.
fn place_with_program() -> TempDir {
    // On the disk of the build directory: overlays cannot lie on every file system.
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("work")).unwrap();
    fs::create_dir(at("state")).unwrap();
    fs::write(at("seven.c"), "int main(void) { return 7; }\n").unwrap();
    let mut compiler = Command::new("cc");
    succeeded(compiler.arg("-static").arg("-o").arg(at("work/seven")).arg(at("seven.c")).output().unwrap());
    write_config(place.path(), &json!({}));
    place
}

fn write_config(place: &Path, changes: &Value) {
    let mut config = json!({
        "process_directory": place.join("work"),
        "process_executable": "seven",
        "mapped_directory": "C:/work",
        "stdout_filename": "said.txt",
    });
    let changes = changes.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(changes);
    fs::write(place.join("config.json"), config.to_string()).unwrap();
}

/// Tells whether containers can be made here; where they cannot, says that `test` is skipped.
fn is_root(test: &str) -> bool {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        // Not `eprintln!`: the test harness would keep it from whoever counts skipped tests.
        let _ = writeln!(std::io::stderr(), "skipped: {test}: starting a container needs root");
    }
    root
}

/// Returns what the program `run` told under a word.
fn told<'a>(output: &'a str, word: &str) -> &'a str {
    let line = output.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {word:?} in {output}"))
}

#[test]
fn the_header_is_plain_c_and_cxx() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("one.c");
    fs::write(&file, "#include \"hostcompute_nspawn.h\"\nint one = HOSTCOMPUTE_NSPAWN_OK;\n").unwrap();
    for standard in ["-std=c99", "-std=c17"] {
        succeeded(compiler(standard).args(["-fsyntax-only"]).arg(&file).output().unwrap());
    }
    let mut compiler = compiler("-std=c++11");
    let checked = compiler.args(["-x", "c++", "-fsyntax-only"]).arg(&file).output().unwrap();
    let missing = String::from_utf8_lossy(&checked.stderr).contains("cc1plus");
    if missing {
        let _ = writeln!(std::io::stderr(), "skipped: the_header_is_plain_c_and_cxx: no C++ compiler");
    } else {
        succeeded(checked);
    }
}

#[test]
fn wrong_calls_are_refused() {
    for link in [Link::Shared, Link::Static] {
        let place = tempfile::tempdir().unwrap();
        let program = build("border", link, place.path());
        assert_eq!(succeeded(run(&program, &[])), "border: good\n", "{link:?}");
    }
}

#[test]
fn a_run_is_told_of() {
    if !is_root("a_run_is_told_of") {
        return;
    }
    let place = place_with_program();
    let at = |name: &str| place.path().join(name);
    let program = build("run", Link::Static, place.path());
    let output = succeeded(run(&program, &[&at("config.json"), &at("state")]));
    let words = ["returned", "exit_status", "exited", "exit_code", "error"].map(|word| told(&output, word));
    assert_eq!(words, ["0", "7", "1", "7", ""], "{output}");
    let steps = output.lines().filter(|line| line.starts_with("step ")).count();
    assert_eq!(told(&output, "steps"), steps.to_string());
    assert!(output.lines().any(|line| line.starts_with("step Container config: ")), "{output}");
    let report: Value = serde_json::from_str(told(&output, "report")).unwrap();
    assert_eq!((&report["reason"], &report["exit_code"]), (&json!("exited"), &json!(7)), "{report}");
    // Nothing is left.
    for directory in ["state/run", "state/data/scratch"] {
        assert_eq!(fs::read_dir(at(directory)).unwrap().count(), 0, "{directory}");
    }
}

#[test]
fn a_program_that_cannot_run_is_told_of() {
    if !is_root("a_program_that_cannot_run_is_told_of") {
        return;
    }
    let place = place_with_program();
    let at = |name: &str| place.path().join(name);
    let program = build("run", Link::Shared, place.path());
    fs::write(at("work/text"), "no program").unwrap();
    for (executable, code, status) in [("absent", "2", "127"), ("text", "3", "126")] {
        write_config(place.path(), &json!({ "process_executable": executable }));
        let output = succeeded(run(&program, &[&at("config.json"), &at("state")]));
        let words = ["returned", "exit_status", "exited"].map(|word| told(&output, word));
        assert_eq!(words, [code, status, "0"], "{output}");
        assert!(told(&output, "error").contains(executable), "{output}");
    }
}

#[test]
fn a_host_with_threads_is_left_as_it_was() {
    if !is_root("a_host_with_threads_is_left_as_it_was") {
        return;
    }
    let place = place_with_program();
    let at = |name: &str| place.path().join(name);
    for link in [Link::Shared, Link::Static] {
        let program = build("host", link, place.path());
        let output = succeeded(run(&program, &[&at("config.json"), &at("state")]));
        assert_eq!(output, "host: good\n", "{link:?}");
    }
}

/// The usual places of a host of our own: no other mounts see ours.
const OWN_PLACES: &str = r#"mount -t tmpfs none /run && mount --bind "$1" /var/lib && exec "$2" "$3""#;

#[test]
fn a_program_written_for_the_original_runs() {
    if !is_root("a_program_written_for_the_original_runs") {
        return;
    }
    let place = place_with_program();
    let at = |name: &str| place.path().join(name);
    for link in [Link::Shared, Link::Static] {
        let program = build("original", link, place.path());
        let call = |config: &Value| {
            write_config(place.path(), config);
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-c", OWN_PLACES, "sh"]);
            command.args([at("state"), program.clone(), at("config.json")]);
            succeeded(finding_the_library(&mut command, place.path()).output().unwrap())
        };
        assert_eq!(call(&json!({})), "returned NULL\n", "{link:?}: whatever its exit code");
        assert!(at("work/said.txt").is_file());
        let scratch = at("state/hostcompute_nspawn/scratch");
        assert_eq!(fs::read_dir(scratch).unwrap().count(), 0, "{link:?}");
        let said = call(&json!({ "process_executable": "absent" }));
        assert!(said.starts_with("returned cannot ") && said.contains("absent"), "{link:?}: {said}");
    }
}
