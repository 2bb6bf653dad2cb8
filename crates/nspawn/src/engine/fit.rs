//! Whether a container fits a Windows host: decided before anything is made, from what the host and the layers say of
//! themselves. Pure.

use std::ops::RangeInclusive;

use super::file_version::FileVersion;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{AffinityMask, Limits};

/// The first Windows with the Host Compute Service: Windows Server 2016.
const SERVER_2016: u32 = 14_393;

/// The first Windows that runs containers of other builds than its own.
const SERVER_2022: u32 = 20_348;

/// Builds from which on a host runs containers of that build until the next: hcsshim's `platform_compat_windows.go`.
const LONG_LIVED: [u32; 2] = [SERVER_2022, 26_100];

/// Servers, and how Microsoft's images of them are tagged.
const SERVERS: [(u32, &str, &str); 5] = [
    (SERVER_2016, "Windows Server 2016", "ltsc2016"),
    (17_763, "Windows Server 2019", "ltsc2019"),
    (SERVER_2022, "Windows Server 2022", "ltsc2022"),
    (25_398, "Windows Server, version 23H2", "23H2"),
    (26_100, "Windows Server 2025", "ltsc2025"),
];

/// Builds that are another build with features switched on: the files say the other one.
const SAME_FILES: [(RangeInclusive<u32>, u32); 2] = [(18_363..=18_363, 18_362), (19_042..=19_045, 19_041)];

/// The version of the host's Windows, without its revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HostVersion {
    /// 10 since Windows Server 2016.
    pub(super) major: u32,
    /// 0 since Windows Server 2016.
    pub(super) minor: u32,
    /// What tells servers apart.
    pub(super) build: u32,
}

impl std::fmt::Display for HostVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { major, minor, build } = self;
        write!(f, "{major}.{minor}.{build}{}", in_brackets(*build))
    }
}

fn server(build: u32) -> Option<(&'static str, &'static str)> {
    SERVERS.iter().find(|(of, ..)| *of == build).map(|(_, name, tag)| (*name, *tag))
}

fn in_brackets(build: u32) -> String {
    server(build).map(|(name, _)| format!(" ({name})")).unwrap_or_default()
}

/// Checks that the host's Windows has the service at all.
///
/// # Errors
/// `Unsupported`.
pub(super) fn check_host(host: HostVersion) -> Result<()> {
    if host.build >= SERVER_2016 {
        return Ok(());
    }
    let reason = format!("this is Windows {host}, and containers came with 10.0.14393 (Windows Server 2016)");
    Err(Error::new(ErrorKind::Unsupported, "run", "containers on this host").reason(reason))
}

/// Returns the builds of layers that a host runs in a process of its own.
fn runnable(host: u32) -> RangeInclusive<u32> {
    if host < SERVER_2022 {
        let files = SAME_FILES.iter().find(|(builds, _)| builds.contains(&host)).map_or(host, |same| same.1);
        return files..=files;
    }
    let oldest = LONG_LIVED.into_iter().rev().find(|build| *build < host).unwrap_or(SERVER_2022);
    oldest..=host
}

/// Checks that the host runs the Windows that the layer in `directory` holds. Two revisions of one build fit, but for
/// build 14393: there they should be equal, and what is returned says that they are not.
///
/// # Errors
/// `Unsupported`, naming both builds and the way out.
pub(super) fn check_layer(
    host: HostVersion,
    hosts_file: Option<FileVersion>,
    layer: FileVersion,
    directory: &str,
) -> Result<Option<String>> {
    let builds = runnable(host.build);
    let build = u32::from(layer.build);
    let same_line = (u32::from(layer.major), u32::from(layer.minor)) == (host.major, host.minor);
    if same_line && builds.contains(&build) {
        let differs = hosts_file.filter(|file| {
            host.build == SERVER_2016 && file.build == layer.build && file.revision != layer.revision
        });
        return Ok(differs.map(|file| {
            format!(
                "{directory} holds Windows {layer}, and this host is {file}: Windows Server 2016 may not start it"
            )
        }));
    }
    let FileVersion { major, minor, .. } = layer;
    let (oldest, newest) = (builds.start(), builds.end());
    let (runs, alone) = match oldest == newest {
        true => (format!("build {newest}"), " alone"),
        false => (format!("builds {oldest} to {newest}"), ""),
    };
    let reason = format!(
        "holds Windows {major}.{minor}.{build}{}, and this host is Windows {host}, which runs layers of {runs}{alone}: {directory}",
        in_brackets(build)
    );
    let tag = builds.clone().rev().find_map(server).map(|(_, tag)| format!(" (image tag {tag})"));
    let hint =
        format!("take layers of {runs}{}, or run these on a host of build {build}", tag.unwrap_or_default());
    Err(Error::invalid("parent_layer_directory", reason).with_kind(ErrorKind::Unsupported).with_hint(hint))
}

