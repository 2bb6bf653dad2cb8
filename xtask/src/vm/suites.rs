//! What runs in the machine: test programs of the workspace, as they were built for the host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{ready_made, shell};

/// Tests of one test program.
#[derive(Debug)]
pub struct Suite {
    /// What the count calls it.
    pub name: &'static str,
    package: &'static str,
    target: &'static str,
    /// For the test harness: parts of the names of the tests that run.
    filters: &'static [&'static str],
    needs: Needs,
    place: Place,
    processors: Processors,
}

/// Where a suite runs. In an emulated machine waking another processor costs far more than the work that it does
/// then, and Wine and its server wake each other all the time: what needs no second processor keeps to one, and what
/// keeps to the first runs at once with what keeps to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Processors {
    Both,
    First,
    Second,
}

/// What a suite takes beside the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// Native programs.
    Compiler,
    /// Wine, a base layer, and Windows programs.
    Wine,
}

/// The control group of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The hierarchy's root, where processes are in nobody's way.
    Root,
    /// A group with processes, below one that passes on memory and processes only: as services of systemd have.
    Service,
    /// That of a service of a systemd which runs here, delegated to it.
    Delegated,
    /// That of a service of a systemd which keeps it.
    Kept,
    /// That of a service of a plain user's own systemd, which has it delegated; that user runs the suite.
    User,
}

impl Place {
    /// Returns what the scripts take: a path below the hierarchy's root, or whether systemd delegates.
    fn word(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Delegated => "yes",
            Self::Kept => "no",
            Self::User => "user",
            Self::Service => "system.slice/tests.service",
        }
    }
}

/// What the host could provide.
#[derive(Debug, Clone, Copy)]
pub struct Provided {
    /// Native programs of the tests.
    pub native: bool,
    /// All that Windows programs take.
    pub windows: bool,
    /// A systemd.
    pub systemd: bool,
}

const fn suite(
    name: &'static str,
    (package, target): (&'static str, &'static str),
    filters: &'static [&'static str],
    (needs, place): (Needs, Place),
) -> Suite {
    Suite { name, package, target, filters, needs, place, processors: Processors::Both }
}

const fn first(
    name: &'static str,
    program: (&'static str, &'static str),
    filters: &'static [&'static str],
    takes: (Needs, Place),
) -> Suite {
    Suite { processors: Processors::First, ..suite(name, program, filters, takes) }
}

const fn second(
    name: &'static str,
    program: (&'static str, &'static str),
    filters: &'static [&'static str],
    takes: (Needs, Place),
) -> Suite {
    Suite { processors: Processors::Second, ..suite(name, program, filters, takes) }
}

const LIMITS: (&str, &str) = ("nspawn_cli", "limits");
const ISOLATION: (&str, &str) = ("nspawn_cli", "isolation");

/// What of root's takes two processors.
const WINDOWS_ON_BOTH: &[&str] =
    &["root::windows::a_count", "root::windows::an_affinity", "root::windows::the_original"];
const WINDOWS_ON_ONE: &[&str] = &[
    "memory::root::windows",
    "processes::root::windows",
    "root::windows::a_percentage",
    "storage::root::windows",
];
/// What is tried with Windows' own functions is root's.
const ISOLATED_WINDOWS: &[&str] = &[
    "root::windows::",
    "windows_paths::",
    "environment::i12_a_windows",
    "mounts::read_only_for_windows",
    "network::i11_no_service_of_the_host_by",
    "root::i02_programs",
    "root::a_base_layer",
];
/// Each kind of limit, of a plain user whose groups are delegated to him.
const DELEGATED: &[&str] = &[
    "plain::native::too_much_in_one",
    "plain::native::a_count",
    "plain::native::an_affinity",
    "plain::native::a_fork_bomb",
    "plain::native::operations",
];
const DELEGATED_WINDOWS: &[&str] = &[
    "plain::windows::too_much_in_one",
    "plain::windows::a_count",
    "plain::windows::an_affinity",
    "plain::windows::a_fork_bomb",
    "plain::windows::operations",
];
const GROUPS: (&str, &str) = ("linux_sandbox", "linux_sandbox");

