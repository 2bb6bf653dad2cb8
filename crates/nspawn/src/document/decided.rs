//! What both schemas say, decided once, so that the two files that write them cannot disagree.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::Path;

use uuid::Uuid;

use super::processor::{self, Processor};
use super::{Remark, Root};
use crate::cmdline;
use crate::error::{Error, Result};
use crate::spec::{Access, ContainerId, Limits, Mount, ProcessSpec, Spec, StdioSpec, User};

/// The program that manages the container, as the service lists it.
pub const OWNER: &str = "hostcompute_nspawn";

/// The content of a request, in no schema's words.
#[derive(Debug)]
pub(super) struct Decided<'a> {
    pub id: &'a str,
    pub root: &'a Root,
    pub hostname: String,
    pub processor: Option<Processor>,
    pub memory_mb: Option<i64>,
    pub storage_iops: Option<u64>,
    pub storage_bandwidth: Option<u64>,
    pub mounts: Vec<Mapping<'a>>,
    pub process: Process,
}

/// A host directory and where it appears.
#[derive(Debug)]
pub(super) struct Mapping<'a> {
    pub host_path: &'a str,
    pub container_path: String,
    pub read_only: bool,
}

/// The first process. Its output always runs through pipes or files of ours, never through a console.
#[derive(Debug)]
pub(super) struct Process {
    pub command_line: String,
    /// The account, where one was asked for: the original program asked for none.
    pub user: Option<String>,
    pub working_directory: String,
    pub environment: BTreeMap<String, String>,
    pub stdin_pipe: bool,
}

/// Decides what the documents say.
pub(super) fn decide<'a>(
    id: &'a ContainerId,
    spec: &'a Spec,
    root: &'a Root,
    host_cpus: u32,
) -> Result<(Decided<'a>, Vec<Remark>)> {
    // Named one by one: a new field of the Spec must be decided about before this compiles. The name is in `id`
    // already, the layers are in `root`, services are an extra, and the launcher minds the timeout.
    let Spec { name: _, rootfs: _, hostname, process, mounts, limits, services: _, timeout: _ } = spec;
    // Affinity and the number of processes are extras.
    let Limits {
        memory_mb,
        cpu_count: _,
        cpu_percent: _,
        affinity: _,
        processes: _,
        storage_iops,
        storage_bandwidth,
    } = limits;

    let (processor, remarks) = processor::choose(limits, host_cpus);
    let decided = Decided {
        id: id.as_str(),
        root,
        hostname: hostname.as_ref().map_or_else(|| hostname_of(id), |name| name.as_str().to_owned()),
        processor,
        memory_mb: memory_mb.map(memory).transpose()?,
        storage_iops: storage_iops.map(NonZeroU64::get),
        storage_bandwidth: storage_bandwidth.map(NonZeroU64::get),
        mounts: mounts.iter().map(|mount| mapping(process, mount)).collect::<Result<_>>()?,
        process: self::process(process, mounts)?,
    };
    Ok((decided, remarks))
}

/// Returns the memory as both schemas can say it: schema v1 has a signed number.
fn memory(megabytes: NonZeroU64) -> Result<i64> {
    i64::try_from(megabytes.get())
        .map_err(|_| Error::invalid("max_ram_mb", format!("{megabytes} is more than a document can say")))
}

fn mapping<'a>(process: &ProcessSpec, mount: &'a Mount) -> Result<Mapping<'a>> {
    let key = if mount.source == process.directory { "process_directory" } else { "mounts" };
    Ok(Mapping {
        host_path: host_path(key, &mount.source)?,
        container_path: mount.destination.to_string(),
        read_only: mount.access == Access::ReadOnly,
    })
}

/// Returns a host path as a document can hold it.
fn host_path<'a>(key: &str, path: &'a Path) -> Result<&'a str> {
    path.to_str().ok_or_else(|| Error::invalid(key, format!("{path:?} is not UTF-8")))
}

fn process(process: &ProcessSpec, mounts: &[Mount]) -> Result<Process> {
    let ProcessSpec { directory, executable, arguments, environment, working_directory, user, stdio } =
        process;
    let Some(mapped) = mounts.iter().find(|mount| mount.source == *directory) else {
        return Err(Error::invalid("process_directory", format!("{directory:?} is not mapped")));
    };
    // Absolute, so that neither the working directory nor PATH has a say in what is run.
    let program = mapped.destination.join(executable).to_string();
    let words = std::iter::once(&program).chain(arguments).map(String::as_str);
    Ok(Process {
        command_line: cmdline::quote(words)?,
        user: match user {
            User::Default => None,
            User::Named(name) => Some(name.as_str().to_owned()),
        },
        working_directory: working_directory.to_string(),
        environment: environment.iter().cloned().collect(),
        stdin_pipe: match stdio {
            StdioSpec::Inherit => true,
            StdioSpec::File(_) => false,
        },
    })
}

/// Makes a computer name of the id: 8 hexadecimal digits, always the same ones. The first is a letter, because a
/// name of digits only is none.
fn hostname_of(id: &ContainerId) -> String {
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_str().as_bytes()).as_u128();
    let letter = char::from(b'a' + (hash % 6) as u8);
    format!("{letter}{:07x}", (hash >> 100) as u32)
}

/// Tells whether `path` names a Windows volume: whether it ends with a backslash is a matter of the schema.
pub(super) fn is_volume_name(path: &str) -> bool {
    path.starts_with(r"\\?\Volume{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Hostname;

    #[test]
    fn hostname_is_valid_for_every_id_and_its_own() {
        let names: std::collections::BTreeSet<String> = (0..1000_u64)
            .map(|n| hostname_of(&ContainerId::from_random(n.to_be_bytes())))
            .inspect(|name| assert!(name.len() == 8 && Hostname::parse(name).is_ok(), "{name}"))
            .collect();
        assert_eq!(names.len(), 1000);
    }
}
