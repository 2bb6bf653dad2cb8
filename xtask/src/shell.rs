//! Runs other programs, and says what is run.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail};

/// Prints the command line, runs it with our own input and output, and waits.
///
/// # Errors
/// It cannot be started, or exits with a status other than 0.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", spelled(command));
    let status = command.status().with_context(|| format!("cannot run {}", spelled(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", spelled(command));
    }
    Ok(())
}

/// Runs the command silently and returns what it wrote to stdout, without white space at its end.
///
/// # Errors
/// It cannot be started, or exits with a status other than 0: then the error holds what it wrote to stderr.
pub fn read(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", spelled(command)))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed: {}: {}", spelled(command), output.status, complaint.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Returns the command line as one would type it.
pub fn spelled(command: &Command) -> String {
    let quoted = |word: &OsStr| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            return word.into_owned();
        }
        format!("'{}'", word.replace('\'', r"'\''"))
    };
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

/// Finds a program in `PATH`, or in the directories of system programs, which plain users may not have in theirs.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// How something can be run as root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// We are root.
    Ourselves,
    /// Through this sudo, which lets us.
    Sudo(PathBuf),
    /// Not at all.
    Absent,
}

impl Root {
    /// Finds out, once; sudo may ask for a password.
    pub fn find() -> &'static Self {
        static FOUND: OnceLock<Root> = OnceLock::new();
        FOUND.get_or_init(|| {
            if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
                return Self::Ourselves;
            }
            let lets_us = |sudo: &PathBuf| Command::new(sudo).arg("true").status().is_ok_and(|s| s.success());
            find("sudo").filter(lets_us).map_or(Self::Absent, Self::Sudo)
        })
    }

    /// Returns a command that runs `program` as root; `None` where nothing can be run so.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Option<Command> {
        match self {
            Self::Ourselves => Some(Command::new(program)),
            Self::Sudo(sudo) => {
                let mut command = Command::new(sudo);
                command.arg(program);
                Some(command)
            }
            Self::Absent => None,
        }
    }
}

/// Returns cargo, the one that runs us where it does.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Whether cargo has the subcommand: not every distribution brings them all.
pub fn cargo_has(subcommand: &str) -> bool {
    read(cargo().args([subcommand, "--version"])).is_ok()
}

/// Returns the repository's directory, in which the workspace is.
///
/// # Errors
/// There is none: xtask lies at the root of the disk.
pub fn repository() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in no directory")
}

/// Returns cargo's target directory; all that xtask makes lies in `nspawn` in it.
///
/// # Errors
/// `cargo metadata` fails.
pub fn target_directory() -> Result<PathBuf> {
    let metadata = read(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).context("cannot parse what cargo metadata printed")?;
    let directory =
        metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(directory.into())
}

/// Returns the name of the system that the compiler runs on, as it names targets.
///
/// # Errors
/// There is no compiler.
pub fn host() -> Result<String> {
    let version = read(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}
