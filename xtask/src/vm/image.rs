//! Disk images: a directory is filled with files of the host, each at its own place, and becomes a file system.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, Root};

/// A directory that becomes a file system.
#[derive(Debug)]
pub struct Tree(PathBuf);

impl Tree {
    /// Makes it, empty.
    ///
    /// # Errors
    /// What was there cannot be removed, or the directory cannot be made.
    pub fn new(directory: PathBuf) -> Result<Self> {
        if directory.exists() {
            remove(&directory)?;
        }
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(Self(directory))
    }

    /// Writes a file.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let place = self.place(Path::new(path))?;
        fs::write(&place, text).with_context(|| format!("cannot write {}", place.display()))
    }

    /// Makes a link.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn link(&self, path: &str, target: impl AsRef<Path>) -> Result<()> {
        let place = self.place(Path::new(path))?;
        symlink(target, &place).with_context(|| format!("cannot make {}", place.display()))
    }

    /// Copies a file or a directory of the host to `path`; what only root may read is read as root.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn copy_to(&self, path: &Path, original: &Path) -> Result<()> {
        let place = self.place(path)?;
        let mut cp = Root::find().command("cp").unwrap_or_else(|| Command::new("cp"));
        cp.args(["--recursive", "--preserve=mode,timestamps,links", "--reflink=auto"]);
        shell::read(cp.arg(original).arg(place)).map(drop)
    }

    /// Copies files and directories of the host to their own places. A link is followed, and one in the way to a
    /// file is left out: the copy lies at its real directory.
    ///
    /// # Errors
    /// One is missing or cannot be copied.
    pub fn copy<P: AsRef<Path>>(&self, originals: impl IntoIterator<Item = P>) -> Result<()> {
        for original in originals {
            let original = original.as_ref();
            let real =
                fs::canonicalize(original).with_context(|| format!("cannot find {}", original.display()))?;
            let parent = fs::canonicalize(original.parent().context("the root cannot be copied")?)?;
            let name = original.file_name().context("the root cannot be copied")?;
            let path = parent.join(name);
            if !self.0.join(path.strip_prefix("/")?).exists() {
                self.copy_to(&path, &real)?;
            }
        }
        Ok(())
    }

    /// Copies programs and libraries with all libraries that they need.
    ///
    /// # Errors
    /// As [`copy`](Self::copy).
    pub fn copy_linked<P: AsRef<OsStr> + AsRef<Path>>(&self, programs: &[P]) -> Result<()> {
        self.copy(programs)?;
        self.copy(libraries(programs)?)
    }

    /// Makes a disk of it with one partition, which the kernel knows as [`ROOT`], with `spare` bytes free, and removes the
    /// directory.
    ///
    /// # Errors
    /// mke2fs fails.
    pub fn into_root(self, image: &Path, spare: u64) -> Result<()> {
        self.make(image, spare, PARTITION)?;
        let failed = || format!("cannot write {}", image.display());
        let disk = File::options().write(true).open(image).with_context(failed)?;
        let end = disk.metadata().with_context(failed)?.len();
        disk.write_all_at(&partition_table(end - PARTITION), 0).with_context(failed)
    }

    /// Makes an ext4 file system of it, with `spare` bytes free, and removes the directory.
    ///
    /// # Errors
    /// mke2fs fails.
    pub fn into_image(self, image: &Path, spare: u64) -> Result<()> {
        self.make(image, spare, 0)
    }

    fn make(self, image: &Path, spare: u64, offset: u64) -> Result<()> {
        let used = shell::read(Command::new("du").args(["--summarize", "--block-size=1"]).arg(&self.0))?;
        let used: u64 = used.split('\t').next().unwrap_or_default().parse().context("du tells no number")?;
        let mebibytes = (used + used / 8 + spare) >> 20;
        let _ = fs::remove_file(image);
        let mut mke2fs = Command::new(shell::find("mke2fs").context("there is no mke2fs")?);
        // Without a journal: an image lives for one run.
        mke2fs.args(["-q", "-t", "ext4", "-O", "^has_journal", "-E"]);
        mke2fs.arg(format!("root_owner=0:0,offset={offset}"));
        shell::read(mke2fs.arg("-d").arg(&self.0).arg(image).arg(format!("{mebibytes}M")))?;
        remove(&self.0)
    }

    /// Returns where `path` lies, its directory made.
    fn place(&self, path: &Path) -> Result<PathBuf> {
        let place = self.0.join(path.strip_prefix("/").unwrap_or(path));
        let parent = place.parent().context("the root is no file")?;
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        Ok(place)
    }
}

