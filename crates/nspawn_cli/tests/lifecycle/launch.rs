//! Starts the launcher, watches it, and looks at how it ended.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::host::Host;

/// How long anything may take that is not meant to last: much, as the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Writes a config file and returns its path.
pub fn write_config(host: &Host, config: &Value) -> PathBuf {
    let path = host.place.at(format!("{}.json", config["name"].as_str().unwrap_or("config")));
    fs::write(&path, config.to_string()).unwrap();
    path
}

/// Returns the command that runs a config, with a report.
pub fn launcher(host: &Host, config: &Value) -> Command {
    let (config, report) = (write_config(host, config), host.place.at("report.json"));
    ours(host, [OsStr::new("-c"), config.as_os_str(), OsStr::new("--report"), report.as_os_str()])
}

/// Returns the command that clears up.
pub fn gc(host: &Host) -> Command {
    ours(host, ["gc"])
}

fn ours(host: &Host, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostcompute_nspawn"));
    command.args(arguments).arg("--quiet").arg("--root").arg(host.place.root()).stdin(Stdio::null());
    command
}

/// Clears up, and asserts that it went well and nothing is left.
pub fn collect(host: &Host, when: &str) {
    let (status, output, errors) = run(&mut gc(host));
    assert!(status.success(), "gc {when}: {output}{errors}");
    host.assert_empty(when);
}

/// A launcher that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: Receiver<Vec<u8>>,
    errors: Receiver<Vec<u8>>,
    said: Vec<u8>,
}

/// What a launcher was, once it ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it and the program wrote to stdout.
    pub output: Vec<u8>,
    /// What they wrote to stderr.
    pub errors: String,
}

impl Running {
    /// Starts a command, its outputs to us.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (output, errors) = (listen(child.stdout.take().unwrap()), listen(child.stderr.take().unwrap()));
        Self { child, output, errors, said: Vec::new() }
    }

    /// Waits until the program says that it is ready.
    pub fn until_ready(mut self) -> Self {
        let deadline = Instant::now() + PATIENCE;
        while !self.said.starts_with(b"ready") {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(part) => self.said.extend(part),
                Err(error) => panic!("the program does not get ready: {error}; {:?}", self.end()),
            }
        }
        self
    }

    /// Returns the launcher's pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends the launcher a signal: `INT`, `KILL`, ...
    pub fn signal(&self, signal: &str) {
        send(signal, self.pid());
    }

    /// Takes the launcher's stdin.
    pub fn input(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// Tells whether it runs still.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it ends, but not for ever.
    pub fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        while self.runs() {
            if Instant::now() > deadline {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("the launcher hangs; it said {}", String::from_utf8_lossy(&rest(&self.errors)));
            }
            thread::sleep(Duration::from_millis(1));
        }
        let status = self.child.wait().unwrap();
        self.said.extend(rest(&self.output));
        Ended { status, output: self.said, errors: String::from_utf8_lossy(&rest(&self.errors)).into_owned() }
    }
}

impl Ended {
    /// Returns the exit status; a signal that ended the launcher fails the test.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// Sends a signal to a process of this host. The shell's own kill: a test forks often, and a tool may be absent.
pub fn send(signal: &str, pid: u32) {
    let line = format!("kill -{signal} {pid}");
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success(), "{line}");
}

/// Reads a stream as it comes.
fn listen(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, parts) = channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    parts
}

/// Everything that comes until the stream ends; what holds it open for longer than we wait is a leak.
fn rest(parts: &Receiver<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        match parts.recv_timeout(PATIENCE) {
            Ok(part) => bytes.extend(part),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return bytes,
            Err(error) => panic!("someone holds the launcher's output: {error}"),
        }
    }
}

/// Runs a command to its end, and returns its status and texts.
pub fn run(command: &mut Command) -> (ExitStatus, String, String) {
    let ended = Running::start(command).end();
    (ended.status, String::from_utf8_lossy(&ended.output).into_owned(), ended.errors)
}

/// Runs a config to its end.
pub fn run_config(host: &Host, config: &Value) -> Ended {
    Running::start(&mut launcher(host, config)).end()
}

/// Reads the report of the last run.
pub fn report(host: &Host) -> Value {
    let text = fs::read_to_string(host.place.at("report.json")).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// Writes to a launcher's stdin from another thread; it may stop reading.
pub fn feed(mut input: std::process::ChildStdin, bytes: Vec<u8>) -> thread::JoinHandle<std::io::Result<()>> {
    thread::spawn(move || input.write_all(&bytes))
}

/// Returns whether a text holds one error, which names what was tried on what, and else nothing but remarks on it.
pub fn is_one_error(text: &str) -> bool {
    let (errors, others): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("error: "));
    let is_remark = |line: &&str| ["hint: ", "note: ", "warning: "].iter().any(|what| line.starts_with(what));
    errors.len() == 1 && errors[0].split(' ').count() > 3 && others.iter().all(is_remark)
}
