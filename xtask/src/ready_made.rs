//! Programs in C that tests run in containers, compiled here for places that have no compiler. There
//! `NSPAWN_TEST_PROGRAMS` names the directory that holds them, each under the name of its source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;

/// By which tests find the programs.
pub const VARIABLE: &str = "NSPAWN_TEST_PROGRAMS";

/// Sources of Linux programs.
const NATIVE: [&str; 7] = [
    "nspawn/tests/support/programs/native.c",
    "nspawn_cli/tests/bad_input/programs/hello.c",
    "nspawn_cli/tests/hosts/deny.c",
    "nspawn_cli/tests/isolation/programs/probe.c",
    "nspawn_cli/tests/limits/programs/hog.c",
    "nspawn_cli/tests/plain_user/account.c",
    "nspawn_cli/tests/plain_user/program.c",
];

/// Sources of Linux programs without a C library.
const BARE: [&str; 1] = ["linux_sandbox/tests/sandbox/entry.c"];

/// Sources of Windows programs; some serve both.
const WINDOWS: [&str; 10] = [
    "nspawn/tests/support/programs/windows.c",
    "nspawn_cli/tests/bad_input/programs/arguments.c",
    "nspawn_cli/tests/hosts/fill.c",
    "nspawn_cli/tests/isolation/programs/probe.c",
    "nspawn_cli/tests/isolation/programs/windows_view.c",
    "nspawn_cli/tests/launcher/nothing.c",
    "nspawn_cli/tests/layers/reader.c",
    "nspawn_cli/tests/limits/programs/hog.c",
    "nspawn_cli/tests/plain_user/account.c",
    "nspawn_cli/tests/plain_user/program.c",
];

/// Compiles the Linux programs into a directory.
///
/// # Errors
/// There is no compiler, or it fails.
pub fn native(directory: &Path) -> Result<()> {
    compile("cc", &["-pthread"], &NATIVE, "", directory)?;
    compile("cc", &["-nostdlib", "-no-pie", "-fno-stack-protector"], &BARE, "", directory)
}

/// Compiles the Windows programs into a directory.
///
/// # Errors
/// There is no compiler for Windows, or it fails.
pub fn windows(directory: &Path) -> Result<()> {
    compile("x86_64-w64-mingw32-gcc", &["-lshell32", "-lws2_32"], &WINDOWS, "exe", directory)
}

fn compile(
    compiler: &str,
    libraries: &[&str],
    sources: &[&str],
    extension: &str,
    directory: &Path,
) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    for source in sources {
        let source = Path::new("crates").join(source);
        let made = made(&source, extension, directory);
        if is_newer(&made, &source) {
            continue;
        }
        let mut command = Command::new(compiler);
        command.args(["-O1", "-static", "-o"]).arg(made).arg(source).args(libraries);
        shell::run(&mut command)?;
    }
    Ok(())
}

/// Returns where the program made of `source` lies.
fn made(source: &Path, extension: &str, directory: &Path) -> PathBuf {
    directory.join(source.file_name().unwrap_or_default()).with_extension(extension)
}

fn is_newer(made: &Path, source: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    time(made).is_some_and(|made| time(source).is_some_and(|source| source < made))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources_below(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources_below(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "c") {
                found.push(path);
            }
        }
    }

    #[test]
    fn no_program_of_the_tests_is_left_out() {
        let crates = shell::repository().unwrap().join("crates");
        let mut found = Vec::new();
        for tests in ["linux_sandbox/tests", "nspawn/tests", "nspawn_cli/tests"] {
            sources_below(&crates.join(tests), &mut found);
        }
        // Of 32 bits: the test that runs it compiles it itself, or is skipped.
        found.retain(|source| !source.ends_with("part_32.c"));
        found.sort();
        let mut listed: Vec<_> =
            NATIVE.iter().chain(&BARE).chain(&WINDOWS).map(|source| crates.join(source)).collect();
        listed.sort();
        listed.dedup();
        assert_eq!(listed, found);
    }

    #[test]
    fn a_program_has_the_name_of_its_source() {
        let source = Path::new("a/hog.c");
        assert_eq!(made(source, "", Path::new("/p")), Path::new("/p/hog"));
        assert_eq!(made(source, "exe", Path::new("/p")), Path::new("/p/hog.exe"));
    }
}