/// All of them, in the order in which they run. What takes long in an emulated machine and is the same on every kernel
/// stays out.
pub const SUITES: [Suite; 19] = [
    suite(
        "groups at the root",
        GROUPS,
        &["real_tests::a_process_sees", "real_tests::forks"],
        (Needs::Nothing, Place::Root),
    ),
    suite(
        "groups in a service",
        GROUPS,
        &["real_tests::", "--skip", "a_delegated"],
        (Needs::Nothing, Place::Service),
    ),
    suite(
        "sandbox",
        ("linux_sandbox", "sandbox"),
        &["--skip", "made_at_once"],
        (Needs::Compiler, Place::Root),
    ),
    suite("conformance", ("nspawn", "conformance"), &["on_linux::"], (Needs::Compiler, Place::Service)),
    suite("limits", LIMITS, &["root::native", "unenforced::"], (Needs::Compiler, Place::Service)),
    suite("limits, plain user", LIMITS, &["plain::native"], (Needs::Compiler, Place::Service)),
    suite("limits, Windows", LIMITS, WINDOWS_ON_BOTH, (Needs::Wine, Place::Service)),
    suite(
        "user namespaces",
        ("nspawn_cli", "plain_user"),
        &["namespaces::settings"],
        (Needs::Compiler, Place::Service),
    ),
    first("isolation", ISOLATION, &["root::native::"], (Needs::Compiler, Place::Service)),
    first("isolation, Windows", ISOLATION, ISOLATED_WINDOWS, (Needs::Wine, Place::Service)),
    first("limits, Windows, on one processor", LIMITS, WINDOWS_ON_ONE, (Needs::Wine, Place::Service)),
    second("isolation, plain user", ISOLATION, &["plain::native::"], (Needs::Compiler, Place::Service)),
    second("isolation, Windows, plain user", ISOLATION, &["plain::windows::"], (Needs::Wine, Place::Service)),
    second("limits, Windows, plain user", LIMITS, &["plain::windows"], (Needs::Wine, Place::Service)),
    suite("systemd, delegated", GROUPS, &["real_tests::a_delegated"], (Needs::Nothing, Place::Delegated)),
    suite("systemd, not delegated", GROUPS, &["real_tests::a_delegated"], (Needs::Nothing, Place::Kept)),
    suite(
        "systemd, limits",
        LIMITS,
        &["root::native::too_much_in_one", "root::native::operations", "plain::native::too_much_in_one"],
        (Needs::Compiler, Place::Kept),
    ),
    suite("systemd, delegated to a plain user", LIMITS, DELEGATED, (Needs::Compiler, Place::User)),
    suite(
        "systemd, delegated to a plain user, Windows",
        LIMITS,
        DELEGATED_WINDOWS,
        (Needs::Wine, Place::User),
    ),
];

impl Place {
    /// Tells whether the suite runs under systemd.
    fn is_systemds(self) -> bool {
        matches!(self, Self::Delegated | Self::Kept | Self::User)
    }
}

impl Suite {
    /// Tells what is missing, if something is.
    pub fn missing(&self, provided: Provided) -> Option<&'static str> {
        if self.place.is_systemds() && !provided.systemd {
            return Some("systemd is not installed");
        }
        match self.needs {
            Needs::Compiler if !provided.native => Some("cc cannot link the programs of the tests"),
            Needs::Wine if !provided.windows => {
                Some("Wine, its base layer or the compiler for Windows is missing")
            }
            _ => None,
        }
    }

    /// Returns the line of the machine's script that runs it.
    fn line(&self, built: &Built) -> Result<String> {
        let program = built.test(self.package, self.target)?;
        Ok(format!(
            "suite '{}' root '{}' '{}' --show-output {}\n",
            self.name,
            self.place.word(),
            program.display(),
            self.filters.join(" ")
        ))
    }
}