/// What this process may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rights {
    /// Whether it runs with all that its user may do; absent where that cannot be told.
    pub(super) elevated: Option<bool>,
    /// Privileges that it needs and does not hold.
    pub(super) missing: Vec<&'static str>,
}

/// Checks that this process may make containers.
///
/// # Errors
/// `Denied`, naming what is missing.
pub(super) fn check_rights(rights: &Rights) -> Result<()> {
    let (reason, hint) = match (rights.elevated, rights.missing.join(" and ")) {
        (Some(true) | None, missing) if missing.is_empty() => return Ok(()),
        (Some(false), missing) if missing.is_empty() => (
            "this process is not elevated".to_owned(),
            "start this from an elevated prompt (Run as administrator)",
        ),
        (Some(false), missing) => (
            format!("this process is not elevated, and does not hold {missing}"),
            "start this from an elevated prompt (Run as administrator)",
        ),
        (Some(true) | None, missing) => (
            format!("this user does not hold {missing}"),
            "start this as a member of Administrators, from an elevated prompt, or grant the user that right",
        ),
    };
    Err(Error::new(ErrorKind::Denied, "make", "a container").reason(reason).with_hint(hint))
}

/// What the host has of what limits are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resources {
    /// Processors, of all groups.
    pub(super) processors: u32,
    /// Processors of the first group, which are those that a mask names.
    pub(super) first_group: u32,
    /// Bytes that all processes together can commit; absent where that cannot be told.
    pub(super) commit_limit: Option<u64>,
}

/// Checks limits against what the host has, and says where one is more than can be felt. More processors than there
/// are is no error: the document says the host's number then.
///
/// # Errors
/// `InvalidSpec`: the affinity names a processor that a container here cannot have. `Unsupported`: processes are limited.
pub(super) fn check_limits(limits: &Limits, host: Resources) -> Result<Option<String>> {
    if limits.processes.is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "enforce", "max_processes")
            .reason("no document of the Host Compute Service has a field for it"));
    }
    if let Some(mask) = limits.affinity {
        check_affinity(mask, host)?;
    }
    let (Some(wanted), Some(commit)) = (limits.memory_mb, host.commit_limit) else { return Ok(None) };
    let commit = commit >> 20;
    Ok((wanted.get() > commit).then(|| {
        format!(
            "max_ram_mb is {wanted} MB, and this host can commit {commit} MB in all: the limit is not felt"
        )
    }))
}

fn check_affinity(mask: AffinityMask, host: Resources) -> Result<()> {
    let Resources { processors, first_group, .. } = host;
    let Some(beyond) = mask.cpus().find(|cpu| *cpu >= first_group) else { return Ok(()) };
    let has = match processors > first_group {
        true => format!(
            "the first group of this host's {processors} processors, the only one that a mask can name, has {first_group}"
        ),
        false => format!("this host has {processors}"),
    };
    let reason = format!("bit {beyond} stands for processor {beyond}, but {has}: {}", mask.bits());
    Err(Error::invalid("cpu_affinity_hex", reason))
}

/// Reads the text of a `layerchain.json`: an array of the absolute paths of all layers below, nearest first.
///
/// # Errors
/// `InvalidSpec`, naming `file`, where it is something else.
pub(super) fn parse_chain(text: &str, file: &str) -> Result<Vec<String>> {
    let paths: Option<Vec<String>> = serde_json::from_str(text)
        .map_err(|error| Error::invalid(file, "is no JSON array of paths").source(error))?;
    let paths = paths.unwrap_or_default();
    match paths.iter().find(|path| !is_absolute(path)) {
        Some(path) => Err(crate::refusal::refuse(file, "names a layer by a path that is not absolute", path)),
        None => Ok(paths),
    }
}

/// Tells whether Windows takes a path for one that means the same from everywhere: `C:\x`, `\\server\share`, `\\?\x`.
fn is_absolute(path: &str) -> bool {
    let separator = |byte: &u8| matches!(byte, b'\\' | b'/');
    match path.as_bytes() {
        [drive, b':', first, ..] => drive.is_ascii_alphabetic() && separator(first),
        [first, second, ..] => separator(first) && separator(second),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
