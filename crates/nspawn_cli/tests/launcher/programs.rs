//! Programs in C that run in containers, built when a test first asks for one. A machine without compilers has them
//! ready made: `NSPAWN_TEST_PROGRAMS` names their directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::place::scratch;

/// A compiler and the kind of program it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A static native program.
    Native,
    /// A Windows console program.
    Windows,
}

impl Target {
    /// Returns the compiler's name.
    pub fn compiler(self) -> &'static str {
        match self {
            Self::Native => "cc",
            Self::Windows => "x86_64-w64-mingw32-gcc",
        }
    }

    /// Tells whether it is installed with all that a program needs, or no longer needed.
    pub fn links(self) -> bool {
        if ready_made().is_some() {
            return true;
        }
        static LINKS: [OnceLock<bool>; 2] = [OnceLock::new(), OnceLock::new()];
        *LINKS[self as usize].get_or_init(|| {
            let directory = tempfile::tempdir_in(scratch()).unwrap();
            let file = directory.path().join("empty.c");
            std::fs::write(&file, "int main(void) { return 0; }").unwrap();
            self.command(&file, &directory.path().join("empty")).output().is_ok_and(|o| o.status.success())
        })
    }

    fn command(self, source: &Path, made: &Path) -> Command {
        let mut compiler = Command::new(self.compiler());
        compiler.args(["-O1", "-Wall", "-Werror", "-o"]).arg(made).args(self.flags()).arg(source);
        compiler.args(self.libraries());
        compiler
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Native => &["-static", "-pthread"],
            Self::Windows => &["-static"],
        }
    }

    fn libraries(self) -> &'static [&'static str] {
        match self {
            Self::Native => &[],
            Self::Windows => &["-lshell32", "-lws2_32"],
        }
    }

    fn file_name(self, name: &str) -> String {
        match self {
            Self::Native => name.to_owned(),
            Self::Windows => format!("{name}.exe"),
        }
    }
}

/// Returns the program made of `source`, a file below `tests/`; it is named as its source is.
pub fn program(target: Target, source: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<(Target, String), PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry((target, source.to_owned())).or_insert_with(|| build(target, source)).clone()
}

fn ready_made() -> Option<PathBuf> {
    std::env::var_os("NSPAWN_TEST_PROGRAMS").map(PathBuf::from)
}

fn build(target: Target, source: &str) -> PathBuf {
    if let Some(directory) = ready_made() {
        let name = Path::new(source).file_stem().unwrap().to_str().unwrap();
        return directory.join(target.file_name(name));
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(source);
    // Test binaries may run at once: each has its own.
    let binary = std::env::current_exe().unwrap();
    let directory = scratch().join("walls_programs").join(binary.file_name().unwrap());
    std::fs::create_dir_all(&directory).unwrap();
    let made = directory.join(target.file_name(source.file_stem().unwrap().to_str().unwrap()));
    let output = target.command(&source, &made).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    made
}
