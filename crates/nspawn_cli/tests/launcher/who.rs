//! Who starts containers: root, or a user without any right.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::machine::{Need, is_root};

/// A number that no user of a host has.
const NOBODY: u32 = 54321;

/// Who starts a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Root of the host.
    Root,
    /// A plain user: who runs the tests, or where that is root, one that is nobody.
    Plain,
}

impl Who {
    /// Returns what starting containers as him takes.
    pub fn need(self) -> Need {
        match self {
            Self::Root => Need::Root,
            Self::Plain => Need::PlainUser,
        }
    }

    /// Returns the number that his files have.
    pub fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Plain if is_root() => NOBODY,
            Self::Plain => fs::metadata("/proc/self").unwrap().uid(),
        }
    }

    /// Returns a command that he runs.
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        if self == Self::Root || !is_root() {
            return Command::new(program);
        }
        let id = NOBODY.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--"]).arg(program);
        command.env_remove("XDG_RUNTIME_DIR");
        command
    }

    /// Gives him a file, or a directory with all in it.
    pub fn own(self, path: &Path) {
        self.own_itself(path);
        if self == Self::Plain && fs::symlink_metadata(path).unwrap().is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| self.own(&entry.unwrap().path()));
        }
    }

    /// Gives him a file, or a directory without what is in it.
    pub fn own_itself(self, path: &Path) {
        if self == Self::Plain && is_root() {
            lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// Tells whether he may have a user namespace, without which he has no containers.
    pub fn may_start(self) -> bool {
        static PLAIN: OnceLock<bool> = OnceLock::new();
        let try_it = || {
            let mut command = self.command("unshare");
            command.args(["--user", "--map-root-user", "--mount", "true"]);
            command.output().is_ok_and(|output| output.status.success())
        };
        self == Self::Root || *PLAIN.get_or_init(try_it)
    }
}

/// Tells whether everybody may go to `path` and read what is there.
pub fn is_open_to_all(path: &Path) -> bool {
    path.ancestors().all(|part| fs::metadata(part).is_ok_and(|metadata| metadata.mode() & 0o5 == 0o5))
}
