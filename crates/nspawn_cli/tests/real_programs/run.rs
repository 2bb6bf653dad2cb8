//! Runs a case in a container by the built launcher and natively by the Linux build, and compares.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio as Process};

use serde_json::json;
use tempfile::TempDir;

use crate::case::{Case, Stdio, Text};
use crate::table::Platform;

/// Where the working directory appears in the container.
const MAPPED: &str = "c:/work";
/// The directory in the working directory that holds the program.
const PROGRAM: &str = "app";
/// The file that takes the output of cases with [`Stdio::File`].
const SAID: &str = "said.txt";

/// All that can be seen of a run, platform differences folded away.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    status: Option<i32>,
    stdout: String,
    stderr: String,
    written: BTreeMap<&'static str, Option<String>>,
}

/// Runs the case on both sides and asserts that they agree with it and with each other.
pub fn check(name: &str, case: &Case) {
    if let Err(reason) = ready(case) {
        // Not `eprintln!`: the test harness would keep it from whoever counts skipped tests.
        let _ = writeln!(std::io::stderr(), "skipped: {name}: {reason}");
        return;
    }
    let linux = run_natively(case);
    let windows = run_contained(case);
    assert_eq!(linux.status, Some(case.status.into()), "the Linux build must do its job: {linux:#?}");
    let all = [linux.stdout.as_str(), linux.stderr.as_str()].concat();
    assert_eq!(all.is_empty(), case.says.is_empty(), "the Linux build said: {all}");
    assert!(all.contains(case.says), "the Linux build must say {:?}, not: {all}", case.says);
    assert!(linux.written.values().all(Option::is_some), "the Linux build must write: {linux:#?}");
    assert_eq!(windows, linux, "left the Windows build in its container, right the Linux build");
}

/// Tells why the case cannot run on this machine, if it cannot.
fn ready(case: &Case) -> Result<(), String> {
    for platform in [Platform::Windows, Platform::Linux] {
        let executable = program_directory(case, platform).join(case.program.build(platform).executable);
        if !executable.is_file() {
            return Err(format!("{} is absent: run `cargo xtask programs`", executable.display()));
        }
    }
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Err("starting a container needs root".to_owned());
    }
    if !wine_is_installed() {
        return Err("Wine is not installed".to_owned());
    }
    Ok(())
}

fn wine_is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/lib/wine".into()]);
    directories.flat_map(|d| ["wine64", "wine"].map(|name| d.join(name))).any(|file| file.is_file())
}

/// Returns the directory of a program: below `$NSPAWN_PROGRAMS`, or where xtask lays it.
fn program_directory(case: &Case, platform: Platform) -> PathBuf {
    let programs = std::env::var_os("NSPAWN_PROGRAMS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("nspawn").join("programs"),
        PathBuf::from,
    );
    programs.join(case.program.directory(platform))
}

fn run_contained(case: &Case) -> Outcome {
    let executable = format!("{PROGRAM}/{}", case.program.windows.executable);
    let path_inside = format!("{MAPPED}/{executable}");
    let work = work_directory(case, &path_inside);
    link_tree(&program_directory(case, Platform::Windows), &work.path().join(PROGRAM));
    let environment: BTreeMap<_, _> =
        case.environment.iter().map(|(name, value)| (*name, fill(value, &path_inside))).collect();
    let mut config = json!({
        "process_directory": work.path(),
        "process_executable": executable,
        "process_arguments": filled_arguments(case, &path_inside),
        "mapped_directory": MAPPED,
        "environment": environment,
        "timeout_seconds": 120,
    });
    if matches!(case.stdio, Stdio::File) {
        config["stdout_filename"] = json!(SAID);
    }
    // Beside the working directory, not in it: the program sees what its Linux build sees.
    let config_file = work.path().with_extension("json");
    fs::write(&config_file, config.to_string()).unwrap();
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_programs_state");
    let mut launcher = Command::new(env!("CARGO_BIN_EXE_hostcompute_nspawn"));
    launcher.arg("-q").arg("--root").arg(state).arg("-c").arg(&config_file);
    let output = feed(&mut launcher, case.stdio);
    fs::remove_file(&config_file).unwrap();
    outcome(case, &path_inside, work.path(), &output)
}

fn run_natively(case: &Case) -> Outcome {
    let executable = program_directory(case, Platform::Linux).join(case.program.linux.executable);
    let path = executable.to_str().expect("the target directory has a UTF-8 name");
    let work = work_directory(case, path);
    let mut program = Command::new(&executable);
    // Nothing of ours: programs colour their output where they see a CI.
    program.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C.UTF-8");
    program.args(filled_arguments(case, path)).current_dir(work.path());
    program.envs(case.environment.iter().map(|(name, value)| (name, fill(value, path))));
    let output = match case.stdio {
        Stdio::Pipes(_) => feed(&mut program, case.stdio),
        Stdio::File => {
            let said = fs::File::options().create(true).append(true).open(work.path().join(SAID)).unwrap();
            program.stdin(Process::null()).stdout(said.try_clone().unwrap()).stderr(said);
            program.output().unwrap()
        }
    };
    outcome(case, path, work.path(), &output)
}

/// Runs a command to its end, the case's input on its stdin.
fn feed(command: &mut Command, stdio: Stdio) -> Output {
    let Stdio::Pipes(input) = stdio else {
        return command.stdin(Process::null()).output().unwrap();
    };
    command.stdin(Process::piped()).stdout(Process::piped()).stderr(Process::piped());
    let mut child = command.spawn().unwrap();
    // A program may end without reading: the inputs fit a pipe, and the outcome tells more than a broken pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn outcome(case: &Case, executable: &str, work: &Path, output: &Output) -> Outcome {
    let text = |bytes: &[u8]| folded(case, executable, bytes);
    let said = match case.stdio {
        Stdio::Pipes(_) => text(&output.stdout),
        Stdio::File => fs::read(work.join(SAID)).map_or_else(|e| format!("{SAID}: {e}"), |b| text(&b)),
    };
    // With a file for its output nothing may come by way of our own stdout.
    let leaked = if matches!(case.stdio, Stdio::File) { text(&output.stdout) } else { String::new() };
    Outcome {
        status: output.status.code(),
        stdout: said + &leaked,
        stderr: text(&output.stderr),
        written: case
            .writes
            .iter()
            .map(|name| (*name, fs::read(work.join(name)).ok().map(|bytes| text(&bytes))))
            .collect(),
    }
}

/// Folds away what differs between the platforms by nature.
fn folded(case: &Case, executable: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace(executable, "{exe}");
    match case.text {
        Text::Plain => text,
        Text::FileNames => text.replace('\\', "/"),
    }
}

fn filled_arguments(case: &Case, executable: &str) -> Vec<String> {
    case.arguments.iter().map(|argument| fill(argument, executable)).collect()
}

fn fill(text: &str, executable: &str) -> String {
    text.replace("{exe}", executable)
}

/// Makes a working directory that holds the case's files.
fn work_directory(case: &Case, executable: &str) -> TempDir {
    let work = tempfile::Builder::new().prefix("work-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for (name, contents) in case.files {
        let path = work.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match str::from_utf8(contents) {
            Ok(text) => fs::write(path, fill(text, executable)).unwrap(),
            Err(_) => fs::write(path, contents).unwrap(),
        }
    }
    work
}

/// Lays a tree of hard links: a JDK copied for every test would be a gigabyte.
fn link_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            link_tree(&entry.path(), &target);
        } else if fs::hard_link(entry.path(), &target).is_err() {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
