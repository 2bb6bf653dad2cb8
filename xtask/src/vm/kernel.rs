//! The kernel of the test machine: Debian's for clouds, which has disks, file system and console built in and so needs
//! no initial RAM disk. Its package is unpacked, never installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::packages;
use crate::shell;

/// The package that depends on the newest one.
const PACKAGE: &str = "linux-image-cloud-amd64";

/// An unpacked kernel.
#[derive(Debug)]
pub struct Kernel {
    /// Its version, as `uname -r` tells it.
    pub release: String,
    /// What the machine boots.
    pub image: PathBuf,
    /// The module of overlayfs, which is not built in.
    pub overlay: PathBuf,
}

/// Returns the kernel unpacked below `directory`, downloading it where none is.
///
/// # Errors
/// No package of this release brings one, or it cannot be downloaded.
pub fn get(directory: &Path) -> Result<Kernel> {
    if let Ok(kernel) = find(directory) {
        return Ok(kernel);
    }
    let package = newest().or_else(|_| {
        packages::update()?;
        newest()
    })?;
    let downloads = directory.with_extension("download");
    fs::create_dir_all(&downloads).with_context(|| format!("cannot make {}", downloads.display()))?;
    shell::run(Command::new("apt-get").args(["--quiet", "download", &package]).current_dir(&downloads))?;
    let file = only_file(&downloads, &package)?;
    shell::run(Command::new("dpkg-deb").arg("--extract").arg(file).arg(directory))?;
    fs::remove_dir_all(&downloads).with_context(|| format!("cannot remove {}", downloads.display()))?;
    find(directory)
}

/// Returns the name of the package that [`PACKAGE`] depends on.
fn newest() -> Result<String> {
    let text = shell::read(Command::new("apt-cache").args(["show", "--no-all-versions", PACKAGE]))?;
    let depends = text.lines().find_map(|line| line.strip_prefix("Depends: "));
    let name =
        depends.and_then(|names| names.split([' ', ',']).find(|name| name.starts_with("linux-image-")));
    name.map(str::to_owned).with_context(|| format!("{PACKAGE} depends on no kernel"))
}

fn find(directory: &Path) -> Result<Kernel> {
    let image = only_file(&directory.join("boot"), "vmlinuz-")?;
    let name = image.file_name().unwrap_or_default().to_string_lossy();
    let release = name.trim_start_matches("vmlinuz-").to_owned();
    let overlay = directory.join("lib/modules").join(&release).join("kernel/fs/overlayfs/overlay.ko");
    fs::metadata(&overlay).with_context(|| format!("cannot find {}", overlay.display()))?;
    Ok(Kernel { release, image, overlay })
}

/// Returns the file in `directory` whose name begins so.
fn only_file(directory: &Path, prefix: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    paths
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)))
        .with_context(|| format!("{} has no {prefix}*", directory.display()))
}
