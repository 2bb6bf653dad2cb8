//! What tests of whole containers need: programs that do one thing, and a look at what is left of a container.
//!
//! Used by the conformance suite here and, by path, by the tests of the command line.

pub mod left;
pub mod programs;

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Says that a test, or the part of it that `name` names, does not run here.
pub fn skip(name: &str, reason: &str) {
    // Not `eprintln!`: the test harness would keep it from whoever counts skipped tests.
    let _ = writeln!(std::io::stderr(), "skipped: {name}: {reason}");
}

/// Tells why containers cannot be started here, if they cannot.
pub fn ready() -> Result<(), String> {
    match std::fs::metadata("/proc/self").unwrap().uid() {
        0 => Ok(()),
        _ => Err("needs root".to_owned()),
    }
}

/// Tells why Windows programs cannot be run here, if they cannot.
pub fn wine() -> Result<(), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/lib/wine".into()]);
    let found =
        directories.flat_map(|d| ["wine64", "wine"].map(|name| d.join(name))).any(|file| file.is_file());
    if found { Ok(()) } else { Err("needs Wine".to_owned()) }
}

/// A directory of one test, with a name that nothing else on this host has: all that is made for the test's
/// containers bears it.
#[derive(Debug)]
pub struct Place {
    directory: TempDir,
}

impl Place {
    /// Makes it, with an empty `work` in it.
    pub fn new() -> Self {
        // Letters and digits only, as the name becomes that of a container.
        let directory =
            tempfile::Builder::new().prefix("nt").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::create_dir(directory.path().join("work")).unwrap();
        Self { directory }
    }

    /// Returns the name.
    pub fn tag(&self) -> &str {
        self.directory.path().file_name().unwrap().to_str().unwrap()
    }

    /// Returns a path in it.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Returns the directory that is mapped into containers.
    pub fn work(&self) -> PathBuf {
        self.at("work")
    }

    /// Returns the directory below which all state of ours is.
    pub fn root(&self) -> PathBuf {
        self.at("root")
    }

    /// Lays in a program.
    pub fn install(&self, program: &Path, name: &str) {
        let to = self.work().join(name);
        std::fs::hard_link(program, &to).or_else(|_| std::fs::copy(program, &to).map(drop)).unwrap();
    }

    /// Shares the base layer of all tests, which takes 10 s to make.
    pub fn share_base(&self, shared_root: &Path) {
        std::fs::create_dir_all(shared_root.join("data/base")).unwrap();
        std::fs::create_dir_all(self.root().join("data")).unwrap();
        std::os::unix::fs::symlink(shared_root.join("data/base"), self.root().join("data/base")).unwrap();
    }

    /// Returns what is left of the containers of this test on the host.
    pub fn left(&self) -> Vec<String> {
        left::of(self.tag(), &self.root())
    }
}

/// Returns the root whose base layer all tests share.
pub fn shared_root() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_programs_state")
}

/// Runs a tool to its end.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
