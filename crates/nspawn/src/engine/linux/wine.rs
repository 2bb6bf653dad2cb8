//! The installed Wine: where it lies, and what tells one installation from another.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use linux_sandbox::Interface;

use super::room::Room;
use super::{distribution, elf};
use crate::error::{Error, ErrorKind, Result};
use crate::program::Width;

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
    /// Its separate 32-bit part, where it is installed.
    pub(super) part_32: Option<Part32>,
}

/// What a Wine has that runs 32-bit Windows programs in 32-bit processes. Debian and Ubuntu have a package of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part32 {
    /// Its loader, which the 64-bit one executes for such a program.
    pub(super) loader: PathBuf,
    /// The directory that holds `i386-unix` and `i386-windows`.
    pub(super) libraries: PathBuf,
}

/// Names the loader to use, where it is none of the usual places. As in winetricks and others.
const VARIABLE: &str = "WINE";

/// Where installations lie: distributions', and those of WineHQ's packages.
const PREFIXES: [&str; 4] = ["/usr", "/opt/wine-stable", "/opt/wine-devel", "/opt/wine-staging"];

/// Where loaders lie below that. Debian keeps `/usr/bin` for scripts, and since 2025 the loader among the libraries; `wine64`
/// went with Wine 11, and before, `wine` may be of 32 bits.
const LOADERS: [&str; 5] =
    ["lib/wine/wine64", "lib/wine/wine", "lib/x86_64-linux-gnu/wine/wine", "bin/wine64", "bin/wine"];

/// Where libraries lie below that: of Debian and Ubuntu, of Fedora, of others and WineHQ.
const LIBRARIES: [&str; 3] = ["lib/x86_64-linux-gnu/wine", "lib64/wine", "lib/wine"];

/// Where those of the 32-bit part lie: of Debian and Ubuntu, of others.
const LIBRARIES_32: [&str; 2] = ["lib/i386-linux-gnu/wine", "lib/wine"];

/// The names of the 32-bit part's loader, beside the 64-bit one or, of newer Wines, among the libraries.
const LOADERS_32: [&str; 2] = ["wine", "wine32"];

/// The server's names. Debian has a script by the plain name, which chooses between the word sizes.
const SERVERS: [&str; 2] = ["wineserver64", "wineserver"];

const DATA: &str = "share/wine";

