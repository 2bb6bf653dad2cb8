//! Memory: of the launcher and pid 1 while a program sleeps, and of a whole container by its report.

use std::collections::HashMap;
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::subjects::{Job, Limits, Subjects};
use crate::shell;

/// Returns the peak resident memory of the launcher and the container's pid 1 together, in bytes.
///
/// # Errors
/// The launcher fails, or its container's pid 1 is never seen.
pub fn launcher_and_pid_1(subjects: &Subjects) -> Result<u64> {
    let mut command = subjects.launch(Job::NativeAsleep, Limits::None)?;
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut launcher = command.spawn().with_context(|| format!("cannot run {}", shell::spelled(&command)))?;
    let peaks = watch(&mut launcher);
    let status = launcher.wait().context("cannot wait for the launcher")?;
    if !status.success() {
        bail!("{} failed: {status}", shell::spelled(&command));
    }
    let (own, init) = peaks?;
    match init {
        Some(init) => Ok(own + init),
        None => bail!("no pid 1 was seen below the launcher"),
    }
}

/// Samples until the launcher ends. The kernel keeps the peaks, so the last sample of each is its peak.
fn watch(launcher: &mut Child) -> Result<(u64, Option<u64>)> {
    let mut peaks = (0, None);
    while launcher.try_wait().context("cannot wait for the launcher")?.is_none() {
        let processes = processes();
        if let Some(peak) = processes.get(&launcher.id()).and_then(|p| p.peak) {
            peaks.0 = peak;
        }
        let init = processes.values().find(|p| p.is_init && descends(&processes, p, launcher.id()));
        peaks.1 = init.and_then(|p| p.peak).or(peaks.1);
        thread::sleep(Duration::from_millis(10));
    }
    Ok(peaks)
}

/// A process, by its `/proc/PID/status`.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    /// Whether it is pid 1 of a namespace below ours.
    is_init: bool,
    /// Its peak resident memory in bytes; a zombie has none.
    peak: Option<u64>,
}

impl Process {
    fn parse(status: &str) -> Option<Self> {
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let pids = field("NSpid")?.split_whitespace().collect::<Vec<_>>();
        let kibibytes = |text: &str| text.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok();
        Some(Self {
            parent: field("PPid")?.trim().parse().ok()?,
            is_init: pids.len() > 1 && pids.last() == Some(&"1"),
            peak: field("VmHWM").and_then(kibibytes).map(|size| size * 1024),
        })
    }
}

/// Returns all processes that can be seen, by pid. Those that end meanwhile are left out.
fn processes() -> HashMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let process =
        |pid| Some((pid, Process::parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)?));
    pids.filter_map(process).collect()
}

fn descends(processes: &HashMap<u32, Process>, process: &Process, ancestor: u32) -> bool {
    let parent_of = |pid: &u32| processes.get(pid).map(|p| p.parent);
    std::iter::successors(Some(process.parent), parent_of).any(|pid| pid == ancestor)
}

/// Returns the peak memory of a container with a small Windows program and no services, in bytes.
///
/// # Errors
/// The launcher fails, or its report tells no peak.
pub fn cgroup_peak(subjects: &Subjects) -> Result<u64> {
    let report = subjects.report();
    // Memory is accounted for where it is limited.
    let mut command = subjects.launch(Job::Hello, Limits::Some)?;
    shell::read(command.args(["--services", "none"]).arg("--report").arg(&report))?;
    let text = fs::read_to_string(&report).with_context(|| format!("cannot read {}", report.display()))?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", report.display()))?;
    let peak = value["memory_peak_bytes"].as_u64();
    peak.with_context(|| format!("{} tells no memory_peak_bytes", report.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status_file() {
        let status = "Name:\tinit\nPPid:\t41\nNSpid:\t42\t1\nVmPeak:\t 900 kB\nVmHWM:\t     812 kB\n";
        let expected = Process { parent: 41, is_init: true, peak: Some(812 * 1024) };
        assert_eq!(Process::parse(status), Some(expected));
        let zombie = Process { parent: 41, is_init: false, peak: None };
        assert_eq!(Process::parse("PPid:\t41\nNSpid:\t1\n"), Some(zombie));
        assert_eq!(Process::parse("Name:\tinit\n"), None);
    }

    #[test]
    fn sees_this_process() {
        let processes = processes();
        let own = processes.get(&std::process::id()).expect("we are running");
        assert!(own.peak.is_some_and(|peak| peak > 0));
        assert!(descends(&processes, own, own.parent));
        assert!(!descends(&processes, own, std::process::id()));
    }
}
