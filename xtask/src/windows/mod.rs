//! `cargo xtask windows`: builds the launcher for Windows, and runs under Wine the tests of what is for Windows alone,
//! on DLLs that stand in for the Host Compute Service. No real Windows is needed, and none is shown by it.

mod files;
pub mod job;
pub mod prefix;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{agent, shell};

pub use files::STATIC_NEEDS;

/// Wine's loader, where Debian and Ubuntu have it.
pub const WINE: &str = "/usr/lib/wine/wine64";

/// The first build that has computecore.dll.
pub const SERVER_2019: u32 = 17_763;

/// What is run as which build of Windows: test binaries, and which of their tests. Names of tests say the schema.
const ON_STANDINS: [(u32, &[&str], &[&str]); 7] = [
    (14_393, &["conformance", "hcs", "windows_launcher"], &["v1"]),
    (SERVER_2019, &["conformance"], &["v1", "v2"]),
    (SERVER_2019, &["hcs"], OLD_ON_NEW),
    (SERVER_2019, &["windows_launcher"], OF_BUILDS),
    (20_348, &["conformance"], &["v2"]),
    (20_348, &["windows_launcher"], OF_BUILDS),
    (26_100, &["conformance", "hcs", "windows_launcher"], &["v2"]),
];

/// Tests of the engine on the first build that has both DLLs: which calls it makes, and what it does where one of
/// schema v1 fails or its news is not as it should be.
const OLD_ON_NEW: &[&str] =
    &["sequence", "faults::v1", "half::v1", "judged::v1", "news::v1::one", "news::v1::a_system"];

/// Tests of the launcher in which the build counts.
const OF_BUILDS: &[&str] = &["programs::v2::the_", "builds::v2", "orphans::v2"];

/// What is for Windows, too. Always all of them: cargo builds dependencies anew for other ones.
const PACKAGES: [&str; 8] =
    ["--package", "hcs_schema", "--package", "hcs_sys", "--package", "nspawn", "--package", "nspawn_cli"];

/// Builds and tests, printing what is run.
///
/// # Errors
/// The toolchain or Wine is missing, the build or a test fails.
pub fn run() -> Result<()> {
    prepare()?;
    check_files()?;
    tests()?.iter_mut().map(shell::run).filter(Result::is_err).last().unwrap_or(Ok(()))
}

/// Checks what was built: what it needs, what it holds, and that programs in C can use the library.
///
/// # Errors
/// Something is not as it must be.
pub fn check_files() -> Result<()> {
    files::check(&built()?)
}

/// Builds the launcher, the C library and the stand-ins, printing what is run.
///
/// # Errors
/// The toolchain is missing, or the build fails.
pub fn prepare() -> Result<()> {
    shell::run(cargo("build")?.args(["--package", "nspawn_cli", "--package", "nspawn_capi"]))?;
    shell::run(cargo("build")?.args(["--manifest-path", STANDINS]))
}

/// The workspace of the stand-ins.
const STANDINS: &str = "tests/standin/Cargo.toml";

/// Returns the commands that run the tests, each in a Wine prefix made for it.
///
/// # Errors
/// A prefix cannot be made.
pub fn tests() -> Result<Vec<Command>> {
    let built = built()?;
    let bare = prefix::bare()?;
    // Not the examples in the documentation: their tool would be that of another toolchain.
    let mut units = test(&bare)?;
    units.args(PACKAGES).args(["--lib", "--test", "windows"]);
    let mut without = test(&prefix::without_service(SERVER_2019)?)?;
    without.args(PACKAGES).args(["--test", "windows_launcher", "--", "bare"]);
    let mut halved = test(&prefix::without_computecore(&built)?)?;
    halved.args(PACKAGES).args(["--test", "windows_launcher", "--", "without_computecore"]);
    let mut lacking = test(&prefix::without_function(&built)?)?;
    lacking.args(PACKAGES).args(["--test", "windows_launcher", "--", "without_function"]);
    let mut commands = vec![units, without, halved, lacking];
    for (build, binaries, filters) in ON_STANDINS {
        let mut command = test(&prefix::of_build(build, &built)?)?;
        command.args(PACKAGES).args(binaries.iter().flat_map(|binary| ["--test", binary]));
        command.arg("--").args(filters);
        commands.push(command);
    }
    let mut standins = test(&prefix::of_build(26_100, &built)?)?;
    standins.args(["--lib", "--tests", "--manifest-path", STANDINS, "--"]);
    // Those are no tests: tests run them as processes of their own.
    standins.args(["--skip", "support::contained", "--skip", "process_that_is_killed"]);
    commands.push(standins);
    Ok(commands)
}

/// Returns `cargo test`, whose binaries run in that prefix.
fn test(prefix: &Path) -> Result<Command> {
    let mut command = cargo("test")?;
    // At fixed addresses: where the kernel lays out memory at random, one start of this Wine in some thousands fails.
    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", format!("setarch --addr-no-randomize {WINE}"));
    // A backtrace takes half a minute there, and knows no line.
    command.env("WINEPREFIX", prefix).env("WINEDEBUG", "-all").env("RUST_BACKTRACE", "0");
    Ok(command)
}

fn cargo(subcommand: &str) -> Result<Command> {
    let mut cargo = agent::cargo();
    cargo.args([subcommand, "-Zbuild-std=std,panic_unwind", "--target", agent::TARGET]);
    cargo.env("CARGO_TARGET_DIR", target()?).current_dir(shell::repository()?);
    Ok(cargo)
}

fn target() -> Result<PathBuf> {
    Ok(shell::target_directory()?.join("windows"))
}

/// Builds the launcher as it is given to users, and returns its path.
///
/// # Errors
/// The build fails.
pub fn release() -> Result<PathBuf> {
    shell::run(cargo("build")?.args(["--release", "--package", "nspawn_cli"]))?;
    Ok(target()?.join(agent::TARGET).join("release/hostcompute_nspawn.exe"))
}

/// Returns where cargo puts what it builds for Windows.
pub fn built() -> Result<PathBuf> {
    Ok(target()?.join(agent::TARGET).join("debug"))
}
