//! Containers on the DLLs that stand in for the Host Compute Service (tests/standin): a state of the service for one
//! test alone, which it can look into, and a place on the host for its containers.
//!
//! Used by the tests here and, by path, by those of the command line.

mod place;
mod state;

pub use place::Place;
#[allow(unused_imports, reason = "each test binary uses its part")]
pub use state::{Call, Standin};

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Where the stand-in's program lies in a prefix that has the stand-in.
pub const PROGRAM: &str = r"C:\windows\system32\standin_program.exe";

/// Runs a test in a process of its own, with a state of the service of its own. `test` is its whole name.
pub fn alone(test: &str, body: impl FnOnce(&Standin)) {
    if let Some(standin) = Standin::from_environment() {
        return body(&standin);
    }
    if !Path::new(PROGRAM).is_file() {
        // Not `eprintln!`: the test harness would keep it from whoever counts skipped tests.
        let _ =
            writeln!(std::io::stderr(), "skipped: {test}: {PROGRAM} is not there: run cargo xtask windows");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture"]).env(state::VARIABLE, root.path());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test}: {}\n{said}", output.status);
    assert!(said.contains("1 passed"), "no test {test}:\n{said}");
}
