//! config.json: from its text to a [`Spec`]. The keys of the original program have its meaning; what is not known,
//! not supported or not exact is refused, each by its name, before anything is touched.
//!
//! ```text
//! bytes -> text (UTF-8) -> JSON tree (json) -> fields of the right types (keys, fields) -> Spec (here)
//! ```

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::names;
use crate::paths::{ContainerPath, RelativePath, host_path};
use crate::refusal::{escaped, key_shown, refuse};
use crate::spec::{
    Access, AffinityMask, ContainerName, Hostname, Limits, Mount, Percent, ProcessSpec, Rootfs, Services,
    Spec, StdioSpec, User, UserName,
};
use fields::Fields;
use json::{Broken, Value};

mod fields;
#[cfg(all(target_os = "linux", any(test, fuzzing)))]
pub(crate) mod fuzzing;
mod json;
mod keys;
mod read;
mod schema;
// Written with paths of a Unix host; what differs on Windows is tested there.
#[cfg(test)]
#[cfg(unix)]
mod tests;
#[cfg(test)]
#[cfg(windows)]
mod windows_tests;

pub use read::{MAX_BYTES, read};
pub use schema::json_schema;

/// The longest variable of an environment, `NAME=value`, in UTF-16 units without its terminating zero.
const MAX_VARIABLE: usize = 32_766;

/// What the command line says besides, and what only the host knows.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Takes the place of process_directory (`-D`). Absolute.
    pub directory: Option<PathBuf>,
    /// Takes the place of timeout_seconds; zero is none.
    pub timeout: Option<Duration>,
    /// Takes the place of services.
    pub services: Option<Services>,
    /// Directories where containers are kept: none may be mapped, nor lie in a directory that is. Absolute.
    pub own_roots: Vec<PathBuf>,
}

/// Makes a [`Spec`] of the text of a configuration file. `at` is the file's absolute path: messages name it, and
/// relative host paths are relative to its directory.
///
/// # Errors
/// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): `key: what is wrong: value`, on one line.
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported): a key that is known and refused.
pub fn parse(text: &[u8], at: &Path, overrides: &Overrides) -> Result<Spec> {
    let tree = tree(text).map_err(|what| Error::invalid(escaped(&at.to_string_lossy()), what))?;
    let file = Fields::of_file(tree, keys::FILE)?;
    let base = at.parent().unwrap_or(at);

    let directory = match &overrides.directory {
        Some(given) => given_directory(given, overrides)?,
        None => {
            let text = file.required_text("process_directory")?;
            host_path("process_directory", text, base, &overrides.own_roots)?
        }
    };
    let mapped = ContainerPath::parse("mapped_directory", file.required_text("mapped_directory")?)?;
    let working_directory = match file.text("working_directory") {
        Some(text) => ContainerPath::parse_any("working_directory", text)?,
        None => mapped.clone(),
    };
    let executable = RelativePath::parse("process_executable", file.required_text("process_executable")?)?;
    let process = Mount { source: directory.clone(), destination: mapped, access: Access::ReadWrite };
    let mounts = mounts(&file, process, base, &overrides.own_roots)?;
    let timeout = NonZeroU64::new(file.integer("timeout_seconds")).map(|n| Duration::from_secs(n.get()));

    Ok(Spec {
        name: file.text("name").map(ContainerName::parse).transpose()?,
        rootfs: rootfs(&file, base)?,
        hostname: file.text("hostname").map(Hostname::parse).transpose()?,
        process: ProcessSpec {
            stdio: stdio(&file, &executable)?,
            directory,
            executable,
            arguments: file.texts("process_arguments").to_vec(),
            environment: environment(&file)?,
            working_directory,
            user: user(&file)?,
        },
        mounts,
        limits: limits(&file),
        services: overrides.services.unwrap_or_else(|| services(&file)),
        timeout: overrides.timeout.or(timeout).filter(|timeout| !timeout.is_zero()),
    })
}

/// Decodes and parses; the error says where and what.
fn tree(text: &[u8]) -> std::result::Result<Value, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] = text {
        return Err("is UTF-16, not UTF-8: save it as UTF-8".to_owned());
    }
    if text.trim_ascii().is_empty() {
        return Err("is empty".to_owned());
    }
    match str::from_utf8(text) {
        Ok(text) => json::parse(text).map_err(|broken| broken.to_string()),
        Err(error) => Err(Broken::new(text, error.valid_up_to(), "a byte that is not UTF-8").to_string()),
    }
}

