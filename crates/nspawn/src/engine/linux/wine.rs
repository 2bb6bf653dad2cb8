//! The installed Wine: where it lies, and what tells one installation from another.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// An installed Wine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wine {
    /// The 64-bit loader.
    pub(super) loader: PathBuf,
    /// The directory that holds `x86_64-unix` and `x86_64-windows`.
    pub(super) libraries: PathBuf,
}

/// Where distributions put loader and libraries.
const PLACES: [(&str, &str); 4] = [
    ("/usr/lib/wine/wine64", "/usr/lib/x86_64-linux-gnu/wine"), // Debian and Ubuntu
    ("/usr/bin/wine64", "/usr/lib64/wine"),                     // Fedora
    ("/opt/wine-stable/bin/wine64", "/opt/wine-stable/lib64/wine"),
    ("/opt/wine-devel/bin/wine64", "/opt/wine-devel/lib64/wine"),
];

impl Wine {
    /// Finds the Wine of this host.
    ///
    /// # Errors
    /// `Unsupported` where there is none, naming the package to install.
    pub(super) fn find() -> Result<Self> {
        Self::find_below(Path::new("/")).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "run", "Windows programs")
                .reason("no 64-bit Wine is installed on this host")
                .with_hint("install it: apt-get install wine64 (Debian, Ubuntu)")
        })
    }

    fn find_below(root: &Path) -> Option<Self> {
        let at = |path: &str| root.join(path.trim_start_matches('/'));
        let place = PLACES.iter().find(|(loader, libraries)| {
            at(loader).is_file() && at(libraries).join("x86_64-unix/ntdll.so").is_file()
        })?;
        Some(Self { loader: place.0.into(), libraries: place.1.into() })
    }

    /// Returns whether 32-bit Windows programs run: whether this Wine has a 32-bit part.
    pub(super) fn runs_32_bit(&self) -> bool {
        // In 64-bit processes, that is, which takes Wine's own WoW64 and its thunks: a 32-bit process would be killed by
        // the system call filter.
        self.libraries.join("i386-windows/ntdll.dll").is_file()
            && self.libraries.join("x86_64-windows/wow64.dll").is_file()
            && self.libraries.join("x86_64-windows/wow64win.dll").is_file()
    }

    /// Returns the program that serves a session.
    pub(super) fn server(&self) -> PathBuf {
        let beside = |name: &str| self.loader.with_file_name(name);
        // Debian has a script by the plain name, which chooses between the word sizes.
        let sized = beside("wineserver64");
        if sized.is_file() { sized } else { beside("wineserver") }
    }

    /// Returns where the Windows side of the libraries lies.
    pub(super) fn dlls(&self) -> PathBuf {
        self.libraries.join("x86_64-windows")
    }

    /// Returns a text that changes when another Wine is installed: identity, size and time of its two hearts.
    ///
    /// # Errors
    /// They cannot be looked at.
    pub(super) fn fingerprint(&self) -> Result<String> {
        let mut text = String::new();
        for path in [self.loader.clone(), self.libraries.join("x86_64-unix/ntdll.so")] {
            let metadata =
                fs::metadata(&path).map_err(|e| Error::io("inspect", path.display().to_string(), e))?;
            let (size, seconds, nanos) = (metadata.size(), metadata.mtime(), metadata.mtime_nsec());
            text.push_str(&format!("{}:{size}:{seconds}.{nanos};", path.display()));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_found_only_where_loader_and_libraries_are() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        assert_eq!(Wine::find_below(root.path()), None);
        make("usr/lib/wine/wine64");
        assert_eq!(Wine::find_below(root.path()), None);
        make("usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so");
        assert_eq!(Wine::find_below(root.path()).unwrap().loader, Path::new("/usr/lib/wine/wine64"));
    }
}
