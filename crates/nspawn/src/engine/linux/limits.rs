//! Limits: from what the documents say to control groups, and what became of each.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use linux_sandbox::Sources;
use linux_sandbox::cgroup::{
    Bytes, Controller, CpuQuota, CpuSet, Device, Host, IoLimit, Limits, Rate, Version,
};
use serde::Serialize;

use super::files;
use super::view::{ProcessorView, StorageView, SystemView};
use crate::document::Extras;
use crate::engine::{Enforcement, Unenforced, Verdict};
use crate::error::{Error, ErrorKind, Result};

/// Limits as the documents ask for them: pure, without this host's devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Wanted {
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_bytes: Option<NonZeroU64>,
    /// Processor time, in millionths of one processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<Cpu>,
    /// Processors that may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpus: Option<CpuSet>,
    /// Processes and threads at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) processes: Option<NonZeroU64>,
    /// Operations and bytes per second on the devices that hold these directories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) storage: Vec<Storage>,
}

/// Processor time, and the key that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Cpu {
    key: &'static str,
    millionths: NonZeroU64,
}

/// Storage limits of one directory's device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Storage {
    directory: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    iops: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth: Option<NonZeroU64>,
}

pub(super) const MEMORY: &str = "max_ram_mb";
pub(super) const AFFINITY: &str = "cpu_affinity_hex";
pub(super) const PROCESSES: &str = "max_processes";
const IOPS: &str = "max_storage_iops";
const BANDWIDTH: &str = "max_storage_bandwidth_bytes_per_sec";

/// Reads the limits of a system document.
///
/// # Errors
/// `InvalidSpec` or `Unsupported`: a processor this host does not have, a weight.
pub(super) fn wanted(container: &SystemView, extras: &Extras, host_cpus: u32) -> Result<Wanted> {
    let cpu = match container.processor {
        None => None,
        Some(ProcessorView::Count(count)) => Some(("cpus_count", u64::from(count) * 1_000_000)),
        // Hundredths of a percent of the whole host.
        Some(ProcessorView::Maximum(part)) => {
            Some(("max_cpu_percent", u64::from(part) * 100 * u64::from(host_cpus)))
        }
        Some(ProcessorView::Weight(_)) => {
            let error = Error::new(ErrorKind::Unsupported, "carry out", "Processor.Weight");
            return Err(error.reason("processor weights are not carried out yet"));
        }
    };
    let nonzero = |value: Option<u64>| value.and_then(NonZeroU64::new);
    let storage = |directory: &str, limit: &StorageView| Storage {
        directory: directory.into(),
        iops: nonzero(limit.iops),
        bandwidth: nonzero(limit.bandwidth),
    };
    let system_volume = storage(&container.scratch, &container.storage);
    let mapped = container.mapped.iter().map(|directory| storage(&directory.source, &directory.storage));
    Ok(Wanted {
        memory_bytes: nonzero(container.memory_mb.map(|mb| mb.saturating_mul(1 << 20))),
        cpu: cpu.and_then(|(key, millionths)| {
            NonZeroU64::new(millionths).map(|millionths| Cpu { key, millionths })
        }),
        cpus: affinity(extras, host_cpus)?,
        processes: extras.processes,
        storage: std::iter::once(system_volume)
            .chain(mapped)
            .filter(|s| s.iops.is_some() || s.bandwidth.is_some())
            .collect(),
    })
}

fn affinity(extras: &Extras, host_cpus: u32) -> Result<Option<CpuSet>> {
    let Some(mask) = extras.affinity else { return Ok(None) };
    if let Some(beyond) = mask.cpus().find(|cpu| *cpu >= host_cpus) {
        let reason = format!(
            "bit {beyond} stands for processor {beyond}, but this host has {host_cpus}: {}",
            mask.bits()
        );
        return Err(Error::invalid(AFFINITY, reason));
    }
    Ok(NonZeroU64::new(mask.bits()).map(CpuSet::from_mask))
}

/// Refuses what [`resolve`] would refuse, while nothing is made yet: a directory that is not there will be on the disk of
/// the one above. Returns the host's control groups; `None` where nothing is limited.
///
/// # Errors
/// As [`resolve`].
pub(super) fn check(wanted: &Wanted, sources: &mut Sources, unenforced: Unenforced) -> Result<Option<Host>> {
    if *wanted == Wanted::default() {
        return Ok(None);
    }
    let host = Host::detect().map_err(|error| group_error(&error))?;
    if unenforced != Unenforced::Refuse {
        return Ok(Some(host));
    }
    let mut wanted = wanted.clone();
    for storage in &mut wanted.storage {
        storage.directory = files::existing(&storage.directory).to_owned();
    }
    resolve(&wanted, sources, &host, unenforced).map(|_| Some(host))
}

