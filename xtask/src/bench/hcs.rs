//! `cargo xtask bench hcs`: which functions of the Host Compute Service a launch calls, beside those that it must, and
//! what it takes of the host: under Wine, on the DLLs that stand in for the service.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::machine;
use super::measure::median;
use super::usage::{self, Usage};
use crate::windows::job::{self, Job, windows_path};
use crate::windows::{self, prefix};
use crate::{packages, shell};

/// How often a launch is measured; the median counts.
const ROUNDS: usize = 21;

/// The builds of Windows that are played, and what a launch must call there.
const BUILDS: [(u32, &str, &[&[&str]]); 2] =
    [(14_393, "v1, Windows Server 2016", V1), (26_100, "v2, Windows Server 2025", V2)];

/// An operation of computecore.dll around a call, waited for.
macro_rules! operation {
    ($call:literal) => {
        &["HcsCreateOperation", $call, "HcsWaitForOperationResult", "HcsCloseOperation"]
    };
}

/// The layers that both have: two read-only ones are named, one is made upon them. The path is asked for twice, for its
/// length and for itself.
const LAYERS: &[&str] = &[
    "NameToGuid",
    "NameToGuid",
    "CreateSandboxLayer",
    "ActivateLayer",
    "PrepareLayer",
    "GetLayerMountPath",
    "GetLayerMountPath",
];
const LAYERS_BACK: &[&str] = &["UnprepareLayer", "DeactivateLayer", "DestroyLayer"];

/// The calls of one container by schema v1, in their order. Source: docker 1.13 (daemon/graphdriver/windows,
/// libcontainerd) and hcsshim (internal/hcs/system.go, process.go), without networks and HcsModify calls, which a
/// container without network and with an empty input does not take.
const V1: &[&[&str]] = &[
    LAYERS,
    &["HcsCreateComputeSystem", "HcsRegisterComputeSystemCallback", "HcsStartComputeSystem"],
    &["HcsCreateProcess", "HcsRegisterProcessCallback"],
    // The exit code.
    &["HcsGetProcessProperties"],
    &["HcsUnregisterProcessCallback", "HcsCloseProcess", "HcsShutdownComputeSystem"],
    &["HcsUnregisterComputeSystemCallback", "HcsCloseComputeSystem"],
    LAYERS_BACK,
];

/// The calls of one container by schema v2, in their order. Source: hcsshim (internal/hcs/v2, internal/layers/
/// wcow_mount.go, cmd/containerd-shim-runhcs-v1), without networks. The exit code comes with the event.
const V2: &[&[&str]] = &[
    LAYERS,
    operation!("HcsCreateComputeSystem"),
    &["HcsSetComputeSystemCallback"],
    operation!("HcsGetComputeSystemProperties"),
    operation!("HcsStartComputeSystem"),
    &[
        "HcsCreateOperation",
        "HcsCreateProcess",
        "HcsWaitForOperationResultAndProcessInfo",
        "HcsCloseOperation",
    ],
    &["HcsSetProcessCallback", "HcsCloseProcess"],
    // Nobody waits for this operation: the event of the end is what counts.
    &["HcsCreateOperation", "HcsShutDownComputeSystem", "HcsCloseOperation"],
    &["HcsCloseComputeSystem"],
    LAYERS_BACK,
];

/// What was seen of launches on one build.
struct Seen {
    calls: Vec<String>,
    /// Of a launch.
    launch: Usage,
    /// Of the launcher when it prints its version: what Wine takes, and loading the program.
    nothing: Usage,
}

/// Builds the launcher and the stand-ins, launches, and prints a Markdown table.
///
/// # Errors
/// Something that it takes is missing, or a launch fails. Calls that are more than they must be are told in the table.
pub fn run() -> Result<()> {
    let needed = [packages::WINE.as_slice(), &packages::WINDOWS_TOOLCHAIN].concat();
    let missing = packages::install(&needed);
    ensure!(missing.is_empty(), "cannot measure without {}", missing.join(" "));
    windows::prepare()?;
    let launcher = windows::release()?;
    let place = shell::target_directory()?.join("nspawn/bench_hcs");
    let machine = machine::of_wine()?;
    let mut table = HEAD.to_owned();
    for (build, name, must) in BUILDS {
        println!("measuring as build {build}");
        let seen = measure(&launcher, &place, build).with_context(|| format!("as build {build}"))?;
        table += &row(name, &must.concat(), &seen);
    }
    println!("\n{machine}\n\n{table}");
    Ok(())
}

