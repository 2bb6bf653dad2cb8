//! What is started: programs made for it, the Java runtime, and the launcher's config file for each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::measure::Contender;
use crate::programs::{self, table};
use crate::shell;

const HELLO: &str = "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n";
const NATIVE: &str = "#include <stdlib.h>\n#include <unistd.h>\n\
    int main(int count, char **arguments) { if (count > 1) sleep(atoi(arguments[1])); return 0; }\n";

/// What a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// A small Windows console program.
    Hello,
    /// `java.exe -version`.
    Java,
    /// A static Linux program that ends at once.
    Native,
    /// The same, asleep for a second.
    NativeAsleep,
}

/// Whether a container has limits: 256 MiB of memory and one processor's worth of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// No limit.
    None,
    /// Both.
    Some,
}

impl Limits {
    /// The memory limit in MiB.
    pub const MEMORY_MB: u64 = 256;
    /// The processors' worth of time.
    pub const PROCESSORS: u64 = 1;
}

/// The programs and the launcher, ready to be run.
#[derive(Debug)]
pub struct Subjects {
    directory: PathBuf,
    launcher: PathBuf,
    runtime: PathBuf,
}

impl Subjects {
    /// Builds the programs in `directory` and fetches the Java runtime.
    ///
    /// # Errors
    /// A compiler or the download fails.
    pub fn prepare(directory: PathBuf, launcher: PathBuf) -> Result<Self> {
        let runtime = programs::fetch(&table::JVM, table::Platform::Windows)?;
        let subjects = Self { directory, launcher, runtime };
        compile(HELLO, &subjects.hello(), "x86_64-w64-mingw32-gcc", &["-O2", "-s"])?;
        let native = subjects.native_directory().join("native");
        compile(NATIVE, &native, "cc", &["-O2", "-s", "-static"])?;
        Ok(subjects)
    }

    /// Returns the path of the small Windows program.
    pub fn hello(&self) -> PathBuf {
        self.directory.join("hello/hello.exe")
    }

    /// Returns the path of the Windows `java.exe`.
    pub fn java(&self) -> PathBuf {
        self.runtime.join("bin/java.exe")
    }

    /// Returns the directory that holds the static Linux program, called `native`.
    pub fn native_directory(&self) -> PathBuf {
        self.directory.join("native")
    }

    /// Returns the launcher doing the job, to be timed.
    ///
    /// # Errors
    /// The config file cannot be written.
    pub fn contender(&self, job: Job, limits: Limits) -> Result<Contender> {
        let (launcher, directory) = (self.launcher.clone(), self.directory.clone());
        let config = self.config(job, limits)?;
        Ok(Contender::new("hostcompute_nspawn", move |_| Ok(command(&launcher, &directory, &config))))
    }

    /// Returns the command line of the launcher doing the job.
    ///
    /// # Errors
    /// The config file cannot be written.
    pub fn launch(&self, job: Job, limits: Limits) -> Result<Command> {
        Ok(command(&self.launcher, &self.directory, &self.config(job, limits)?))
    }

    /// Returns a path for a report.
    pub fn report(&self) -> PathBuf {
        self.directory.join("report.json")
    }

    /// Writes the config file for the job and returns its path.
    fn config(&self, job: Job, limits: Limits) -> Result<PathBuf> {
        let native = || self.native_directory();
        let (directory, executable, arguments) = match job {
            Job::Hello => (self.directory.join("hello"), "hello.exe", vec![]),
            Job::Java => (self.runtime.clone(), "bin/java.exe", vec!["-version"]),
            Job::Native => (native(), "native", vec![]),
            Job::NativeAsleep => (native(), "native", vec!["1"]),
        };
        let mut config = json!({
            "process_directory": directory,
            "process_executable": executable,
            "process_arguments": arguments,
            "mapped_directory": "c:/bench",
        });
        if limits == Limits::Some {
            config["max_ram_mb"] = Limits::MEMORY_MB.into();
            config["cpus_count"] = Limits::PROCESSORS.into();
        }
        let file = self.directory.join(format!("{job:?}-{limits:?}.json"));
        write(&file, &config)?;
        Ok(file)
    }
}

fn command(launcher: &Path, directory: &Path, config: &Path) -> Command {
    let mut command = Command::new(launcher);
    command.arg("-q").arg("--root").arg(directory.join("state")).arg("-c").arg(config);
    command
}

/// Writes a JSON file.
///
/// # Errors
/// It cannot be written.
pub fn write(file: &Path, value: &Value) -> Result<()> {
    fs::write(file, format!("{value:#}\n")).with_context(|| format!("cannot write {}", file.display()))
}

/// Compiles one C file to `program`, whose directory it makes.
fn compile(source: &str, program: &Path, compiler: &str, flags: &[&str]) -> Result<()> {
    let directory = program.parent().context("a program lies in a directory")?;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let file = directory.with_extension("c");
    fs::write(&file, source).with_context(|| format!("cannot write {}", file.display()))?;
    shell::run(Command::new(compiler).args(flags).arg("-o").arg(program).arg(&file))
}