fn given_directory(given: &Path, overrides: &Overrides) -> Result<PathBuf> {
    match given.to_str() {
        Some(text) => host_path("--directory", text, Path::new(""), &overrides.own_roots),
        None => Err(refuse("--directory", "is not UTF-8", &given.to_string_lossy())),
    }
}

fn rootfs(file: &Fields, base: &Path) -> Result<Rootfs> {
    // Layers may well lie where we keep things: images end there.
    match file.text("parent_layer_directory") {
        Some(text) => Ok(Rootfs::ParentLayer(host_path("parent_layer_directory", text, base, &[])?)),
        None => Ok(Rootfs::EmbeddedBase),
    }
}

fn stdio(file: &Fields, executable: &RelativePath) -> Result<StdioSpec> {
    let Some(text) = file.text("stdout_filename") else {
        return Ok(StdioSpec::Inherit);
    };
    let output = RelativePath::parse("stdout_filename", text)?;
    match output.folded() == executable.folded() {
        true => Err(refuse("stdout_filename", "is process_executable, which output would spoil", text)),
        false => Ok(StdioSpec::File(output)),
    }
}

fn environment(file: &Fields) -> Result<Vec<(String, String)>> {
    let variables = file.text_map("environment");
    let mut folded = HashSet::new();
    for (name, value) in variables {
        let refused = |what: &str| Err(Error::invalid(format!("environment.{}", key_shown(name)), what));
        if name.is_empty() {
            return refused("a variable must have a name");
        }
        if name.contains('=') {
            return refused("the name of a variable cannot hold '='");
        }
        if name.encode_utf16().chain(value.encode_utf16()).count() >= MAX_VARIABLE {
            return refused("name and value together are longer than 32765 UTF-16 units");
        }
        if !folded.insert(names::fold(name)) {
            return refused("duplicate variable: names compare without case");
        }
    }
    Ok(variables.to_vec())
}

/// Reads what is mapped, the process directory first.
fn mounts(file: &Fields, process: Mount, base: &Path, own_roots: &[PathBuf]) -> Result<Vec<Mount>> {
    let mut mounts = vec![("mapped_directory".to_owned(), process)];
    for record in file.records("mounts") {
        let (source, destination) = (record.path("source"), record.path("destination"));
        let mount = Mount {
            source: host_path(&source, record.required_text("source")?, base, own_roots)?,
            destination: ContainerPath::parse(&destination, record.required_text("destination")?)?,
            access: if record.flag("read_only") { Access::ReadOnly } else { Access::ReadWrite },
        };
        mounts.push((destination, mount));
    }
    check_apart(&mounts)?;
    Ok(mounts.into_iter().map(|(_, mount)| mount).collect())
}

/// Refuses a destination that is, or lies in, another: which of the two would be seen is not for us to guess.
fn check_apart(mounts: &[(String, Mount)]) -> Result<()> {
    let mut places: Vec<_> =
        mounts.iter().map(|(key, mount)| (mount.destination.folded(), key, &mount.destination)).collect();
    // Sorted by components, a place that holds others is followed at once by one of them.
    places.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    for ((outer, outer_key, _), (inner, inner_key, place)) in places.iter().zip(places.iter().skip(1)) {
        if inner.starts_with(outer) {
            let what = format!("is or lies in {outer_key}, and mapped directories must be apart");
            return Err(refuse(inner_key.as_str(), what, &place.to_string()));
        }
    }
    Ok(())
}

/// Reads the limits: 0 is the same as an absent key.
fn limits(file: &Fields) -> Limits {
    Limits {
        memory_mb: NonZeroU64::new(file.integer("max_ram_mb")),
        cpu_count: u16::try_from(file.integer("cpus_count")).ok().filter(|count| *count > 0),
        cpu_percent: Percent::new(file.integer("max_cpu_percent")),
        affinity: AffinityMask::new(file.integer("cpu_affinity_hex")),
        processes: NonZeroU64::new(file.integer("max_processes")),
        storage_iops: NonZeroU64::new(file.integer("max_storage_iops")),
        storage_bandwidth: NonZeroU64::new(file.integer("max_storage_bandwidth_bytes_per_sec")),
    }
}

fn user(file: &Fields) -> Result<User> {
    file.text("user").map_or(Ok(User::Default), |name| UserName::parse(name).map(User::Named))
}

fn services(file: &Fields) -> Services {
    match file.text("services") {
        Some("wait") => Services::Wait,
        Some("none") => Services::None,
        _ => Services::Async,
    }
}
