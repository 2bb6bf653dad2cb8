//! What the tests of both DLLs share.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use hcs_sys::pipe::Pipe;
use hcs_sys::{Code, Error, Kind, Notification};
use serde_json::{Value, json};

/// The request by which the service closes a process's input.
pub const CLOSE_INPUT: &str = r#"{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}"#;

pub const WAIT: Duration = Duration::from_secs(20);

/// Copies the DLL to where it is looked for, once: other tests may have it loaded.
fn install(dll: &Path) {
    let installed = Path::new(r"C:\windows\system32").join(dll.file_name().unwrap());
    if fs::read(dll).unwrap() != fs::read(&installed).unwrap_or_default() {
        fs::copy(dll, installed).unwrap();
    }
}

/// Runs a test in a process of its own, with a state of its own.
pub fn alone(dll: &str, test: &str, body: impl FnOnce(&Path)) {
    if let Some(root) = std::env::var_os("NSPAWN_STANDIN") {
        return body(Path::new(&root));
    }
    let exe = std::env::current_exe().unwrap();
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| install(&exe.with_file_name(dll)));
    let root = tempfile::tempdir().unwrap();
    let mut child = Command::new(exe);
    child.args([test, "--exact", "--nocapture"]).env("NSPAWN_STANDIN", root.path());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test}: {}\n{said}", output.status);
}

pub fn wait_for(receiver: &Receiver<Notification>, kind: Kind) -> Notification {
    let told = receiver.recv_timeout(WAIT).unwrap();
    assert_eq!(told.kind, kind, "{told:?}");
    told
}

/// Returns the lines of the log.
#[allow(dead_code, reason = "each test binary uses its part")]
pub fn lines(root: &Path) -> Vec<Value> {
    let log = fs::read_to_string(root.join("calls.jsonl")).unwrap();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn calls(root: &Path) -> Vec<String> {
    lines(root).iter().map(|line| line["call"].as_str().unwrap().to_owned()).collect()
}

/// Reads a document that the service gave.
pub fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns which process a document of a process is about, and its exit code, once it has ended.
pub fn exit_of(text: &str) -> (u64, Option<u64>) {
    let status = read(text);
    let code =
        (status["Exited"] == true && status["LastWaitResult"] == 0).then(|| status["ExitCode"].as_u64());
    (status["ProcessId"].as_u64().unwrap(), code.flatten())
}

/// Returns the place in a document by which it was refused.
pub fn place_of(document: &str) -> String {
    let data = &read(document)["ErrorEvents"][0]["Data"][2]["Value"];
    let place = data.as_str().unwrap().strip_prefix("Invalid JSON document '");
    place.unwrap().trim_end_matches('\'').to_owned()
}

pub fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().and_then(|error| error.code())
}

/// What runs in the container: says where it is, repeats what it reads, and exits with 7.
#[test]
#[ignore = "the contained program"]
#[expect(clippy::disallowed_methods, reason = "its exit code is what is tested")]
fn contained() {
    let mut out = std::io::stdout();
    writeln!(out, "in {}", std::env::current_dir().unwrap().display()).unwrap();
    let text = std::io::read_to_string(std::io::stdin()).unwrap();
    writeln!(out, "read {text} {}", std::env::var("GREETING").unwrap()).unwrap();
    std::process::exit(7);
}

pub fn read_all(pipe: &Pipe) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 256]);
    while let length @ 1.. = pipe.read(&mut buffer).unwrap() {
        text.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8(text).unwrap()
}

pub fn program(root: &Path) -> PathBuf {
    let work = root.join("work");
    fs::create_dir_all(&work).unwrap();
    fs::copy(std::env::current_exe().unwrap(), work.join("program.exe")).unwrap();
    work
}

pub fn process_document() -> String {
    json!({
        "CommandLine": r#""C:\nspawndir\program.exe" support::contained --exact --ignored --nocapture"#,
        "WorkingDirectory": r"C:\nspawndir", "Environment": {"GREETING": "ahoy"},
        "CreateStdInPipe": true, "CreateStdOutPipe": true,
    })
    .to_string()
}
