//! `cargo xtask agent`: builds the Windows programs of the Linux engine, which are committed as built files
//! beside their source. Users never need the toolchain for them; it is Debian's, because rustup may not have the
//! target, and because a distribution's toolchain is one that everybody can have.
//!
//! The same toolchain makes the same bytes, wherever the checkout lies. `guest/TOOLCHAIN` says which it was.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::shell;

const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
pub const LINKER: &str = "x86_64-w64-mingw32-gcc";
const PACKAGES: &str = "rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64";
pub const TARGET: &str = "x86_64-pc-windows-gnu";

/// The built files.
const FILES: [&str; 2] = ["nspawn_agent.exe", "bcryptprimitives.dll"];

/// Neither Rust's nor the C compiler's runtime is linked, and no time of building.
const FLAGS: &str = "-Clink-arg=-nostartfiles -Clink-arg=-nostdlib -Clink-arg=-Wl,--no-insert-timestamp";

/// The compiler's helper functions in an object each, so that only those that are called are linked.
const HELPERS_APART: &str = "profile.release.package.compiler_builtins.codegen-units=10000";

/// Variables that change what cargo builds. What tells it where registries are stays.
const DISTURBING: [&str; 6] =
    ["CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_INCREMENTAL", "CARGO_PROFILE_", "CARGO_TARGET_", "RUST"];

/// Builds the programs and lays them into `target/guest`, and then:
///
/// - without `check`: copies them beside their source, with the toolchain's name;
/// - with `check`: compares them with those beside their source, if the toolchain is the recorded one. Another
///   toolchain makes other bytes, and then there is nothing to compare: the directory of the rebuilt ones is
///   returned, which a build of the workspace takes where `NSPAWN_GUEST_DIR` names it.
///
/// # Errors
/// The toolchain is not installed, the build fails, or the committed bytes are others.
pub fn run(check: bool) -> Result<Option<PathBuf>> {
    let root = shell::repository()?;
    let guest = root.join("guest");
    let toolchain = installed_toolchain()?;
    let built = build(&guest, &root.join("target/guest"))?;
    let record = guest.join("TOOLCHAIN");
    if !check {
        for file in FILES {
            copy(&built.join(file), &guest.join(file))?;
        }
        fs::write(&record, toolchain).with_context(|| format!("cannot write {}", record.display()))?;
        println!("guest: {} rebuilt", FILES.join(" and "));
        return Ok(None);
    }
    let recorded =
        fs::read_to_string(&record).with_context(|| format!("cannot read {}", record.display()))?;
    if recorded != toolchain {
        println!(
            "guest: the toolchain is not the recorded one, so the committed files are not compared\n\
             recorded:\n{recorded}installed:\n{toolchain}"
        );
        return Ok(Some(built));
    }
    for file in FILES {
        compare(&built.join(file), &guest.join(file))?;
    }
    println!("guest: {} are what their source makes", FILES.join(" and "));
    Ok(None)
}

/// Returns whether the toolchain that the guest programs are built with is installed.
pub fn toolchain_is_there() -> bool {
    [RUSTC, CARGO].iter().all(|program| Path::new(program).exists()) && crate::shell::find(LINKER).is_some()
}

/// Returns the text that `guest/TOOLCHAIN` holds for what is installed.
fn installed_toolchain() -> Result<String> {
    let rustc = output_of(RUSTC, "-vV")?;
    let gcc = output_of(LINKER, "--version")?;
    let ld = output_of("x86_64-w64-mingw32-ld", "--version")?;
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    Ok(format!("{rustc}{}\n{}\n", first(&gcc), first(&ld)))
}

fn output_of(program: &str, argument: &str) -> Result<String> {
    let output = Command::new(program)
        .arg(argument)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {program}: it is in one of Debian's packages {PACKAGES}"))?;
    if !output.status.success() {
        bail!("{program} {argument} failed: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{program} {argument} printed no text"))
}

/// Builds all of `guest` and returns `output`, where the built files are then.
fn build(guest: &Path, output: &Path) -> Result<PathBuf> {
    let target = output.join("build");
    let status = cargo()
        .current_dir(guest)
        .args(["build", "--release", "--locked", "--target", TARGET, "--config", HELPERS_APART])
        .args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"])
        .env("RUSTFLAGS", format!("{FLAGS} --remap-path-prefix={}=/guest", guest.display()))
        .env("CARGO_TARGET_DIR", &target)
        .status()
        .with_context(|| format!("cannot run {CARGO}: it is in one of Debian's packages {PACKAGES}"))?;
    if !status.success() {
        bail!("building {} failed: {status} (it needs Debian's packages {PACKAGES})", guest.display());
    }
    for file in FILES {
        copy(&target.join(TARGET).join("release").join(file), &output.join(file))?;
    }
    Ok(output.to_owned())
}

/// Returns the distribution's cargo, set to build for Windows with its own compiler and nothing of our environment.
pub fn cargo() -> Command {
    let mut cargo = Command::new(CARGO);
    let disturbing = |name: &OsString| {
        name.to_str().is_some_and(|name| DISTURBING.iter().any(|prefix| name.starts_with(prefix)))
    };
    for (name, _) in env::vars_os().filter(|(name, _)| disturbing(name)) {
        cargo.env_remove(name);
    }
    // Building the standard library is unstable; a distribution's compiler allows it by this.
    cargo.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
    cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER);
    cargo
}

/// Copies the contents, and not the mode: Windows programs are data here.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}

fn compare(built: &Path, committed: &Path) -> Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    if read(built)? != read(committed)? {
        bail!("{} is not what its source makes: run `cargo xtask agent`", committed.display());
    }
    Ok(())
}