/// Makes limits of control groups of what is wanted, and says how far each holds.
///
/// # Errors
/// `Unsupported` where one cannot be held at all and `unenforced` does not allow that.
pub(super) fn resolve(
    wanted: &Wanted,
    sources: &mut Sources,
    host: &Host,
    unenforced: Unenforced,
) -> Result<(Limits, Vec<Enforcement>)> {
    let mut resolved = Resolved { host, limits: Limits::default(), enforcement: Vec::new() };
    if let Some(bytes) = wanted.memory_bytes
        && resolved.holds(MEMORY, Controller::Memory)
    {
        resolved.limits.memory = Some(Bytes(bytes));
    }
    if let Some(cpu) = wanted.cpu {
        let quota = CpuQuota::from_millionths(cpu.millionths);
        if quota.is_none() {
            resolved
                .say(cpu.key, Verdict::Not("the kernel holds no less than 0.1 % of a processor".to_owned()));
        } else if resolved.holds(cpu.key, Controller::Cpu) {
            resolved.limits.cpu = quota;
        }
    }
    if let Some(cpus) = &wanted.cpus
        && resolved.holds(AFFINITY, Controller::Cpuset)
    {
        resolved.limits.cpus = Some(cpus.clone());
    }
    if wanted.processes.is_some() && resolved.holds(PROCESSES, Controller::Pids) {
        resolved.limits.processes = wanted.processes;
    }
    resolved.storage(&wanted.storage, sources);
    match resolved.enforcement.iter().find(|e| matches!(e.verdict, Verdict::Not(_))) {
        Some(Enforcement { limit, verdict: Verdict::Not(reason) }) if unenforced == Unenforced::Refuse => {
            Err(Error::new(ErrorKind::Unsupported, "enforce", *limit)
                .reason(reason.clone())
                .with_hint("leave the limit out, or start without it: --allow-unenforced"))
        }
        _ => Ok((resolved.limits, resolved.enforcement)),
    }
}

struct Resolved<'a> {
    host: &'a Host,
    limits: Limits,
    enforcement: Vec<Enforcement>,
}

impl Resolved<'_> {
    fn say(&mut self, limit: &'static str, verdict: Verdict) {
        self.enforcement.push(Enforcement { limit, verdict });
    }

    /// Returns whether the host has the controller, and says so.
    fn holds(&mut self, limit: &'static str, controller: Controller) -> bool {
        let supported = self.host.supports(controller);
        let verdict = match &supported {
            Ok(_) => Verdict::Enforced,
            Err(error) => Verdict::Not(in_words(error)),
        };
        self.say(limit, verdict);
        supported.is_ok()
    }

    fn storage(&mut self, wanted: &[Storage], sources: &mut Sources) {
        let asked =
            |pick: fn(&Storage) -> Option<NonZeroU64>| wanted.iter().any(|storage| pick(storage).is_some());
        let keys = [(IOPS, asked(|s| s.iops)), (BANDWIDTH, asked(|s| s.bandwidth))];
        let keys: Vec<&'static str> =
            keys.into_iter().filter_map(|(key, asked)| asked.then_some(key)).collect();
        if keys.is_empty() {
            return;
        }
        let verdict = match self.devices(wanted, sources) {
            Err(reason) => Verdict::Not(reason),
            Ok(version) => Verdict::Partial(partial(version).to_owned()),
        };
        keys.into_iter().for_each(|key| self.say(key, verdict.clone()));
    }

    /// Sets the limit of each device; where directories share one, the tightest.
    fn devices(&mut self, wanted: &[Storage], sources: &mut Sources) -> std::result::Result<Version, String> {
        let version = self.host.supports(Controller::Io).map_err(|error| in_words(&error))?;
        let mut devices: BTreeMap<Device, Rate> = BTreeMap::new();
        for storage in wanted {
            let device = device_of(&storage.directory, sources)?;
            let rate = devices.entry(device).or_default();
            rate.operations_per_second = tighter(rate.operations_per_second, storage.iops);
            rate.bytes_per_second = tighter(rate.bytes_per_second, storage.bandwidth);
        }
        self.limits.io =
            devices.into_iter().map(|(device, rate)| IoLimit { device, read: rate, write: rate }).collect();
        Ok(version)
    }
}

fn device_of(directory: &Path, sources: &mut Sources) -> std::result::Result<Device, String> {
    let opened = sources.open(directory).map_err(|error| super::sandbox_error(error).one_line())?;
    Device::below(opened, directory).map_err(|error| in_words(&error))
}

fn tighter(one: Option<NonZeroU64>, other: Option<NonZeroU64>) -> Option<NonZeroU64> {
    one.into_iter().chain(other).min()
}

/// What a storage limit does not hold (docs/limits.md).
pub(super) fn partial(version: Version) -> &'static str {
    match version {
        Version::V1 => {
            "reads and writes are each held to it, where HCS holds their sum, and writes are held only when they are \
             synced or direct"
        }
        Version::V2 => "reads and writes are each held to it, where HCS holds their sum",
    }
}

/// All of a failure in one text, for verdicts.
fn in_words(error: &linux_sandbox::cgroup::Error) -> String {
    let cure = error.cure().map(|cure| format!("; {cure}")).unwrap_or_default();
    format!("{}{cure}", group_error(error).one_line())
}

/// Puts a failure of control groups into this library's words.
pub(super) fn group_error(error: &linux_sandbox::cgroup::Error) -> Error {
    let mut failed = Error::new(ErrorKind::Host, error.op(), error.subject());
    if let Some(reason) = error.reason() {
        failed = failed.reason(reason);
    }
    match error.cure() {
        Some(cure) => failed.with_hint(cure),
        None => failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_once_and_its_cure_apart() {
        let failure = Host::parse("", "").supports(Controller::Memory).unwrap_err();
        let error = group_error(&failure);
        let told = "cannot limit the sandbox (controller memory): no control group file system that has it is mounted";
        assert_eq!((error.one_line().as_str(), error.hint()), (told, failure.cure()));
        let cure = failure.cure().unwrap();
        assert_eq!(in_words(&failure), format!("{told}; {cure}"));
    }
}
