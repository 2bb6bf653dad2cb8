//! What was built for Windows, looked at and used: which DLLs it needs, what the program holds, and programs in C that
//! use the C library under Wine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::job::{Job, command, windows_path};
use super::{SERVER_2019, prefix};
use crate::{agent, executable, shell};

/// Windows' libraries that the static library needs (`rustc --print native-static-libs`).
pub const STATIC_NEEDS: &str = "-lkernel32 -lntdll -luserenv -lws2_32 -ldbghelp";

/// Checks all of it; `built` holds what cargo made for Windows.
///
/// # Errors
/// Something is not as it must be.
pub fn check(built: &Path) -> Result<()> {
    for name in ["hostcompute_nspawn.exe", "hostcompute_nspawn.dll"] {
        executable::check_imports(&read(&built.join(name))?).with_context(|| name.to_owned())?;
    }
    let (program, library) = ("hostcompute_nspawn.exe", "hostcompute_nspawn.dll");
    executable::check_resources(&read(&built.join(program))?, env!("CARGO_PKG_VERSION")).context(program)?;
    executable::check_version(&read(&built.join(library))?, env!("CARGO_PKG_VERSION")).context(library)?;
    let place = shell::target_directory()?.join("nspawn/windows_c");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    for link in [Link::Shared, Link::Static] {
        check_library(built, link, &place).with_context(|| format!("the C library, {link:?}"))?;
    }
    Ok(())
}

/// How a program is linked with the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Shared,
    Static,
}

fn check_library(built: &Path, link: Link, place: &Path) -> Result<()> {
    let compile = |name| compile(name, built, link, place);
    let (border, run, host) = (compile("border")?, compile("run")?, compile("host_windows")?);
    let original = compile("original")?;
    let bare = prefix::bare()?;
    let said = shell::read(&mut command(&bare, &border))?;
    ensure!(said == "border: good", "border.exe: {said}");

    let said = launch(&run, &prefix::without_service(SERVER_2019)?, place)?;
    // Kind: unsupported.
    ensure!(said.contains("returned 7\r\n"), "without the service: {said}");
    ensure!(said.contains("vmcompute.dll"), "the error does not name the DLL that is missing: {said}");
    for build in [14_393, SERVER_2019, 26_100] {
        let said = launch(&run, &prefix::of_build(build, built)?, place)?;
        let told = ["returned 0", "exited 1", "exit_code 7", "exit_status 7", "error "];
        let is_told = |line: &str| said.lines().any(|told| told == line);
        ensure!(told.iter().all(|line| is_told(line)), "as build {build}: {said}");
    }
    for build in [14_393, 26_100] {
        let prefix = prefix::of_build(build, built)?;
        let said = launch(&host, &prefix, place)?;
        ensure!(said == "host: good", "host_windows.exe as build {build}: {said}");
        check_original(&original, &prefix, place).with_context(|| format!("as build {build}"))?;
    }
    Ok(())
}

/// Runs a container by the function of hostcompute_nspawn 1.3, which keeps its state in the usual places.
fn check_original(program: &Path, prefix: &Path, place: &Path) -> Result<()> {
    let job = Job::prepare(&place.join("job"), prefix)?;
    let said = shell::read(job.command(program).arg(windows_path(&job.config)))?;
    ensure!(said == "returned NULL", "original.exe: {said}");
    let calls = job.calls()?;
    for call in ["CreateSandboxLayer", "HcsCreateProcess", "DestroyLayer"] {
        ensure!(calls.iter().any(|made| made == call), "original.exe did not call {call}: {calls:?}");
    }
    let scratch = prefix.join("drive_c/ProgramData/hostcompute_nspawn/data/scratch");
    let left = fs::read_dir(&scratch).with_context(|| format!("cannot read {}", scratch.display()))?;
    ensure!(left.count() == 0, "original.exe left something in {}", scratch.display());
    Ok(())
}

/// Builds a C program of the library's tests.
fn compile(name: &str, built: &Path, link: Link, place: &Path) -> Result<PathBuf> {
    let source = shell::repository()?.join("crates/nspawn_capi");
    let program = place.join(format!("{name}_{link:?}.exe"));
    let mut compiler = Command::new(agent::LINKER);
    compiler.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    compiler.arg("-I").arg(source.join("include")).arg("-o").arg(&program);
    compiler.arg(source.join("tests/programs").join(name).with_extension("c"));
    match link {
        Link::Shared => {
            let library = "hostcompute_nspawn.dll";
            fs::copy(built.join(library), place.join(library))
                .with_context(|| format!("cannot copy {library}"))?;
            compiler.arg(built.join("libhostcompute_nspawn.dll.a"));
        }
        Link::Static => {
            compiler.arg("-DHOSTCOMPUTE_NSPAWN_STATIC").arg(built.join("libhostcompute_nspawn.a"));
            compiler.args(STATIC_NEEDS.split(' '));
        }
    }
    shell::read(&mut compiler)?;
    Ok(program)
}

/// Has the program `run` run the stand-in's program in a container, and returns what it says.
fn launch(run: &Path, prefix: &Path, place: &Path) -> Result<String> {
    let job = Job::prepare(&place.join("job"), prefix)?;
    let mut command = job.command(run);
    shell::read(command.arg(windows_path(&job.config)).arg(windows_path(&job.state)))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
