//! The kernel of the test machine: Debian's for clouds, which has disks, file system and console built in and so needs
//! no initial RAM disk. Its package is unpacked, never installed. The variable `NSPAWN_VM_KERNEL` names the package file of
//! another one, of another release of Debian's, say.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::packages;
use crate::shell;

/// Names the file of another kernel's package.
const OTHER: &str = "NSPAWN_VM_KERNEL";
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

/// Returns the kernel unpacked below `directory`, downloading it where none is, or the one that is asked for instead.
///
/// # Errors
/// No package of this release brings one, or it cannot be downloaded.
pub fn get(directory: &Path) -> Result<Kernel> {
    if let Some(file) = env::var_os(OTHER) {
        let directory = directory.with_file_name("other_kernel");
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot remove {}", directory.display()))?;
        }
        unpack(Path::new(&file), &directory)?;
        return find(&directory);
    }
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
    unpack(&only_file(&downloads, &package)?, directory)?;
    fs::remove_dir_all(&downloads).with_context(|| format!("cannot remove {}", downloads.display()))?;
    find(directory)
}

fn unpack(package: &Path, directory: &Path) -> Result<()> {
    shell::run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(directory))
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
    // Debian 13's are below /usr, and packed.
    let modules = ["lib", "usr/lib"].map(|lib| directory.join(lib).join("modules"));
    let modules = modules.into_iter().find(|modules| modules.is_dir()).unwrap_or_default();
    let overlay = modules.join(&release).join("kernel/fs/overlayfs/overlay.ko");
    let packed = overlay.with_extension("ko.xz");
    if packed.exists() {
        shell::run(Command::new("xz").args(["--decompress", "--force"]).arg(packed))?;
    }
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
