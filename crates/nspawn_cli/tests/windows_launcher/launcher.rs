//! The launcher, on a service and a place of its own.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::standin::{Place, Standin};

/// The variable that names the state of the stand-in.
const VARIABLE: &str = "NSPAWN_STANDIN";

/// See the module.
#[derive(Debug)]
pub struct Launcher {
    pub place: Place,
    pub standin: Standin,
    /// The schema that this Windows takes.
    pub schema: u64,
    _state: TempDir,
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Launcher {
    /// Makes a place; `schema` is what is expected of this Windows' build.
    pub fn with_own_schema(schema: u64) -> Self {
        let state = tempfile::tempdir().unwrap();
        Self { place: Place::new(), standin: Standin::at(state.path()), schema, _state: state }
    }

    /// Writes config.json: the stand-in's program with these arguments, and `changes`.
    pub fn configure(&self, arguments: &[&str], changes: &Value) {
        let config = self.place.config(arguments, changes);
        std::fs::write(self.place.at("config.json"), config.to_string()).unwrap();
    }

    /// Returns the command that launches the configuration; the report goes to `report.json`.
    pub fn command(&self) -> Command {
        let mut command = self.bare_command();
        command.arg("--config").arg(self.place.at("config.json"));
        command.arg("--report").arg(self.place.at("report.json"));
        command
    }

    /// Returns the command that only says where state is kept.
    pub fn bare_command(&self) -> Command {
        self.bare_command_of("root")
    }

    /// Returns the command that only says that state is kept there in the place.
    pub fn bare_command_of(&self, root: &str) -> Command {
        // As cargo names it this is a path of the host that builds.
        let program = std::path::absolute(env!("CARGO_BIN_EXE_hostcompute_nspawn")).unwrap();
        let mut command = Command::new(program);
        command.arg("--root").arg(self.place.at(root)).env(VARIABLE, self.standin.root());
        command
    }

    /// Launches a configuration.
    pub fn launch(&self, arguments: &[&str], changes: &Value) -> Ran {
        self.configure(arguments, changes);
        run(&mut self.command())
    }

    /// Returns the last run's report.
    pub fn report(&self) -> Value {
        let text = std::fs::read(self.place.at("report.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Removes what is left, as the next command does.
    pub fn gc(&self) -> Ran {
        self.gc_despite(&json!([]))
    }

    /// Removes what is left, with such faults.
    pub fn gc_despite(&self, faults: &Value) -> Ran {
        self.standin.begin(faults);
        run(self.bare_command().arg("gc"))
    }

    /// Asserts that nothing is left, here and in the service.
    pub fn assert_empty(&self, when: &str) {
        let left: Vec<_> = self.standin.left().into_iter().chain(self.place.left()).collect();
        assert_eq!(left, [""; 0], "{when}");
    }
}

/// Runs a command to its end, its input empty.
pub fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
    Ran { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

impl Ran {
    /// Returns the one line that says why the launcher failed.
    pub fn error(&self) -> &str {
        let errors: Vec<_> = self.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        let [error] = errors[..] else { panic!("not one line: {self:?}") };
        error
    }
}

/// Returns the directory of the build below which xtask keeps things.
pub fn target() -> PathBuf {
    let tmp = std::path::absolute(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // <target>/windows/<triple>/tmp
    tmp.ancestors().nth(3).unwrap().to_owned()
}
