//! What the numbers were measured on.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};

use crate::{shell, windows};

/// Returns one sentence with the date, the machine and the versions of what was measured against.
///
/// # Errors
/// A version cannot be told.
pub fn description() -> Result<String> {
    let bubblewrap = shell::read(Command::new("bwrap").arg("--version"))?;
    let runc = shell::find("runc").context("runc is not installed")?;
    let runc = shell::read(Command::new(runc).arg("--version"))?;
    let runc = runc.lines().next().unwrap_or_default();
    Ok(format!("{}, {bubblewrap}, {runc}.", of_wine()?.trim_end_matches('.')))
}

/// Returns the same with no version but Wine's.
///
/// # Errors
/// It cannot be told.
pub fn of_wine() -> Result<String> {
    let date = shell::read(Command::new("date").args(["--utc", "+%Y-%m-%d"]))?;
    let kernel = shell::read(Command::new("uname").arg("-r"))?;
    let wine = shell::read(Command::new(windows::WINE).arg("--version"))?;
    let processors = thread::available_parallelism().context("cannot count processors")?;
    Ok(format!(
        "Measured on {date}: {processors} processors ({}), {} GiB of memory, {}, Linux {kernel}, cgroup {}, load {}; \
         {wine}.",
        field("/proc/cpuinfo", "model name", ':')?,
        field("/proc/meminfo", "MemTotal", ':')?.trim_end_matches(" kB").parse::<u64>()? >> 20,
        field("/etc/os-release", "PRETTY_NAME", '=')?.trim_matches('"'),
        cgroup_version(),
        read("/proc/loadavg")?.split(' ').next().unwrap_or_default(),
    ))
}

fn cgroup_version() -> &'static str {
    let is_there = |name: &str| Path::new("/sys/fs/cgroup").join(name).exists();
    match (is_there("cgroup.controllers"), is_there("unified")) {
        (true, _) => "v2",
        (false, true) => "v1 and v2 (hybrid)",
        (false, false) => "v1",
    }
}

/// Returns the value of the first line `NAME SEPARATOR VALUE` of a file.
fn field(file: &str, name: &str, separator: char) -> Result<String> {
    let text = read(file)?;
    let value =
        text.lines().filter_map(|line| line.split_once(separator)).find(|(key, _)| key.trim() == name);
    Ok(value.with_context(|| format!("{file} has no {name}"))?.1.trim().to_owned())
}

fn read(file: &str) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {file}"))
}
