//! `cargo xtask windows`: builds the launcher for Windows, and runs under Wine the tests of what is for Windows alone.
//! No real Windows is needed, and none is shown by it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{agent, shell};

/// Wine's loader, where Debian and Ubuntu have it.
pub const WINE: &str = "/usr/lib/wine/wine64";

/// Builds and tests, printing what is run.
///
/// # Errors
/// The toolchain or Wine is missing, the build or a test fails.
pub fn run() -> Result<()> {
    shell::run(&mut build()?)?;
    shell::run(&mut tests()?)
}

/// Returns the command that builds the launcher.
///
/// # Errors
/// Cargo's target directory is not known.
pub fn build() -> Result<Command> {
    let mut command = cargo("build")?;
    command.args(["--package", "nspawn_cli"]);
    Ok(command)
}

/// Returns the command that runs the tests, in a Wine prefix made for them.
///
/// # Errors
/// The prefix cannot be made.
pub fn tests() -> Result<Command> {
    let prefix = prefix()?;
    let mut command = cargo("test")?;
    // Not the examples in the documentation: their tool would be that of another toolchain.
    command.args(["--lib", "--tests", "--package", "hcs_schema", "--package", "hcs_sys"]);
    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", WINE);
    command.env("WINEPREFIX", prefix).env("WINEDEBUG", "-all");
    Ok(command)
}

fn cargo(subcommand: &str) -> Result<Command> {
    let mut cargo = agent::cargo();
    cargo.args([subcommand, "-Zbuild-std=std,panic_unwind", "--target", agent::TARGET]);
    cargo.env("CARGO_TARGET_DIR", shell::target_directory()?.join("windows"));
    Ok(cargo)
}

/// Makes a Wine prefix in which Rust programs run.
fn prefix() -> Result<PathBuf> {
    let prefix = shell::target_directory()?.join("nspawn/windows_prefix");
    if !prefix.join("system.reg").is_file() {
        fs::create_dir_all(&prefix).with_context(|| format!("cannot make {}", prefix.display()))?;
        let overrides = "mscoree,mshtml,winemenubuilder.exe=";
        let mut wine = Command::new(WINE);
        wine.args(["wineboot", "--init"]).env("WINEPREFIX", &prefix);
        shell::run(wine.env("WINEDEBUG", "-all").env("WINEDLLOVERRIDES", overrides))?;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in no directory")?;
    let library = "bcryptprimitives.dll";
    let target = prefix.join("drive_c/windows/system32").join(library);
    fs::copy(root.join("guest").join(library), &target)
        .with_context(|| format!("cannot copy to {}", target.display()))?;
    Ok(prefix)
}
