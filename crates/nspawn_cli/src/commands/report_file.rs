//! The file of `--report`.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use nspawn::{Error, Result};

/// A place for the report, opened before anything starts, so that no run is lost for want of one.
///
/// A plain file gets its new content at once and at the end: it is written beside and renamed. So a link that a
/// contained program puts in its place leads nowhere.
#[derive(Debug)]
pub(crate) struct ReportFile {
    file: File,
    path: PathBuf,
    /// What the file is called until it is whole; absent where the report goes to a device or pipe.
    partial: Option<PathBuf>,
}

impl ReportFile {
    /// Opens it. `config` is a file that it must not be.
    ///
    /// # Errors
    /// It cannot be written, or is the config, a directory or a link.
    pub(crate) fn open(path: &Path, config: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| failed(path, error))?;
        let refused = |why: &str| Err(Error::invalid("--report", format!("{why}: {}", path.display())));
        if fs::canonicalize(&path)
            .is_ok_and(|real| fs::canonicalize(config).is_ok_and(|config| config == real))
        {
            return refused("is the config file");
        }
        // Links of the system's own, such as /dev/stdout, mean what they say.
        let system = path.starts_with("/dev") || path.starts_with("/proc");
        let found = if system { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
        let kind = match found {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            found => Some(found.map_err(|error| failed(&path, error))?.file_type()),
        };
        match kind {
            Some(kind) if kind.is_symlink() => refused("is a link, which is not followed"),
            Some(kind) if kind.is_dir() => refused("is a directory"),
            Some(kind) if !kind.is_file() || system => {
                let file = File::options().append(true).open(&path).map_err(|error| failed(&path, error))?;
                Ok(Self { file, path, partial: None })
            }
            _ => Self::beside(path),
        }
    }

    fn beside(path: PathBuf) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let partial = path.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        let file = File::create_new(&partial).map_err(|error| failed(&path, error))?;
        Ok(Self { file, path, partial: Some(partial) })
    }

    /// Writes the report.
    ///
    /// # Errors
    /// The disk's refusal.
    pub(crate) fn write(mut self, record: &str) -> Result<()> {
        let written = self.file.write_all(format!("{record}\n").as_bytes());
        let placed = written
            .and_then(|()| self.partial.as_ref().map_or(Ok(()), |partial| fs::rename(partial, &self.path)));
        if placed.is_ok() {
            self.partial = None;
        }
        placed.map_err(|error| failed(&self.path, error))
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            let _ = fs::remove_file(partial);
        }
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::io("write", format!("--report {}", path.display()), error)
}
