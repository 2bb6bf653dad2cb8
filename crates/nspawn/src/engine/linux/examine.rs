//! What this host can do, found by making small things of each kind and removing them.

use std::num::NonZeroU64;
use std::path::Path;

use linux_sandbox::cgroup::{Bytes, Controller, CpuQuota, CpuSet, Host, Limits};

use super::wine::Wine;
use super::{LinuxEngine, PATIENCE, account, files, limits, remove_scratch, trial};
use crate::doctor::{Ability, Finding, Needed};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::ContainerId;

/// The oldest kernel that has the calls which have no other in their place: those that mount by descriptor.
const OLDEST: (u32, u32) = (5, 2);

/// Finds out what this host can do. `id` is free, and names what is made.
pub(super) fn examine(engine: &LinuxEngine, id: &ContainerId) -> Vec<Finding> {
    let mut findings = vec![
        Finding::of("kernel", Needed::Always, kernel()),
        layers(engine, id),
        ids(engine),
        Finding::of("Windows programs", Needed::WhereAsked, wine()),
    ];
    findings.extend(groups(engine, id));
    findings
}

fn kernel() -> Result<String> {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < OLDEST {
        let reason = format!("it is {release}, and {}.{} is the oldest that will do", OLDEST.0, OLDEST.1);
        return Err(Error::new(ErrorKind::Unsupported, "use", "this kernel").reason(reason));
    }
    Ok(format!("Linux {release}"))
}

/// Namespaces, layers and the account, by a start.
fn layers(engine: &LinuxEngine, id: &ContainerId) -> Finding {
    let subject = "namespaces and layers";
    let scratch = engine.scratch().join(id.as_str());
    let made = match files::is_overlay(&engine.data) {
        Ok(true) => Err(files::on_overlay(&engine.data)),
        Ok(false) => trial::run(&scratch, account::of(&engine.group_name(id))),
        Err(error) => Err(error),
    };
    let removed = remove_scratch(&scratch);
    match made.and_then(|loss| removed.map(|()| loss)) {
        Ok(Some(loss)) => Finding::partial(subject, Needed::Always, &loss),
        made => Finding::of(
            subject,
            Needed::Always,
            made.map(|_| "overlays, and programs that are a user of their own".to_owned()),
        ),
    }
}

/// Whom programs and what is not theirs belong to on the host.
fn ids(engine: &LinuxEngine) -> Finding {
    let subject = "user ids";
    let found = match (&engine.one_id, linux_sandbox::is_own_root(), linux_sandbox::second_ids()) {
        (_, false, _) => "one for each container, which nobody else has",
        (_, true, Some(_)) => "yours, and another, which the system's files in a container belong to",
        (Some(loss), ..) => return Finding::partial(subject, Needed::WhereAsked, loss),
        (None, true, None) => "yours alone",
    };
    Finding::of(subject, Needed::WhereAsked, Ok(found.to_owned()))
}

fn wine() -> Result<String> {
    let wine = Wine::find()?;
    let more = if wine.runs_32_bit() {
        ", 32-bit programs too"
    } else {
        ", 64-bit programs only; wine32:i386 would run others"
    };
    Ok(format!("{}{more}", wine.loader.display()))
}

/// What can be done for storage limits.
const STORAGE: &str =
    "keep the directories on a disk's file system, such as ext4 or xfs; what each holds is in docs/limits.md";

/// Each limit, by a control group that has it.
fn groups(engine: &LinuxEngine, id: &ContainerId) -> Vec<Finding> {
    let some = NonZeroU64::MIN.saturating_add(0xFFF_FFFF);
    let limits = |change: fn(&mut Limits, NonZeroU64)| {
        let mut limits = Limits::default();
        change(&mut limits, some);
        limits
    };
    let tried = [
        (limits::MEMORY, Controller::Memory, limits(|all, some| all.memory = Some(Bytes(some)))),
        (
            "cpus_count, max_cpu_percent",
            Controller::Cpu,
            limits(|all, some| all.cpu = CpuQuota::from_millionths(some)),
        ),
        (
            limits::AFFINITY,
            Controller::Cpuset,
            limits(|all, _| all.cpus = Some(CpuSet::from_mask(NonZeroU64::MIN))),
        ),
        (limits::PROCESSES, Controller::Pids, limits(|all, _| all.processes = NonZeroU64::new(1024))),
    ];
    let mut findings: Vec<Finding> = tried
        .into_iter()
        .map(|(key, controller, limits)| {
            Finding::of(key, Needed::WhereAsked, group(engine, id, controller, &limits))
        })
        .collect();
    let storage = Host::detect()
        .and_then(|host| host.supports(Controller::Io))
        .map(|version| limits::partial(version).to_owned())
        .map_err(|error| limits::group_error(&error));
    findings.push(match Finding::of("max_storage_...", Needed::WhereAsked, storage) {
        found if found.ability == Ability::Ok => {
            Finding { ability: Ability::Partial, cure: Some(STORAGE.to_owned()), ..found }
        }
        found => found,
    });
    findings
}

fn group(engine: &LinuxEngine, id: &ContainerId, controller: Controller, wanted: &Limits) -> Result<String> {
    let failed = |error| limits::group_error(&error);
    let host = Host::detect().map_err(failed)?;
    host.supports(controller).map_err(failed)?;
    let made = host.create(&engine.group_name(id), wanted).map_err(failed)?;
    let above = made.paths().filter_map(Path::parent);
    let places: Vec<String> = above.map(|path| format!("below {}", path.display())).collect();
    made.destroy(PATIENCE).map_err(failed)?;
    Ok(places.join(", "))
}
