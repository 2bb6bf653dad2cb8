//! Version 1: what is written into a new group's files (kernel documentation, admin-guide/cgroup-v1).

use std::path::Path;

use super::files::{self, Setting};
use super::limits::{CpuSet, Rate};
use super::{Controller, Error, ErrorKind, Limits};

/// Returns what a group below `parent` needs in its files before a process may join, for these controllers.
pub(super) fn settings(
    controllers: &[Controller],
    limits: &Limits,
    parent: &Path,
) -> Result<Vec<Setting>, Error> {
    let mut settings = Vec::new();
    for &controller in controllers {
        match controller {
            Controller::Memory => settings.extend(memory(limits)),
            Controller::Cpu => settings.extend(cpu(limits)),
            Controller::Cpuset => settings.extend(cpuset(limits, parent)?),
            Controller::Io => settings.extend(io(limits)),
            Controller::Pids => {
                settings.extend(limits.processes.map(|n| Setting::new(controller, "pids.max", n)));
            }
        }
    }
    Ok(settings)
}

/// Bounds memory, then memory and swap by the same number, so that nothing can be swapped out past the limit. The
/// order matters: the second must never be below the first. The kernel kills one process only, the largest; whoever
/// wants the sandbox to end then watches [`super::Group::oom_counter`].
fn memory(limits: &Limits) -> Vec<Setting> {
    limits.memory.map_or_else(Vec::new, |bytes| {
        vec![
            Setting::new(Controller::Memory, "memory.limit_in_bytes", bytes.0),
            Setting::where_present(Controller::Memory, "memory.memsw.limit_in_bytes", bytes.0),
        ]
    })
}

fn cpu(limits: &Limits) -> Vec<Setting> {
    limits.cpu.map_or_else(Vec::new, |quota| {
        vec![
            Setting::new(Controller::Cpu, "cpu.cfs_period_us", quota.period_us()),
            Setting::new(Controller::Cpu, "cpu.cfs_quota_us", quota.quota_us()),
        ]
    })
}

/// Gives the group processors and memory nodes: a new one has neither, and no process may join it without.
fn cpuset(limits: &Limits, parent: &Path) -> Result<Vec<Setting>, Error> {
    let Some(cpus) = &limits.cpus else { return Ok(Vec::new()) };
    check_cpus(cpus, &parent.join("cpuset.effective_cpus"))?;
    let nodes = files::read(&parent.join("cpuset.effective_mems"))?;
    Ok(vec![
        Setting::new(Controller::Cpuset, "cpuset.mems", nodes.trim_end()),
        Setting::new(Controller::Cpuset, "cpuset.cpus", cpus),
    ])
}

/// Refuses processors that the launcher's own group may not use: version 1 would refuse them without a reason,
/// and version 2 would leave them out in silence.
pub(super) fn check_cpus(cpus: &CpuSet, effective: &Path) -> Result<(), Error> {
    let refuse = |reason| {
        let subject = format!("the sandbox to processors {cpus}");
        Err(Error::new(ErrorKind::Refused, "limit", subject).of(Controller::Cpuset).because(reason))
    };
    let text = files::read(effective)?;
    match text.parse::<CpuSet>() {
        Err(error) => refuse(format!("{}: {error}", effective.display())),
        Ok(usable) => match cpus.beyond(&usable) {
            Some(beyond) => refuse(format!("{beyond} cannot be used here, only {usable}")),
            None => Ok(()),
        },
    }
}

fn io(limits: &Limits) -> Vec<Setting> {
    let mut settings = Vec::new();
    for limit in &limits.io {
        let mut direction = |rate: &Rate, bytes_file, operations_file| {
            let bytes = rate.bytes_per_second.map(|n| (bytes_file, n.get()));
            let operations = rate.operations().map(|n| (operations_file, u64::from(n)));
            settings.extend(
                bytes
                    .into_iter()
                    .chain(operations)
                    .map(|(file, n)| Setting::new(Controller::Io, file, format!("{} {n}", limit.device))),
            );
        };
        direction(&limit.read, "blkio.throttle.read_bps_device", "blkio.throttle.read_iops_device");
        direction(&limit.write, "blkio.throttle.write_bps_device", "blkio.throttle.write_iops_device");
    }
    settings
}