impl Wine {
    /// Finds the Wine of this host.
    ///
    /// # Errors
    /// `Unsupported` where there is none, naming what to install, or where the variable `WINE` names none.
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
                    .with_hint(distribution::cure())
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
        let libraries = libraries.into_iter().find(|libraries| libraries.join(UNIX).join(HEART).is_file())?;
        let servers = SERVERS.map(|name| loader.with_file_name(name));
        let server = servers.into_iter().find(|server| server.is_file())?;
        let data = prefix.join(DATA);
        let part_32 = Part32::beside(&loader, prefix);
        let is_whole = elf::width(&loader) == Some(Width::Bits64) && data.is_dir();
        is_whole.then_some(Self { loader, server, libraries, data, part_32 })
    }

    /// Returns what of the host is Wine's own: files and directories.
    pub(super) fn parts(&self) -> Vec<PathBuf> {
        let mut parts =
            vec![self.loader.clone(), self.server.clone(), self.libraries.clone(), self.data.clone()];
        parts.retain(|part| *part == self.libraries || !part.starts_with(&self.libraries));
        let others = self.part_32.iter().flat_map(|part| [&part.loader, &part.libraries]);
        for part in others.filter(|part| !part.starts_with(&self.libraries)) {
            parts.push(part.clone());
        }
        parts
    }

    /// Returns the loader's name, by which it is called.
    pub(super) fn name(&self) -> String {
        self.loader.file_name().unwrap_or(OsStr::new("wine")).to_string_lossy().into_owned()
    }

    /// Returns its programs and libraries of Linux, by the size of their addresses.
    ///
    /// # Errors
    /// They cannot be listed.
    pub(super) fn modules(&self) -> Result<Vec<(Width, Vec<PathBuf>)>> {
        let mut modules = vec![self.loader.clone(), self.server.clone()];
        modules.extend(listed(&self.unix())?);
        let mut all = vec![(Width::Bits64, modules)];
        if let Some(part) = &self.part_32 {
            let mut modules = vec![part.loader.clone()];
            modules.extend(listed(&part.unix())?);
            all.push((Width::Bits32, modules));
        }
        Ok(all)
    }

    /// Returns whether 32-bit Windows programs run: in processes of their own sort, or in 64-bit ones by Wine's own WoW64
    /// and its thunks.
    pub(super) fn runs_32_bit(&self) -> bool {
        let in_64_bit = self.libraries.join(DLLS_32).join("ntdll.dll").is_file()
            && self.dlls().join("wow64.dll").is_file()
            && self.dlls().join("wow64win.dll").is_file();
        in_64_bit || self.part_32.is_some()
    }

    /// Returns by which of the kernel's interfaces its processes make system calls. Wine's own WoW64 needs that of 32-bit
    /// programs too, though its Linux side is of 64 bits: by it alone such a process gets a segment for its 32-bit code.
    pub(super) fn interface(&self) -> Interface {
        if self.runs_32_bit() { Interface::X86_64AndI386 } else { Interface::X86_64 }
    }

    /// Returns where the Linux side of the libraries lies.
    pub(super) fn unix(&self) -> PathBuf {
        self.libraries.join(UNIX)
    }

    /// Returns where the Windows side of the libraries lies.
    pub(super) fn dlls(&self) -> PathBuf {
        self.libraries.join("x86_64-windows")
    }

    /// Returns where the Windows side of the libraries for 32-bit programs lies, if there are any.
    pub(super) fn dlls_32(&self) -> PathBuf {
        self.part_32.as_ref().map_or(&self.libraries, |part| &part.libraries).join(DLLS_32)
    }

    /// Returns what the Windows side of the libraries takes on a disk, of which every prefix gets a copy.
    ///
    /// # Errors
    /// They cannot be looked at.
    pub(super) fn size_of_dlls(&self) -> Result<Room> {
        let mut size = Room { bytes: 0, files: 0 };
        for directory in [self.dlls(), self.dlls_32()] {
            let failed = |error| Error::io("read", directory.display().to_string(), error);
            if !directory.is_dir() {
                continue;
            }
            for file in listed(&directory)? {
                // In sectors of 512 bytes: stat(2).
                size.bytes += fs::symlink_metadata(file).map_err(failed)?.blocks() * 512;
                size.files += 1;
            }
        }
        Ok(size)
    }

    /// Returns a text that changes when another Wine is installed: identity, size and time of its hearts.
    ///
    /// # Errors
    /// They cannot be looked at.
    pub(super) fn fingerprint(&self) -> Result<String> {
        let mut text = String::new();
        let hearts = [self.loader.clone(), self.unix().join(HEART)];
        for path in hearts.into_iter().chain(self.part_32.iter().map(|part| part.unix().join(HEART))) {
            let metadata =
                fs::metadata(&path).map_err(|e| Error::io("inspect", path.display().to_string(), e))?;
            let (size, seconds, nanos) = (metadata.size(), metadata.mtime(), metadata.mtime_nsec());
            text.push_str(&format!("{}:{size}:{seconds}.{nanos};", path.display()));
        }
        Ok(text)
    }
}

impl Part32 {
    /// Finds the 32-bit part of a Wine.
    fn beside(loader: &Path, prefix: &Path) -> Option<Self> {
        let mut libraries = LIBRARIES_32.map(|libraries| prefix.join(libraries)).into_iter();
        let libraries = libraries.find(|libraries| libraries.join(UNIX_32).join(HEART).is_file())?;
        let names = LOADERS_32.iter();
        let places = names.flat_map(|name| [loader.with_file_name(name), libraries.join(UNIX_32).join(name)]);
        let loader = places.into_iter().find(|path| elf::width(path) == Some(Width::Bits32))?;
        Some(Self { loader, libraries })
    }

    /// Returns where the Linux side of the libraries lies.
    pub(super) fn unix(&self) -> PathBuf {
        self.libraries.join(UNIX_32)
    }
}

const UNIX: &str = "x86_64-unix";
const UNIX_32: &str = "i386-unix";
const DLLS_32: &str = "i386-windows";
/// What of a Wine's libraries no other can be without.
const HEART: &str = "ntdll.so";

fn listed(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::io("read", directory.display().to_string(), error);
    let entries = fs::read_dir(directory).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

#[cfg(test)]
mod tests;
