//! Runs a command to its end and keeps all that can be seen of it.
// UNSAFETY: wait4, which alone tells the memory that one child used.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a run may take before it counts as hanging.
const DEADLINE: Duration = Duration::from_secs(120);

/// What came of a run.
pub struct Ran {
    /// Its exit status; absent where a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: String,
    /// How long it took.
    pub elapsed: Duration,
    /// The most memory it had at once, in bytes.
    pub peak_resident: u64,
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, elapsed, peak_resident, stderr, .. } = self;
        write!(f, "{status:?} after {elapsed:?}, {peak_resident} bytes\n{stderr}\n{}", self.text())
    }
}

impl Ran {
    /// Returns standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).replace("\r\n", "\n")
    }

    /// Returns the lines of standard output that begin with `key` and a space, without that.
    pub fn told(&self, key: &str) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        lines.map(str::to_owned).collect()
    }

    /// Asserts that it succeeded.
    pub fn succeeded(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }
}

/// Runs `command` to its end, its standard input empty.
pub fn run(command: &mut Command) -> Ran {
    let mut stdout = tempfile::tempfile().unwrap();
    let mut stderr = tempfile::tempfile().unwrap();
    command.stdin(Stdio::null());
    command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
    let start = Instant::now();
    let child = command.spawn().unwrap();
    let (status, peak_resident) = wait(child, start + DEADLINE);
    Ran {
        status: status.code(),
        elapsed: start.elapsed(),
        peak_resident,
        stdout: written(&mut stdout),
        stderr: String::from_utf8_lossy(&written(&mut stderr)).into_owned(),
    }
}

fn written(file: &mut File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Reaps a child: its status, and the most memory it had in bytes.
#[expect(unsafe_code, reason = "std cannot tell the memory that a child used")]
fn wait(mut child: Child, deadline: Instant) -> (ExitStatus, u64) {
    let pid = i32::try_from(child.id()).unwrap();
    loop {
        let mut status = 0;
        // SAFETY: rusage is plain data; status and usage outlive the call. The child is ours, and never waited for
        // otherwise once it is reaped here.
        let (reaped, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(pid, &raw mut status, libc::WNOHANG, &raw mut usage), usage)
        };
        if reaped == pid {
            // getrusage(2): in kilobytes.
            return (ExitStatus::from_raw(status), usage.ru_maxrss.unsigned_abs() * 1024);
        }
        assert_eq!(reaped, 0, "{}", std::io::Error::last_os_error());
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("process {pid} did not end within {DEADLINE:?}");
        }
        sleep(Duration::from_millis(1));
    }
}