/// The root's partition, as the kernel finds it without help: numbers of disks are given as they answer, and that differs
/// from boot to boot since Linux 6.
pub const ROOT: &str = "PARTUUID=6e737061-01";
/// The first half of that.
const SIGNATURE: u32 = 0x6e73_7061;
/// Where the partition begins, in bytes.
const PARTITION: u64 = 1 << 20;

/// Returns a disk's first sector: one Linux partition of `length` bytes.
fn partition_table(length: u64) -> [u8; 512] {
    let mut sector = [0; 512];
    let sectors = |bytes: u64| ((bytes >> 9) as u32).to_le_bytes();
    sector[440..444].copy_from_slice(&SIGNATURE.to_le_bytes());
    sector[450] = 0x83; // Linux; cylinders, heads and sectors tell nothing
    sector[454..458].copy_from_slice(&sectors(PARTITION));
    sector[458..462].copy_from_slice(&sectors(length));
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

/// Removes a tree, files that root copied too.
fn remove(directory: &Path) -> Result<()> {
    let mut rm = Root::find().command("rm").unwrap_or_else(|| Command::new("rm"));
    shell::read(rm.arg("--recursive").arg(directory)).map(drop)
}

/// Returns the libraries that `ldd` names for these files.
fn libraries<P: AsRef<OsStr>>(programs: &[P]) -> Result<BTreeSet<PathBuf>> {
    let output = Command::new("ldd").args(programs).env("LC_ALL", "C").output().context("cannot run ldd")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    // A static program has none, and ldd fails over it.
    if !output.status.success() && !complaint.contains("not a dynamic executable") {
        bail!("ldd: {}", complaint.trim_end());
    }
    Ok(named(&String::from_utf8_lossy(&output.stdout)))
}

/// Returns the files in lines such as `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x7f)`.
fn named(text: &str) -> BTreeSet<PathBuf> {
    let indented = text.lines().filter(|line| line.starts_with('\t'));
    let words = indented.filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    words.map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_ldd() {
        let text = "/usr/lib/wine/wine64:\n\tlinux-vdso.so.1 (0x7ffd)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x7f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x7f)\n\tlibmissing.so => not found\n\
                    /bin/busybox:\n\tstatically linked\n";
        let expected = ["/lib/x/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(named(text), BTreeSet::from(expected));
    }

    #[test]
    fn copies_lie_where_the_originals_do() {
        let directory = std::env::temp_dir().join(format!("nspawn_tree_{}", std::process::id()));
        let tree = Tree::new(directory.clone()).unwrap();
        let own = std::env::current_exe().unwrap();
        tree.copy_linked(&[&own]).unwrap();
        tree.write("etc/passwd", "x").unwrap();
        let copy = directory.join(own.canonicalize().unwrap().strip_prefix("/").unwrap());
        assert_eq!(fs::metadata(copy).unwrap().len(), fs::metadata(own).unwrap().len());
        assert_eq!(fs::read_to_string(directory.join("etc/passwd")).unwrap(), "x");
        assert!(libraries(&[std::env::current_exe().unwrap()]).unwrap().iter().all(|path| path.is_file()));
        remove(&directory).unwrap();
    }
}
