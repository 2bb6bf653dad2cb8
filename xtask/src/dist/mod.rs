//! `cargo xtask dist`: what users get, a tar file for Linux and a zip file for Windows, with their SHA-256. The same
//! source and toolchain make the same bytes, wherever they are built: `--check` builds a copy elsewhere and compares.

mod archive;
mod notices;
mod parts;
mod tidy;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::{packages, shell, windows};
use archive::{Content, Entry};
use parts::{Parts, Workshop};

/// Our version, which is the workspace's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The libraries of the system that the static library needs (`rustc --print native-static-libs`).
const LINUX_NEEDS: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

/// Makes the archives in `target/dist`, and with `check` proves that another checkout makes the same.
///
/// # Errors
/// A build fails, or the archives differ.
pub fn run(check: bool) -> Result<()> {
    let missing = packages::install(&packages::WINDOWS_TOOLCHAIN);
    ensure!(missing.is_empty(), "cannot build for Windows without {}", missing.join(" "));
    let root = shell::repository()?;
    let dist = shell::target_directory()?.join("dist");
    let here = Workshop { root: root.to_owned(), target: dist.join("build") };
    let made = archives(&here)?;
    if check {
        unpacked_runs(&made, &dist.join("unpacked"))?;
        let elsewhere = copy_of(root, &dist.join("again"))?;
        compare(&made, &archives(&elsewhere)?)?;
        println!("another checkout makes the same bytes");
    }
    let mut sums = String::new();
    for (name, bytes) in &made {
        write(&dist.join(name), bytes)?;
        let _ = writeln!(sums, "{}  {name}", sha256(bytes));
    }
    write(&dist.join("SHA256SUMS"), sums.as_bytes())?;
    println!("{}:\n{sums}", dist.display());
    Ok(())
}

/// Unpacks the archive for Linux as a user would, and has the launcher in it tell its version.
fn unpacked_runs([(name, bytes), _]: &[(String, Vec<u8>); 2], place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("cannot remove {}", place.display()))?;
    }
    fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
    let archive = place.join(name);
    write(&archive, bytes)?;
    let mut tar = Command::new("tar");
    shell::run(
        tar.args(["--extract", "--gzip", "--strip-components=1", "--file"])
            .arg(&archive)
            .arg("-C")
            .arg(place),
    )?;
    let told = shell::read(Command::new(place.join("bin/hostcompute_nspawn")).arg("--version"))?;
    ensure!(
        told.trim() == format!("hostcompute_nspawn {VERSION}"),
        "the launcher in {name} says it is {told}"
    );
    Ok(())
}

/// Returns the archives by their file names.
fn archives(workshop: &Workshop) -> Result<[(String, Vec<u8>); 2]> {
    let (linux, launcher) = workshop.linux()?;
    let windows = workshop.windows()?;
    let named = |system: &str| format!("hostcompute_nspawn-{VERSION}-{system}-x86_64");
    let (for_linux, for_windows) = (named("linux"), named("windows"));
    let tar = archive::tar_gz(&for_linux, &linux_content(workshop, linux, &launcher)?)?;
    let zip = archive::zip(&for_windows, &windows_content(workshop, windows, &launcher)?)?;
    Ok([(format!("{for_linux}.tar.gz"), tar), (format!("{for_windows}.zip"), zip)])
}

/// Lays out what unpacks below a prefix such as /usr/local.
fn linux_content(workshop: &Workshop, parts: Parts, launcher: &Path) -> Result<Content> {
    let mut content = documents(workshop, "share/doc/hostcompute_nspawn/", parts.notices)?;
    let numbered = "libhostcompute_nspawn.so.2";
    for (path, entry) in [
        ("bin/hostcompute_nspawn", Entry::Program(parts.program)),
        ("include/hostcompute_nspawn.h", header(workshop)?),
        ("lib/libhostcompute_nspawn.a", Entry::File(parts.archive)),
        ("lib/libhostcompute_nspawn.so", Entry::Link(numbered)),
        ("lib/libhostcompute_nspawn.so.2", Entry::Program(parts.shared)),
        ("lib/pkgconfig/hostcompute_nspawn.pc", package_config(workshop, LINUX_NEEDS)?),
        ("share/man/man1/hostcompute_nspawn.1", told(launcher, &["man"])?),
        ("share/bash-completion/completions/hostcompute_nspawn", told(launcher, &["completions", "bash"])?),
        (
            "share/fish/vendor_completions.d/hostcompute_nspawn.fish",
            told(launcher, &["completions", "fish"])?,
        ),
        ("share/zsh/site-functions/_hostcompute_nspawn", told(launcher, &["completions", "zsh"])?),
    ] {
        content.insert(path.to_owned(), entry);
    }
    for command in ["completions", "doctor", "gc", "man", "schema"] {
        let page = format!("share/man/man1/hostcompute_nspawn-{command}.1");
        content.insert(page, told(launcher, &["man", command])?);
    }
    Ok(content)
}

