//! Wine prefixes for tests: one that is bare, and one for each build of Windows, in which the stand-in DLLs lie that
//! such a Windows has. They differ in their registries; their files are the same, by hard links.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{SERVER_2019, WINE};
use crate::shell;

/// Where programs and DLLs of the system lie in a prefix.
const SYSTEM: &str = "drive_c/windows/system32";

/// The section of the registry from which `RtlGetVersion` takes the version. Wine wants it whole in one value.
const SECTION: &str = r"[Software\\Microsoft\\Windows NT\\CurrentVersion]";

/// Returns Wine's loader, to be run in a prefix. The loader itself: the `wine` of Debian is a shell script around it.
pub fn wine(prefix: &Path) -> Command {
    let mut wine = Command::new(WINE);
    wine.env("WINEPREFIX", prefix).env("WINEDEBUG", "-all");
    wine.env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=");
    wine
}

/// Makes a prefix where it is absent.
///
/// # Errors
/// Wine cannot make it.
pub fn make(prefix: &Path) -> Result<()> {
    if prefix.join("system.reg").is_file() {
        return Ok(());
    }
    fs::create_dir_all(prefix).with_context(|| format!("cannot make {}", prefix.display()))?;
    shell::run(wine(prefix).args(["wineboot", "--init"]))
}

/// Makes a prefix in which Rust programs run, and no Host Compute Service is.
///
/// # Errors
/// Wine cannot make it.
pub fn bare() -> Result<PathBuf> {
    let prefix = shell::target_directory()?.join("nspawn/windows_prefix");
    make(&prefix)?;
    let guest = shell::repository()?.join("guest");
    install(&guest, "bcryptprimitives.dll", &prefix)?;
    Ok(prefix)
}

/// Makes a prefix that says it is this build of Windows, with the stand-ins that lie in `built`.
///
/// # Errors
/// The bare prefix or a copy of it cannot be made, or a stand-in is not there.
pub fn of_build(build: u32, built: &Path) -> Result<PathBuf> {
    let prefix = with_vmcompute(build, &format!("windows_prefix_{build}"), built)?;
    if build >= SERVER_2019 {
        install(built, "computecore.dll", &prefix)?;
    }
    Ok(prefix)
}

/// Makes a prefix that says it is Windows Server 2019, and lacks computecore.dll.
///
/// # Errors
/// As [`of_build`].
pub fn without_computecore(built: &Path) -> Result<PathBuf> {
    with_vmcompute(SERVER_2019, &format!("windows_prefix_{SERVER_2019}_without_computecore"), built)
}

/// Makes a prefix that says it is Windows Server 2019, whose computecore.dll lacks [`LACKING`].
///
/// # Errors
/// As [`of_build`], or the DLL has no such function anyway.
pub fn without_function(built: &Path) -> Result<PathBuf> {
    let prefix =
        with_vmcompute(SERVER_2019, &format!("windows_prefix_{SERVER_2019}_without_function"), built)?;
    let (name, lacking) = ("computecore.dll", [b"\0".as_slice(), LACKING.as_bytes(), b"\0"].concat());
    let from = built.join(name);
    let mut bytes = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
    let mut places: Vec<usize> = Vec::new();
    places.extend(
        bytes.windows(lacking.len()).enumerate().filter(|(_, bytes)| *bytes == lacking).map(|(at, _)| at),
    );
    ensure!(!places.is_empty(), "{name} has no function {LACKING}");
    // Another last letter: the names stay sorted, as they must be.
    places.iter().for_each(|at| bytes[at + LACKING.len()] = b'_');
    put(&prefix.join(SYSTEM).join(name), &bytes)?;
    Ok(prefix)
}

/// A function that a launch calls late.
const LACKING: &str = "HcsSetProcessCallback";

fn with_vmcompute(build: u32, name: &str, built: &Path) -> Result<PathBuf> {
    let prefix = copy(build, name)?;
    // It has exports that came with Server 2019.
    let vmcompute = if build >= SERVER_2019 { "vmcompute.dll" } else { "vmcompute_2016.dll" };
    replace(&built.join(vmcompute), &prefix.join(SYSTEM).join("vmcompute.dll"))?;
    for name in ["virtdisk.dll", "standin_program.exe"] {
        install(built, name, &prefix)?;
    }
    Ok(prefix)
}

/// Makes a prefix that says it is this build of Windows, and has no Host Compute Service.
///
/// # Errors
/// The bare prefix or a copy of it cannot be made.
pub fn without_service(build: u32) -> Result<PathBuf> {
    copy(build, &format!("windows_prefix_{build}_without_service"))
}

