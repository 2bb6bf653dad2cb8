//! The installed Wine: where it lies, and what tells one installation from another.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// An installed Wine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wine {
    /// The 64-bit loader.
    pub(super) loader: PathBuf,
    /// The program that serves a session.
    pub(super) server: PathBuf,
    /// The directory that holds `x86_64-unix` and `x86_64-windows`.
    pub(super) libraries: PathBuf,
    /// The directory that holds `nls`.
    pub(super) data: PathBuf,
}

/// Names the loader to use, where it is none of the usual places. As in winetricks and others.
const VARIABLE: &str = "WINE";

/// Where installations lie: distributions', and those of WineHQ's packages.
const PREFIXES: [&str; 4] = ["/usr", "/opt/wine-stable", "/opt/wine-devel", "/opt/wine-staging"];

/// Where loaders lie below that. Debian keeps `/usr/bin` for scripts; `wine64` went with Wine 11, and before, `wine` may
/// be of 32 bits.
const LOADERS: [&str; 4] = ["lib/wine/wine64", "lib/wine/wine", "bin/wine64", "bin/wine"];

/// Where libraries lie below that: of Debian and Ubuntu, of Fedora, of others and WineHQ.
const LIBRARIES: [&str; 3] = ["lib/x86_64-linux-gnu/wine", "lib64/wine", "lib/wine"];

/// The server's names. Debian has a script by the plain name, which chooses between the word sizes.
const SERVERS: [&str; 2] = ["wineserver64", "wineserver"];

const DATA: &str = "share/wine";

impl Wine {
    /// Finds the Wine of this host.
    ///
    /// # Errors
    /// `Unsupported` where there is none, naming the package to install, or where the variable `WINE` names none.
    pub(super) fn find() -> Result<Self> {
        let refused =
            |subject: &str, reason: String| Error::new(ErrorKind::Unsupported, "run", subject).reason(reason);
        match std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => Self::of_loader(Path::new(&path)).ok_or_else(|| {
                let reason =
                    format!("{VARIABLE} names no 64-bit loader of Wine with libraries: {}", path.display());
                refused("Windows programs", reason)
                    .with_hint("name the program itself, /opt/wine-stable/bin/wine say, or unset it")
            }),
            None => Self::find_below(Path::new("/")).ok_or_else(|| {
                refused("Windows programs", "no 64-bit Wine is installed on this host".to_owned())
                    .with_hint("install it: apt-get install wine64 (Debian, Ubuntu)")
            }),
        }
    }

    fn find_below(root: &Path) -> Option<Self> {
        let prefixes = PREFIXES.iter().map(|prefix| root.join(prefix.trim_start_matches('/')));
        let loaders = prefixes.flat_map(|prefix| LOADERS.map(|loader| (prefix.join(loader), prefix.clone())));
        loaders.into_iter().find_map(|(loader, prefix)| Self::at(loader, &prefix))
    }

    /// Takes the loader at `path`, and what lies as usual about it.
    fn of_loader(path: &Path) -> Option<Self> {
        let as_named = std::path::absolute(path).ok();
        // What it is a link to lies in another place, as links of /usr/local do.
        let paths = as_named.into_iter().chain(fs::canonicalize(path).ok());
        let places = paths.flat_map(|loader| {
            LOADERS.into_iter().filter_map(move |usual| {
                let prefix = loader.ancestors().nth(Path::new(usual).components().count())?.to_owned();
                (prefix.join(usual) == loader).then(|| (loader.clone(), prefix))
            })
        });
        places.into_iter().find_map(|(loader, prefix)| Self::at(loader, &prefix))
    }

    fn at(loader: PathBuf, prefix: &Path) -> Option<Self> {
        let libraries = LIBRARIES.map(|libraries| prefix.join(libraries));
        let libraries =
            libraries.into_iter().find(|libraries| libraries.join(UNIX).join("ntdll.so").is_file())?;
        let servers = SERVERS.map(|name| loader.with_file_name(name));
        let server = servers.into_iter().find(|server| server.is_file())?;
        let data = prefix.join(DATA);
        (is_elf64(&loader) && data.is_dir()).then_some(Self { loader, server, libraries, data })
    }

    /// Returns what of the host is Wine's own: files and directories.
    pub(super) fn parts(&self) -> Vec<PathBuf> {
        vec![self.loader.clone(), self.server.clone(), self.libraries.clone(), self.data.clone()]
    }

    /// Returns the loader's name, by which it is called.
    pub(super) fn name(&self) -> String {
        self.loader.file_name().unwrap_or(OsStr::new("wine")).to_string_lossy().into_owned()
    }

    /// Returns its programs and libraries of Linux.
    ///
    /// # Errors
    /// They cannot be listed.
    pub(super) fn modules(&self) -> Result<Vec<PathBuf>> {
        let unix = self.unix();
        let failed = |error| Error::io("read", unix.display().to_string(), error);
        let mut modules = vec![self.loader.clone(), self.server.clone()];
        for entry in fs::read_dir(&unix).map_err(failed)? {
            modules.push(entry.map_err(failed)?.path());
        }
        Ok(modules)
    }

    /// Returns whether 32-bit Windows programs run: whether this Wine has a 32-bit part.
    pub(super) fn runs_32_bit(&self) -> bool {
        // In 64-bit processes, that is, which takes Wine's own WoW64 and its thunks: a 32-bit process would be killed by
        // the system call filter.
        self.libraries.join("i386-windows/ntdll.dll").is_file()
            && self.dlls().join("wow64.dll").is_file()
            && self.dlls().join("wow64win.dll").is_file()
    }

    /// Returns where the Linux side of the libraries lies.
    pub(super) fn unix(&self) -> PathBuf {
        self.libraries.join(UNIX)
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
        for path in [self.loader.clone(), self.unix().join("ntdll.so")] {
            let metadata =
                fs::metadata(&path).map_err(|e| Error::io("inspect", path.display().to_string(), e))?;
            let (size, seconds, nanos) = (metadata.size(), metadata.mtime(), metadata.mtime_nsec());
            text.push_str(&format!("{}:{size}:{seconds}.{nanos};", path.display()));
        }
        Ok(text)
    }
}