/// Returns the scripts that run `suites`: that of the machine, and that of its systemd, empty where it has none to run.
///
/// # Errors
/// A test program was not built.
pub fn scripts(suites: &[&Suite], built: &Built, programs: &Path) -> Result<[String; 2]> {
    let (later, first): (Vec<&Suite>, Vec<&Suite>) =
        suites.iter().partition(|suite| suite.place.is_systemds());
    let later = if later.is_empty() { String::new() } else { script(&later, built, programs)? };
    Ok([script(&first, built, programs)?, later])
}

fn script(suites: &[&Suite], built: &Built, programs: &Path) -> Result<String> {
    let [both, first, second] = [Processors::Both, Processors::First, Processors::Second].map(|wanted| {
        let of_these = suites.iter().filter(|suite| suite.processors == wanted);
        of_these.map(|suite| suite.line(built)).collect::<Result<String>>()
    });
    let mut script =
        format!("export {}='{}' {SETTINGS}\n{}", ready_made::VARIABLE, programs.display(), both?);
    let (first, second) = (first?, second?);
    if !(first.is_empty() && second.is_empty()) {
        script.push_str(&format!(
            "(\nprocessors=1 stderr=/tmp/stderr1\n{first}) &\nfirst=$!\n\
             (\nprocessors=2 stderr=/tmp/stderr2\n{second}) > /tmp/second\nwait $first\ncat /tmp/second\n"
        ));
    }
    Ok(script)
}

/// What the tests are told of the machine: a processor of one without its own is away at times, which it takes for time
/// that was used; its settings are nobody else's.
const SETTINGS: &str = "NSPAWN_TEST_AWAY_MS=150 NSPAWN_TEST_MACHINE=yes";

/// A package's name and a target's.
type Key = (String, String);

/// What cargo built for the host.
#[derive(Debug)]
pub struct Built {
    tests: BTreeMap<Key, PathBuf>,
    /// The launcher that the tests know by its path.
    pub launcher: PathBuf,
}

/// Builds the tests of the workspace, just as testing the host does, so that nothing is built twice.
///
/// # Errors
/// Cargo fails.
pub fn build(guest: Option<&Path>) -> Result<Built> {
    let mut cargo = shell::cargo();
    if let Some(guest) = guest {
        cargo.env("NSPAWN_GUEST_DIR", guest);
    }
    cargo.args(["test", "--workspace", "--no-run", "--quiet", "--message-format", "json"]);
    built(&shell::read(&mut cargo)?)
}

fn built(messages: &str) -> Result<Built> {
    let (mut tests, mut launcher) = (BTreeMap::new(), None);
    for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let Some(executable) = message["executable"].as_str().map(PathBuf::from) else { continue };
        let target = message["target"]["name"].as_str().unwrap_or_default().to_owned();
        if message["profile"]["test"] == true {
            tests.insert((package(&message)?, target), executable);
        } else if target == "hostcompute_nspawn" {
            launcher = Some(executable);
        }
    }
    Ok(Built { tests, launcher: launcher.context("cargo built no launcher")? })
}

/// Returns the package's name: that of the directory which holds its manifest.
fn package(message: &Value) -> Result<String> {
    let manifest = Path::new(message["manifest_path"].as_str().context("cargo names no manifest")?);
    let name = manifest.parent().and_then(Path::file_name).context("a manifest lies in no directory")?;
    Ok(name.to_string_lossy().into_owned())
}

impl Built {
    /// Returns a test program, by the names of its package and its target.
    ///
    /// # Errors
    /// There is no such one.
    pub fn test(&self, package: &str, target: &str) -> Result<&Path> {
        let key = (package.to_owned(), target.to_owned());
        self.tests.get(&key).map(PathBuf::as_path).with_context(|| format!("cargo built no {target}"))
    }

    /// Returns the test programs that `suites` run.
    pub fn programs<'a>(&'a self, suites: impl IntoIterator<Item = &'a Suite>) -> Vec<&'a PathBuf> {
        let keys = suites.into_iter().map(|suite| (suite.package.to_owned(), suite.target.to_owned()));
        let mut programs: Vec<_> = keys.filter_map(|key| self.tests.get(&key)).collect();
        programs.sort();
        programs.dedup();
        programs
    }
}

#[cfg(test)]
mod tests;