/// Copies the bare prefix to one of that name, which says it is this build of Windows.
fn copy(build: u32, name: &str) -> Result<PathBuf> {
    let bare = bare()?;
    let prefix = bare.with_file_name(name);
    if !prefix.join("system.reg").is_file() {
        // The server keeps the registry until it ends, seconds after the last program.
        shell::run(
            Command::new(Path::new(WINE).with_file_name("wineserver64")).arg("-w").env("WINEPREFIX", &bare),
        )?;
        fs::create_dir_all(&prefix).with_context(|| format!("cannot make {}", prefix.display()))?;
        let mut copy = Command::new("cp");
        copy.args(["--archive", "--link", "--force"]).args(["drive_c", "dosdevices", ".update-timestamp"]);
        shell::run(copy.arg(&prefix).current_dir(&bare))?;
        for file in ["user.reg", "userdef.reg"] {
            replace(&bare.join(file), &prefix.join(file))?;
        }
        let registry = bare.join("system.reg");
        let text = fs::read(&registry).with_context(|| format!("cannot read {}", registry.display()))?;
        // The last one: where it is, the prefix is complete.
        put(&prefix.join("system.reg"), as_build(&String::from_utf8_lossy(&text), build)?.as_bytes())?;
    }
    Ok(prefix)
}

fn install(from: &Path, name: &str, prefix: &Path) -> Result<()> {
    replace(&from.join(name), &prefix.join(SYSTEM).join(name))
}

fn replace(from: &Path, to: &Path) -> Result<()> {
    put(to, &fs::read(from).with_context(|| format!("cannot read {}", from.display()))?)
}

/// Puts a new file there: one that is there may have other names elsewhere.
fn put(to: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(to).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let new = to.with_extension("new");
    fs::write(&new, bytes)
        .and_then(|()| fs::rename(&new, to))
        .with_context(|| format!("cannot write {}", to.display()))
}

/// Returns a registry, as Wine writes it, that says it is this build of Windows 10.0.
fn as_build(registry: &str, build: u32) -> Result<String> {
    let start = registry.find(SECTION).with_context(|| format!("the registry has no {SECTION}"))?;
    let (before, section) = registry.split_at(start);
    let (section, after) = section.split_at(section.find("\n[").unwrap_or(section.len()));
    let build = build.to_string();
    let wanted = [
        ("CSDVersion", ""),
        ("CurrentBuild", &build),
        ("CurrentBuildNumber", &build),
        ("CurrentVersion", "10.0"),
    ];
    let is_kept = |line: &&str| !wanted.iter().any(|(name, _)| line.starts_with(&format!("\"{name}\"=")));
    let mut lines: Vec<_> = section.split('\n').filter(is_kept).map(str::to_owned).collect();
    let blank = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let values = wanted.iter().map(|(name, value)| format!("\"{name}\"=\"{value}\""));
    lines.splice(blank..blank, values);
    Ok(format!("{before}{}{after}", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_is_told_in_its_section_alone() {
        let registry = "[Before]\n\"CurrentBuild\"=\"1\"\n\n\
            [Software\\\\Microsoft\\\\Windows NT\\\\CurrentVersion] 17\n#time=1\n\"CSDVersion\"=\"Service Pack 1\"\n\
            \"CurrentBuild\"=\"7601\"\n\"CurrentVersion\"=\"6.1\"\n\"Other\"=hex:00,\\\n  00\n\n\
            [Software\\\\Microsoft\\\\Windows NT\\\\CurrentVersion\\\\Below]\n\"CurrentBuild\"=\"2\"\n";
        let wanted = "[Before]\n\"CurrentBuild\"=\"1\"\n\n\
            [Software\\\\Microsoft\\\\Windows NT\\\\CurrentVersion] 17\n#time=1\n\"Other\"=hex:00,\\\n  00\n\
            \"CSDVersion\"=\"\"\n\"CurrentBuild\"=\"17763\"\n\"CurrentBuildNumber\"=\"17763\"\n\
            \"CurrentVersion\"=\"10.0\"\n\n\
            [Software\\\\Microsoft\\\\Windows NT\\\\CurrentVersion\\\\Below]\n\"CurrentBuild\"=\"2\"\n";
        assert_eq!(as_build(registry, 17_763).unwrap(), wanted);
        assert!(as_build("[Before]\n", 17_763).is_err());
    }
}