fn measure(launcher: &Path, place: &Path, build: u32) -> Result<Seen> {
    let prefix = prefix::of_build(build, &windows::built()?)?;
    let _server = Server::start(&prefix)?;
    let (mut launches, mut nothings, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    // The first does not count: it fills caches.
    for round in 0..=ROUNDS {
        let job = Job::prepare(&place.join("job"), &prefix)?;
        let mut command = job.command(launcher);
        command.arg("-q").args(["-c", &windows_path(&job.config), "--root", &windows_path(&job.state)]);
        let (status, launch) = usage::run(&mut command)?;
        ensure!(status.cast_unsigned() == job::EXIT_CODE, "{}: status {status}", shell::spelled(&command));
        let (status, nothing) = usage::run(job.command(launcher).arg("--version"))?;
        ensure!(status == 0, "--version: status {status}");
        if round > 0 {
            launches.push(launch);
            nothings.push(nothing);
        }
        calls = job.calls()?;
    }
    Ok(Seen { calls, launch: middle(&launches), nothing: middle(&nothings) })
}

/// Returns the median of each.
fn middle(all: &[Usage]) -> Usage {
    let mut peaks: Vec<u64> = all.iter().map(|usage| usage.peak_resident).collect();
    peaks.sort_unstable();
    Usage {
        processor_time: median(all.iter().map(|usage| usage.processor_time).collect()),
        peak_resident: peaks[peaks.len() / 2],
    }
}

/// Wine's server of a prefix, kept until this is dropped, so that no launch has to start it.
struct Server<'a>(&'a Path);

impl<'a> Server<'a> {
    fn start(prefix: &'a Path) -> Result<Self> {
        let server = Self(prefix);
        // What stays behind these must not hold our output: nobody who reads that would see its end.
        for mut command in [server.command_with("-p"), job::command(prefix, Path::new("wineboot"))] {
            let (status, _) = usage::run(&mut command)?;
            ensure!(status == 0, "{}: status {status}", shell::spelled(&command));
        }
        Ok(server)
    }

    fn command_with(&self, argument: &str) -> Command {
        let mut command = Command::new(Path::new(windows::WINE).with_file_name("wineserver64"));
        command.arg(argument).env("WINEPREFIX", self.0);
        command
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // One that is gone cannot be ended, and that is as good.
        let _ = self.command_with("-k").stderr(Stdio::null()).status();
    }
}

const HEAD: &str = "\
| schema, build | calls | needed | more than needed | processor time | of that Wine and loading | peak memory | of that Wine and loading |
|---|---|---|---|---|---|---|---|
";

fn row(name: &str, must: &[&str], seen: &Seen) -> String {
    let millis = |usage: Usage| format!("{:.1} ms", usage.processor_time.as_secs_f64() * 1e3);
    let mebibytes = |usage: Usage| format!("{:.1} MiB", usage.peak_resident as f64 / f64::from(1 << 20));
    let (launch, nothing) = (seen.launch, seen.nothing);
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} |\n",
        seen.calls.len(),
        must.len(),
        more(must, &seen.calls),
        millis(launch),
        millis(nothing),
        mebibytes(launch),
        mebibytes(nothing),
    )
}

/// Says which calls were made more often than they must be.
fn more(must: &[&str], made: &[String]) -> String {
    let mut balance: BTreeMap<&str, i32> = BTreeMap::new();
    made.iter().for_each(|call| *balance.entry(call).or_default() += 1);
    must.iter().for_each(|call| *balance.entry(call).or_default() -= 1);
    let mut text = String::new();
    for (call, count) in balance.into_iter().filter(|(_, count)| *count > 0) {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{call} {count}");
    }
    if text.is_empty() { "none".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_more_is_told() {
        let made = |calls: &[&str]| calls.iter().map(|call| (*call).to_owned()).collect::<Vec<_>>();
        assert_eq!(more(&["a", "b"], &made(&["b", "a"])), "none");
        assert_eq!(more(&["a", "b"], &made(&["a"])), "none");
        assert_eq!(more(&["a"], &made(&["c", "a", "b", "a", "a"])), "a 2, b 1, c 1");
    }

    #[test]
    fn what_must_be_called_is_counted() {
        let counts = BUILDS.map(|(_, _, must)| must.concat().len());
        assert_eq!(counts, [21, 33]);
    }

    #[test]
    fn a_row_holds_what_was_seen() {
        let usage =
            |millis, peak_resident| Usage { processor_time: Duration::from_millis(millis), peak_resident };
        let calls = vec!["a".to_owned(), "b".to_owned()];
        let seen = Seen { calls, launch: usage(30, 3 << 20), nothing: usage(20, 2 << 20) };
        let wanted = "| v9 | 2 | 1 | b 1 | 30.0 ms | 20.0 ms | 3.0 MiB | 2.0 MiB |\n";
        assert_eq!(row("v9", &["a"], &seen), wanted);
    }
}
