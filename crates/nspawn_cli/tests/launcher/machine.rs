//! What a test needs of the machine; where it is not there, the test says so and passes.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::place::scratch;
use super::programs::Target;
use super::who::Who;

/// Something that a test needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To be root: containers are made.
    Root,
    /// A plain user who may have user namespaces.
    PlainUser,
    /// A compiler.
    Compiler(Target),
    /// Wine.
    Wine,
    /// A mount namespace of its own, made by unshare(1).
    Unshare,
    /// strace(1), which may trace.
    Strace,
    /// At least so many processors.
    Processors(usize),
    /// That the build directory lies on a disk.
    Disk,
}

/// What running a native program takes.
pub const NATIVE: &[Need] = &[Need::Root, Need::Compiler(Target::Native)];
/// What running a Windows program takes.
pub const WINDOWS: &[Need] = &[Need::Root, Need::Compiler(Target::Windows), Need::Wine];

/// Tells whether all of it is there. Where something is not, it says that `test` is skipped.
pub fn has(test: &str, needs: &[&[Need]]) -> bool {
    let missing = needs.iter().copied().flatten().find_map(|need| need.missing());
    missing.as_ref().inspect(|reason| skip(test, reason));
    missing.is_none()
}

/// Says on standard error that `test` cannot run here.
pub fn skip(test: &str, reason: &str) {
    // Not `eprintln!`: the test harness would keep it from whoever counts skipped tests.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}

/// Returns the number of the host's processors, whatever this process may use of them.
pub fn processors() -> usize {
    let online = fs::read_to_string("/sys/devices/system/cpu/online").unwrap();
    let ranges = online.trim_end().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        last.parse::<usize>().unwrap() - first.parse::<usize>().unwrap() + 1
    });
    ranges.sum()
}

/// Returns how long a processor of this machine may be away, in microseconds: a virtual one that waits for a real one
/// counts that as time used. The machine says so, where it is one, by `NSPAWN_TEST_AWAY_MS`.
pub fn processor_away_us() -> f64 {
    std::env::var("NSPAWN_TEST_AWAY_MS").map_or(0.0, |text| text.parse::<f64>().unwrap() * 1000.0)
}

/// Tells whether this machine was made for the tests: its settings are nobody else's, and what it emulates takes long. It
/// says so by `NSPAWN_TEST_MACHINE`.
pub fn is_made_for_tests() -> bool {
    std::env::var_os("NSPAWN_TEST_MACHINE").is_some()
}

/// Returns Wine's loader and server, where Wine is installed.
pub fn wine() -> Option<[PathBuf; 2]> {
    let places = [
        "/usr/lib/wine/wine64",
        "/usr/lib/x86_64-linux-gnu/wine/wine",
        "/usr/bin/wine64",
        "/opt/wine-stable/bin/wine64",
        "/opt/wine-devel/bin/wine64",
    ];
    let loader = places.map(PathBuf::from).into_iter().find(|path| path.is_file())?;
    let server = ["wineserver64", "wineserver"].map(|name| loader.with_file_name(name));
    server.into_iter().find(|path| path.is_file()).map(|server| [loader, server])
}

/// The 32-bit part of Debian's Wine.
const PART_32: &str = "/usr/lib/i386-linux-gnu/wine";

/// Returns whether it is installed.
pub fn has_part_32() -> bool {
    Path::new(PART_32).join("i386-unix/ntdll.so").is_file()
}

/// Returns the directory of Wine's 32-bit Windows programs, where Debian's Wine runs such: by a separate part, or by its
/// own WoW64.
pub fn programs_32() -> Option<PathBuf> {
    let whole = Path::new("/usr/lib/x86_64-linux-gnu/wine");
    let has_wow64 = whole.join("x86_64-windows/wow64.dll").is_file();
    let places = [(has_part_32(), Path::new(PART_32)), (has_wow64, whole)];
    let mut programs =
        places.into_iter().filter(|(runs, _)| *runs).map(|(_, place)| place.join("i386-windows"));
    // Debian 13's Wine has the directory, and nothing of Wine's own in it.
    programs.find(|programs| programs.join("ntdll.dll").is_file())
}

impl Need {
    fn missing(self) -> Option<String> {
        let (there, reason) = match self {
            Self::Root => (is_root(), "starting a container needs root".to_owned()),
            Self::PlainUser => {
                let reason = "needs setpriv and unshare, and user namespaces for plain users";
                (Who::Plain.may_start(), reason.to_owned())
            }
            Self::Compiler(target) => {
                (target.links(), format!("{} cannot link a program", target.compiler()))
            }
            Self::Wine => (wine().is_some(), "Wine is not installed".to_owned()),
            Self::Strace => (traces(), "needs strace".to_owned()),
            Self::Unshare => (unshares(), "no mount namespace can be made".to_owned()),
            Self::Processors(count) => (processors() >= count, format!("{count} processors are needed")),
            Self::Disk => (on_disk(), format!("{} lies on no disk", scratch().display())),
        };
        (!there).then_some(reason)
    }
}

/// Tells whether root runs the tests.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn traces() -> bool {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

fn unshares() -> bool {
    Command::new("unshare").args(["--mount", "true"]).output().is_ok_and(|output| output.status.success())
}

/// Major number 0 is no device.
fn on_disk() -> bool {
    rustix::fs::major(fs::metadata(scratch()).unwrap().dev()) != 0
}
