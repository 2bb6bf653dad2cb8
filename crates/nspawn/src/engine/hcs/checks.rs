//! What this host and the layers say of themselves, read for [`fit`] to judge. Nothing is made here.

use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};

use hcs_sys::privilege::{self, Privilege};
use hcs_sys::version::Version;
use hcs_sys::{Code, computecore, memory, processors, vmcompute};

use super::error::failed;
use super::{Deadlines, systems};
use crate::doctor::{Finding, Needed};
use crate::document::{Layer, Schema};
use crate::engine::file_version::{self, FileVersion};
use crate::engine::fit::{self, HostVersion, Resources, Rights};
use crate::error::{Error, Result};
use crate::spec::Limits;

/// The file of a layer, or of a host, that every Windows has and that says which one it is.
const WINDOWS: &str = r"Windows\System32\ntdll.dll";

/// Checks that containers can be made on this host and by this process, which takes the privileges that it needs.
///
/// # Errors
/// `Unsupported` or `Denied`.
pub(super) fn host(windows: Version) -> Result<()> {
    fit::check_host(version(windows))?;
    let mut missing = Vec::new();
    for wanted in [Privilege::Backup, Privilege::Restore] {
        match privilege::enable(wanted) {
            Err(error) if error.code() == Some(Code::NOT_ALL_ASSIGNED) => missing.push(wanted.name()),
            done => done.map_err(|error| failed("turn on", wanted.name(), error))?,
        }
    }
    fit::check_rights(&Rights { elevated: privilege::is_elevated().ok(), missing })
}

/// Checks that the DLLs are there, whole, that layers and systems of a schema take.
///
/// # Errors
/// `Unsupported`, naming the DLL or its function that is missing.
pub(super) fn service(schema: Schema) -> Result<()> {
    const SUBJECT: &str = "the Host Compute Service";
    vmcompute::require_layers().map_err(|error| failed("use", SUBJECT, error))?;
    let other = vmcompute::require_systems();
    match schema {
        Schema::V1 => other.map_err(|error| failed("use", SUBJECT, error)),
        Schema::V2 => computecore::require().map_err(|error| match (failed("use", SUBJECT, error), other) {
            (failure, Ok(())) => failure.with_hint(
                "this DLL is part of Windows Server 2019 and later; without it, by vmcompute.dll: --hcs-schema 1",
            ),
            (failure, Err(_)) => failure,
        }),
    }
}

/// Finds out what this host can do: its version and our rights, and whether the DLLs of the service are there.
pub(super) fn examine(windows: Version, deadlines: Deadlines) -> Vec<Finding> {
    let version = format!("{}.{}.{}", windows.major, windows.minor, windows.build);
    vec![
        Finding::of("Windows", Needed::Always, fit::check_host(self::version(windows)).map(|()| version)),
        Finding::of(
            "rights",
            Needed::Always,
            host(windows).map(|()| "elevated, with all privileges".to_owned()),
        ),
        Finding::of("Host Compute Service", Needed::Always, systems::answer(windows, deadlines)),
    ]
}

/// Checks limits against what this host has, and says what of them cannot be felt.
///
/// # Errors
/// `InvalidSpec`.
pub(super) fn limits(limits: &Limits) -> Result<Option<String>> {
    let host = Resources {
        processors: processors::count(),
        first_group: processors::in_first_group(),
        commit_limit: memory::commit_limit().ok(),
    };
    fit::check_limits(limits, host)
}

/// Checks that this host runs the Windows of a chain of layers, topmost first: the topmost one that has it counts.
/// Returns what is to be said besides.
///
/// # Errors
/// `Unsupported`, naming both builds; or a layer cannot be read.
pub(super) fn layers(windows: Version, layers: &[Layer]) -> Result<Option<String>> {
    let has_it = |layer: &&Layer| holds_windows(Path::new(&layer.path));
    let Some(layer) = layers.iter().find(has_it) else {
        return Ok(Some(format!(
            r"No layer holds Files\{WINDOWS}: the service will say whether they fit this host"
        )));
    };
    let Some(of_layer) = read(&file_of(Path::new(&layer.path)))? else {
        return Ok(Some(format!(
            "{} does not say its version: the service will say whether it fits",
            layer.path
        )));
    };
    let of_host = hosts_file().and_then(|file| read(&file).ok().flatten());
    fit::check_layer(version(windows), of_host, of_layer, &layer.path)
}

/// Tells whether a layer holds a Windows, and not only what was changed in one.
pub(super) fn holds_windows(layer: &Path) -> bool {
    file_of(layer).is_file()
}

fn file_of(layer: &Path) -> PathBuf {
    layer.join("Files").join(WINDOWS)
}

/// Returns the file of the host that is compared with a layer's. The directory is named as on every Windows where the
/// environment does not name it.
fn hosts_file() -> Option<PathBuf> {
    let root = std::env::var_os("SystemDrive")?;
    Some(PathBuf::from(root).join(r"\").join(WINDOWS))
}

fn read(file: &Path) -> Result<Option<FileVersion>> {
    match fs::read(file) {
        Ok(content) => Ok(file_version::find(&content)),
        Err(error) if error.kind() == IoKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", file.display().to_string(), error)),
    }
}

fn version(windows: Version) -> HostVersion {
    let Version { major, minor, build } = windows;
    HostVersion { major, minor, build }
}
