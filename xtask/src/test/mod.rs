//! `cargo xtask test`: every check and every test, with a count of what passed, failed and was skipped.

pub mod tally;

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, Root};
use crate::{agent, dist, packages, programs, vm, windows};
use tally::{Stream, Tally};

/// Installs what the tests need, runs them all, and prints the count as the last line.
///
/// # Errors
/// Something failed, or cargo cannot be run at all. A skipped test is no error: it is named and counted.
pub fn run() -> Result<()> {
    let needed = [
        packages::WINE.as_slice(),
        &packages::PIP,
        &packages::WINDOWS_TOOLCHAIN,
        &packages::WATCHERS,
        &packages::SUBORDINATE_IDS,
    ];
    packages::install(&needed.concat());
    for failure in programs::fetch_all()? {
        println!("cannot fetch {failure}");
    }

    let mut tally = Tally::default();
    check(&mut tally, "fmt", &["--all", "--check"]);
    check(&mut tally, "clippy", &["--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    check_dependencies(&mut tally);
    let guest = check_guest(&mut tally);
    run_tests(&mut tally, guest.as_deref())?;
    check_windows(&mut tally)?;
    vm::check(&mut tally, guest.as_deref());
    check_dist(&mut tally);
    tally.print();
    if !tally.is_good() {
        bail!("some of it failed");
    }
    Ok(())
}

/// Runs a subcommand of cargo that need not be there; it counts as one test.
fn check(tally: &mut Tally, subcommand: &str, arguments: &[&str]) {
    if !shell::cargo_has(subcommand) {
        tally.skip(&format!("{subcommand}: cargo has no such subcommand here"));
        return;
    }
    match shell::run(shell::cargo().arg(subcommand).args(arguments)) {
        Ok(()) => tally.pass(subcommand),
        Err(error) => tally.fail(&format!("{subcommand}: {error:#}")),
    }
}

/// Holds the dependencies against deny.toml, as far as cargo-deny and its database of advisories can be had.
fn check_dependencies(tally: &mut Tally) {
    check(tally, "deny", &["--workspace", "check", "bans", "licenses", "sources"]);
    if !shell::cargo_has("deny") {
        return;
    }
    if shell::read(shell::cargo().args(["deny", "fetch", "db"])).is_err() {
        tally.skip("advisories: their database cannot be fetched");
        return;
    }
    check(tally, "deny", &["--workspace", "check", "--disable-fetch", "advisories"]);
}

/// Tests the workspaces apart, the guest's and the stand-ins', as far as that needs no Windows, and compares the committed ones with their source.
/// Where another toolchain makes others, returns where those are: they are what is tested then.
fn check_guest(tally: &mut Tally) -> Option<PathBuf> {
    for apart in ["guest", "tests/standin"] {
        let manifest = format!("{apart}/Cargo.toml");
        match shell::run(shell::cargo().args(["test", "--quiet", "--manifest-path", &manifest])) {
            Ok(()) => tally.pass(apart),
            Err(error) => tally.fail(&format!("{apart}: {error:#}")),
        }
    }
    if !agent::toolchain_is_there() {
        tally.skip("agent: the toolchain of the guest programs is not installed");
        return None;
    }
    let checked = agent::run(true);
    match &checked {
        Ok(_) => tally.pass("agent"),
        Err(error) => tally.fail(&format!("agent: {error:#}")),
    }
    checked.ok().flatten()
}

/// Builds for Windows, and runs under Wine what is for Windows alone, on the stand-ins.
fn check_windows(tally: &mut Tally) -> Result<()> {
    if !agent::toolchain_is_there() || !Path::new(windows::WINE).is_file() {
        tally.skip("windows: the toolchain for Windows or Wine is not installed");
        return Ok(());
    }
    if let Err(error) = windows::prepare() {
        tally.fail(&format!("windows: {error:#}"));
        return Ok(());
    }
    tally.pass("windows");
    match windows::check_files() {
        Ok(()) => tally.pass("windows: programs and library"),
        Err(error) => tally.fail(&format!("windows: {error:#}")),
    }
    for mut command in windows::tests()? {
        if !follow(&mut command, tally)? && !tally.has_failures() {
            tally.fail("windows: cargo test failed before or beside the tests");
        }
    }
    Ok(())
}

/// Makes what users get, twice in different places: the bytes must be the same.
fn check_dist(tally: &mut Tally) {
    if !agent::toolchain_is_there() {
        tally.skip("dist: the toolchain for Windows is not installed");
        return;
    }
    match dist::run(true) {
        Ok(()) => tally.pass("dist"),
        Err(error) => tally.fail(&format!("dist: {error:#}")),
    }
}

/// Runs the tests of the workspace: as root where we can become root, as starting containers takes it.
fn run_tests(tally: &mut Tally, guest: Option<&Path>) -> Result<()> {
    let mut command = with_default_signals(&shell::cargo());
    if let Some(guest) = guest {
        command.env("NSPAWN_GUEST_DIR", guest);
    }
    command.args(["test", "--workspace", "--no-fail-fast", "--", "--show-output"]);
    let through_sudo = matches!(Root::find(), Root::Sudo(_));
    if through_sudo {
        // Cargo and the compiler stay ours; only what was built is run by root.
        command.env(runner_variable()?, "sudo --preserve-env");
    }
    let status = follow(&mut command, tally);
    if through_sudo {
        give_back()?;
    }
    if !status? && !tally.has_failures() {
        tally.fail("cargo test: it failed before or beside the tests");
    }
    Ok(())
}

/// Returns a command that ignores no signal: tests send some, and whoever started us may have had us ignore them, as
/// shells do in the background.
fn with_default_signals(command: &Command) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal").arg(command.get_program()).args(command.get_args());
    env
}

/// Returns the variable by which cargo takes the program that runs what it built.
fn runner_variable() -> Result<String> {
    let host = shell::host()?.to_uppercase().replace('-', "_");
    Ok(format!("CARGO_TARGET_{host}_RUNNER"))
}

/// Gives the files that tests made as root back to us, so that cargo can remove them.
fn give_back() -> Result<()> {
    let target = shell::target_directory()?;
    let own = shell::read(Command::new("id").arg("-u"))? + ":" + &shell::read(Command::new("id").arg("-g"))?;
    let mut chown = Root::find().command("chown").context("sudo does not let us")?;
    shell::run(chown.args(["--recursive", "--no-dereference", &own]).arg(target.join("tmp")))
}

/// Runs the command, passes on what it prints and counts the tests in it. Returns whether it exited with 0.
///
/// # Errors
/// It cannot be run.
pub fn follow(command: &mut Command, tally: &mut Tally) -> Result<bool> {
    println!("$ {}", shell::spelled(command));
    let what = shell::spelled(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {what}"))?;
    let (sender, lines) = mpsc::channel();
    let pipes: [Option<(Stream, Box<dyn Read + Send>)>; 2] = [
        child.stdout.take().map(|pipe| (Stream::Out, Box::new(pipe) as Box<_>)),
        child.stderr.take().map(|pipe| (Stream::Err, Box::new(pipe) as Box<_>)),
    ];
    for (stream, pipe) in pipes.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || send_lines(stream, pipe, &sender));
    }
    drop(sender);
    for (stream, line) in lines {
        if let Some(line) = tally.take(stream, line) {
            println!("{line}");
        }
    }
    Ok(child.wait().with_context(|| format!("cannot wait for {what}"))?.success())
}

fn send_lines(stream: Stream, pipe: impl Read, lines: &Sender<(Stream, String)>) {
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        if lines.send((stream, String::from_utf8_lossy(&line).into_owned())).is_err() {
            return;
        }
    }
}