/// Lays out a directory that holds all that it needs. `launcher` is the one for Linux, which tells its own manual.
fn windows_content(workshop: &Workshop, parts: Parts, launcher: &Path) -> Result<Content> {
    let mut content = documents(workshop, "", parts.notices)?;
    let import = parts.import.context("no import library was made")?;
    for (path, entry) in [
        ("hostcompute_nspawn.exe", Entry::Program(parts.program)),
        ("hostcompute_nspawn.dll", Entry::Program(parts.shared)),
        ("include/hostcompute_nspawn.h", header(workshop)?),
        ("lib/libhostcompute_nspawn.a", Entry::File(parts.archive)),
        ("lib/libhostcompute_nspawn.dll.a", Entry::File(import)),
        ("lib/pkgconfig/hostcompute_nspawn.pc", package_config(workshop, windows::STATIC_NEEDS)?),
        ("completions/hostcompute_nspawn.ps1", told(launcher, &["completions", "powershell"])?),
        ("docs/hostcompute_nspawn.1", told(launcher, &["man"])?),
    ] {
        content.insert(path.to_owned(), entry);
    }
    Ok(content)
}

/// Returns what there is to read, with the licences.
fn documents(workshop: &Workshop, at: &str, notices: String) -> Result<Content> {
    let mut content = Content::from([(format!("{at}THIRD-PARTY.txt"), Entry::File(notices.into_bytes()))]);
    let docs = workshop.root.join("docs");
    let listed = fs::read_dir(&docs).with_context(|| format!("cannot read {}", docs.display()))?;
    let mut names = ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"].map(str::to_owned).to_vec();
    for entry in listed {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.push(format!("docs/{}", entry.file_name().to_string_lossy()));
        }
    }
    for name in names {
        content.insert(format!("{at}{name}"), Entry::File(read(&workshop.root.join(&name))?));
    }
    Ok(content)
}

fn header(workshop: &Workshop) -> Result<Entry> {
    read(&workshop.root.join("crates/nspawn_capi/include/hostcompute_nspawn.h")).map(Entry::File)
}

/// Returns the file by which pkg-config finds the library; it works wherever it is unpacked.
fn package_config(workshop: &Workshop, needs: &str) -> Result<Entry> {
    let template = read(&workshop.root.join("crates/nspawn_capi/hostcompute_nspawn.pc.in"))?;
    let text = String::from_utf8(template).context("hostcompute_nspawn.pc.in is no text")?;
    let text = text.replace("@VERSION@", VERSION).replace("@PRIVATE@", needs);
    ensure!(!text.contains('@'), "hostcompute_nspawn.pc.in has a place that is not filled: {text}");
    Ok(Entry::File(text.into_bytes()))
}

/// Returns what the launcher prints.
fn told(launcher: &Path, arguments: &[&str]) -> Result<Entry> {
    Ok(Entry::File((shell::read(Command::new(launcher).args(arguments))? + "\n").into_bytes()))
}

/// Copies what is in the repository, or would be with the next commit, to a place of its own below `place`.
fn copy_of(root: &Path, place: &Path) -> Result<Workshop> {
    let copy = place.join("source");
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = shell::read(&mut git)?;
    for name in listed.split('\0').filter(|name| root.join(name).is_file()) {
        let target = copy.join(name);
        fs::create_dir_all(target.with_file_name(""))
            .and_then(|()| fs::copy(root.join(name), &target))
            .with_context(|| format!("cannot make {}", target.display()))?;
    }
    Ok(Workshop { root: copy, target: place.join("build") })
}

/// Fails where two builds made different archives.
fn compare(one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]) -> Result<()> {
    for ((name, bytes), (_, again)) in one.iter().zip(other) {
        if bytes != again {
            bail!("{name}: another checkout makes other bytes: {} and {}", sha256(bytes), sha256(again));
        }
    }
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &PathBuf, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told() {
        let made = |bytes: &[u8]| vec![("a.zip".to_owned(), bytes.to_vec())];
        compare(&made(b"1"), &made(b"1")).unwrap();
        let error = compare(&made(b"1"), &made(b"2")).unwrap_err().to_string();
        assert!(error.starts_with("a.zip: "), "{error}");
    }

    #[test]
    fn a_sum_is_written_as_sha256sum_does() {
        // FIPS 180-2, appendix B.1.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), sum);
    }
}