const UNIX: &str = "x86_64-unix";

/// Whether a file is a 64-bit program of Linux, and no script or one of 32 bits (elf(5), `ELFCLASS64`).
fn is_elf64(path: &Path) -> bool {
    let mut head = [0; 5];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == *b"\x7fELF\x02"
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELF: &[u8] = b"\x7fELF\x02\x01\x01";
    const ELF32: &[u8] = b"\x7fELF\x01\x01\x01";
    const SCRIPT: &[u8] = b"#!/bin/sh\n";

    /// Makes a tree of files.
    fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    #[test]
    fn is_found_where_packages_put_it() {
        let debian = |loader: &'static str| {
            vec![
                ("usr/bin/wine", SCRIPT),
                (loader, ELF),
                ("usr/lib/wine/wineserver", SCRIPT),
                ("usr/lib/wine/wineserver64", ELF),
                ("usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so", ELF),
                ("usr/share/wine/nls/locale.nls", b"x".as_slice()),
            ]
        };
        let other = |loader: &'static str, server, library, data| {
            vec![(loader, ELF), (server, ELF), (library, ELF), (data, b"x".as_slice())]
        };
        let (stable, staging) = ("opt/wine-stable/lib64/wine", "opt/wine-staging/lib/wine");
        for (name, files, loader, server, libraries) in [
            (
                "Debian 12, Ubuntu 24.04",
                debian("usr/lib/wine/wine64"),
                "usr/lib/wine/wine64",
                "wineserver64",
                "usr/lib/x86_64-linux-gnu/wine",
            ),
            (
                "Debian without wine64",
                debian("usr/lib/wine/wine"),
                "usr/lib/wine/wine",
                "wineserver64",
                "usr/lib/x86_64-linux-gnu/wine",
            ),
            (
                "Fedora",
                other(
                    "usr/bin/wine64",
                    "usr/bin/wineserver64",
                    "usr/lib64/wine/x86_64-unix/ntdll.so",
                    "usr/share/wine/nls/x",
                ),
                "usr/bin/wine64",
                "wineserver64",
                "usr/lib64/wine",
            ),
            (
                "Fedora without wine64",
                other(
                    "usr/bin/wine",
                    "usr/bin/wineserver",
                    "usr/lib64/wine/x86_64-unix/ntdll.so",
                    "usr/share/wine/nls/x",
                ),
                "usr/bin/wine",
                "wineserver",
                "usr/lib64/wine",
            ),
            (
                "WineHQ, of two word sizes",
                [("opt/wine-stable/bin/wine", ELF32)]
                    .into_iter()
                    .chain(other(
                        "opt/wine-stable/bin/wine64",
                        "opt/wine-stable/bin/wineserver",
                        "opt/wine-stable/lib64/wine/x86_64-unix/ntdll.so",
                        "opt/wine-stable/share/wine/nls/x",
                    ))
                    .collect(),
                "opt/wine-stable/bin/wine64",
                "wineserver",
                stable,
            ),
            (
                "WineHQ's staging, without wine64",
                other(
                    "opt/wine-staging/bin/wine",
                    "opt/wine-staging/bin/wineserver",
                    "opt/wine-staging/lib/wine/x86_64-unix/ntdll.so",
                    "opt/wine-staging/share/wine/nls/x",
                ),
                "opt/wine-staging/bin/wine",
                "wineserver",
                staging,
            ),
        ] {
            let root = tree(&files);
            let found = Wine::find_below(root.path()).unwrap_or_else(|| panic!("{name}"));
            let loader = root.path().join(loader);
            assert_eq!((&found.loader, &found.server), (&loader, &loader.with_file_name(server)), "{name}");
            assert_eq!(found.libraries, root.path().join(libraries), "{name}");
            let named = Wine::of_loader(&loader).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(named, found, "{name}");
        }
    }

    #[test]
    fn is_found_only_whole() {
        let whole: [(&str, &[u8]); 4] = [
            ("usr/lib/wine/wine64", ELF),
            ("usr/lib/wine/wineserver64", ELF),
            ("usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so", ELF),
            ("usr/share/wine/nls/x", b"x"),
        ];
        assert!(Wine::find_below(tree(&whole).path()).is_some());
        for without in 0..whole.len() {
            let mut part = whole.to_vec();
            let (missing, _) = part.remove(without);
            assert_eq!(Wine::find_below(tree(&part).path()), None, "without {missing}");
        }
        for no_loader in [SCRIPT, ELF32, b""] {
            let mut other = whole;
            other[0].1 = no_loader;
            let root = tree(&other);
            assert_eq!(Wine::find_below(root.path()), None, "{no_loader:?}");
            assert_eq!(Wine::of_loader(&root.path().join(whole[0].0)), None, "{no_loader:?}");
        }
    }
}
