//! Reading and writing the kernel's small control files, with errors that name them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::retry_on_intr;

use super::{Controller, Error, ErrorKind};
use crate::mount_line::{self, MOUNTS};

/// One text for one control file of a new group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub controller: Controller,
    pub file: &'static str,
    pub text: String,
    pub need: Need,
}

/// Whether a control file has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Without it the limit would not hold.
    Always,
    /// The kernel may be built without it, and then there is nothing to set.
    WherePresent,
}

impl Setting {
    pub(super) fn new(controller: Controller, file: &'static str, text: impl ToString) -> Self {
        Self { controller, file, text: text.to_string(), need: Need::Always }
    }

    pub(super) fn where_present(controller: Controller, file: &'static str, text: impl ToString) -> Self {
        Self { need: Need::WherePresent, ..Self::new(controller, file, text) }
    }

    /// Writes the text into the file of the group at `dir`.
    pub(super) fn apply(&self, dir: &Path) -> Result<(), Error> {
        let path = dir.join(self.file);
        match (write(&path, &self.text), self.need) {
            (Err(error), Need::WherePresent) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            (Err(error), _) => {
                // EINVAL, ERANGE, ENODEV and the like speak about the value, not about the file.
                let about_value = matches!(error.raw_os_error(), Some(6 | 19 | 22 | 34));
                let failed = Error::io("write", &path, error).of(self.controller);
                let failed = failed.because(format!("it does not take {:?}", self.text));
                Err(if about_value { failed.with_kind(ErrorKind::Refused) } else { failed })
            }
            (Ok(()), _) => Ok(()),
        }
    }
}

/// Writes `text` in one call: the kernel takes each write as one command. Never makes a file.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())
}

/// Reads the mounts that this process sees.
pub(super) fn read_mounts() -> Result<String, Error> {
    mount_line::read_mounts().map_err(|error| Error::io("read", Path::new(MOUNTS), error))
}

/// Reads a control file. Names in it may be no UTF-8: one of them must not hide the others.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|error| Error::io("read", path, error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Makes the directory of a group.
pub(super) fn make(path: &Path) -> Result<(), Error> {
    retry_on_intr(|| rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)))
        .map_err(|error| Error::io("make control group", path, error))
}

/// Removes the directory of a group; one that is gone already is removed.
pub(super) fn unmake(path: &Path) -> Result<(), Error> {
    match retry_on_intr(|| rustix::fs::rmdir(path)) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(Error::io("remove control group", path, error)),
    }
}

/// Returns the groups directly below `path`; those that vanish meanwhile are not there.
pub(super) fn children(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error| Error::io("list", path, error);
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = match entry {
            // The directory itself was removed while it was read.
            Err(error) if matches!(error.raw_os_error(), Some(2 | 19)) => break,
            entry => entry.map_err(failed)?,
        };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Returns the number in `text`'s line `key number`, as `cpu.stat` and its like have them. Allocates nothing.
pub(super) fn keyed(text: &[u8], key: &[u8]) -> Option<u64> {
    text.split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(b" "))
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyed_lines_are_found_by_their_whole_key() {
        let text = b"nr_throttled_x 7\nnr_throttled 3\nbad -1\n";
        assert_eq!(keyed(text, b"nr_throttled"), Some(3));
        assert_eq!(keyed(text, b"nr"), None);
        assert_eq!(keyed(text, b"bad"), None);
        assert_eq!(keyed(b"", b"x"), None);
    }

    #[test]
    fn a_name_that_is_no_utf8_does_not_hide_the_others() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("cgroup"), b"1 /a\xff\n2 /b\n").expect("a file");
        assert_eq!(read(&dir.path().join("cgroup")).expect("a text"), "1 /a\u{fffd}\n2 /b\n");
    }

    #[test]
    fn a_missing_file_matters_only_where_the_limit_needs_it() {
        let dir = tempfile::tempdir().expect("a directory");
        Setting::where_present(Controller::Memory, "memory.swap.max", 0)
            .apply(dir.path())
            .expect("nothing to do");
        let error = Setting::new(Controller::Memory, "memory.max", 1).apply(dir.path()).expect_err("no file");
        assert!(error.to_string().contains("memory.max (controller memory)"), "{error}");
        assert!(!dir.path().join("memory.max").exists(), "a control file is never made");
    }
}
