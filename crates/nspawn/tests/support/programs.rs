//! Programs that do one thing, named by their first argument: `exit 7`, `obey 77`, `ignore`, `stay`, `copy`, ...
//! Compiled where they are needed, once. A machine without compilers has them ready made: `NSPAWN_TEST_PROGRAMS` names
//! their directory.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::run;

const NATIVE: &str = include_str!("programs/native.c");
const WINDOWS: &str = include_str!("programs/windows.c");

/// Returns the native program, linked statically, or why there is none.
pub fn native() -> Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(|| compile("cc", &["-static", "-O1"], NATIVE, "native")).clone()
}

/// Returns the Windows program, or why there is none.
pub fn windows() -> Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(|| compile("x86_64-w64-mingw32-gcc", &["-O1"], WINDOWS, "windows.exe")).clone()
}

fn compile(compiler: &str, options: &[&str], source: &str, name: &str) -> Result<PathBuf, String> {
    if let Some(directory) = std::env::var_os("NSPAWN_TEST_PROGRAMS") {
        return Ok(Path::new(&directory).join(name));
    }
    let mut hasher = DefaultHasher::new();
    (options, source).hash(&mut hasher);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("test_programs");
    let program = directory.join(format!("{:016x}-{name}", hasher.finish()));
    if program.is_file() {
        return Ok(program);
    }
    if Command::new(compiler).arg("--version").output().is_err() {
        return Err(format!("needs {compiler}"));
    }
    std::fs::create_dir_all(&directory).unwrap();
    let partial = tempfile::tempdir_in(&directory).unwrap();
    let (text, made) = (partial.path().join("source.c"), partial.path().join(name));
    std::fs::write(&text, source).unwrap();
    // A compiler that is there and fails is a failure of the test, not a reason to skip it.
    run(Command::new(compiler).args(options).arg("-o").arg(&made).arg(&text)).unwrap();
    std::fs::rename(&made, &program).unwrap();
    Ok(program)
}
