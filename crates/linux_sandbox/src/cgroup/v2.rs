//! Version 2: where a group can be made, what must be switched on there, and what is written into its files
//! (kernel documentation, admin-guide/cgroup-v2).
//!
//! A group has a controller only when its parent passes it on (`cgroup.subtree_control`), and a group other than
//! the hierarchy's root passes nothing on while it has processes of its own. The launcher's own group has one: the
//! launcher. So a sandbox goes
//!
//! 1. below it, where it was delegated (systemd's `Delegate=yes`) and has no other process: what is in there is ours
//!    to arrange, and nobody else changes it. The launcher moves down, into `launcher`;
//! 2. else, where systemd runs, below a scope that it is asked for (module `systemd` says why);
//! 3. else beside it: to the nearest group, upward from the launcher's own, that already passes on all that is needed,
//!    where the caller may make groups: nothing of the host's is changed;
//! 4. else to the nearest one that has the controllers, no processes (or is the root), and that the caller may change:
//!    the controllers are switched on in it, and stay on.
//!
//! Elsewhere the launcher is never moved: who started it (systemd, a container engine) expects it where it is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;

use super::files::{self, Setting};
use super::limits::Rate;
use super::systemd::{is_booted, is_own_scope};
use super::v1::check_cpus;
use super::{Controller, Error, ErrorKind, Limits, Version};

/// The group in a delegated one that the launcher moves to.
const LAUNCHER: &str = "launcher";

/// What gives a plain user a group to make others in.
const DELEGATE_BY_SYSTEMD: &str =
    "run as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes";
const DELEGATE: &str = "run as root, or have root give you the group above the launcher's: its directory, its \
                        cgroup.procs and its cgroup.subtree_control";

/// Where a new group goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub parent: PathBuf,
    /// What `parent` has to pass on and does not yet.
    pub enable: Vec<Controller>,
    /// The group in `parent` that the launcher, its only process, has to move to before.
    pub leave_for: Option<PathBuf>,
}

impl Place {
    pub(super) fn ready(parent: &Path) -> Self {
        Self { parent: parent.to_owned(), enable: Vec::new(), leave_for: None }
    }
}

/// Finds the place in a group that was delegated to the launcher, if it was. Changes nothing.
pub(super) fn delegated(chain: &[PathBuf], wanted: &[Controller]) -> Result<Option<Place>, Error> {
    // The launcher may have moved down before.
    let moved = chain.first().is_some_and(|own| own.ends_with(LAUNCHER));
    let own = chain.get(usize::from(moved)).map(|path| Level::read(path)).transpose()?;
    Ok(own.and_then(|own| own.below(wanted)))
}

/// Finds the place for a group with the `wanted` controllers along `chain`: the launcher's own group, then those
/// above it. Changes nothing.
pub(super) fn place(chain: &[PathBuf], wanted: &[Controller]) -> Result<Place, Error> {
    if let Some(below) = delegated(chain, wanted)? {
        return Ok(below);
    }
    let levels = chain.iter().map(|path| Level::read(path)).collect::<Result<Vec<_>, _>>()?;
    let ready = levels.iter().find(|level| level.obstacle(&[], wanted).is_none());
    let chosen = ready.map(|level| (level, Vec::new())).or_else(|| {
        levels
            .iter()
            .map(|level| (level, level.missing(wanted)))
            .find(|(level, missing)| !missing.is_empty() && level.obstacle(missing, wanted).is_none())
    });
    match chosen {
        Some((level, enable)) => Ok(Place { enable, ..Place::ready(&level.path) }),
        None => Err(explain(&levels, wanted)),
    }
}

/// Switches the missing controllers on in the place, which the launcher leaves where it is in the way.
pub(super) fn enable(place: &Place) -> Result<(), Error> {
    if let Some(group) = &place.leave_for {
        match files::make(group) {
            Err(error) if error.kind() != ErrorKind::Exists => return Err(error),
            _ => {}
        }
        let procs = group.join("cgroup.procs");
        files::write(&procs, "0").map_err(|error| Error::io("move the launcher by", &procs, error))?;
    }
    let Some(&first) = place.enable.first() else { return Ok(()) };
    let text: Vec<String> = place.enable.iter().map(|c| format!("+{}", c.name(Version::V2))).collect();
    let path = place.parent.join("cgroup.subtree_control");
    files::write(&path, &text.join(" ")).map_err(|error| {
        let error = Error::io("enable controllers in", &path, error).of(first);
        // EBUSY: a process has entered the group since it was looked at.
        if error.kind() == ErrorKind::Busy { error.with_kind(ErrorKind::Occupied) } else { error }
    })
}

/// A group that may become the parent of a sandbox's.
struct Level {
    path: PathBuf,
    available: Vec<Controller>,
    passed_on: Vec<Controller>,
    role: Role,
    /// Whether the caller may make groups in it and move processes below it.
    entry: Result<(), Errno>,
    /// Whether the caller may change what it passes on.
    control: Result<(), Errno>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The hierarchy's root, where processes do not matter.
    Root,
    Free,
    /// Delegated, with the launcher as its only process.
    Ours,
    /// Delegated, with processes in groups below only.
    Left,
    Occupied,
    /// Part of a threaded subtree, which cannot hold memory and io.
    Threaded,
}

/// Why a group cannot be the parent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    Lacks(Controller),
    Threaded,
    Occupied,
    Access(Errno),
}

impl Level {
    fn read(path: &Path) -> Result<Self, Error> {
        let control = path.join("cgroup.subtree_control");
        let processes = files::read(&path.join("cgroup.procs"))?;
        let role = match std::fs::read_to_string(path.join("cgroup.type")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Role::Root,
            Err(error) => return Err(Error::io("read", &path.join("cgroup.type"), error)),
            Ok(kind) if kind.trim_end() != "domain" => Role::Threaded,
            Ok(_) if processes.is_empty() && is_delegated(path) => Role::Left,
            Ok(_) if processes.is_empty() => Role::Free,
            Ok(_) if processes.trim_end() == std::process::id().to_string() && is_delegated(path) => {
                Role::Ours
            }
            Ok(_) => Role::Occupied,
        };
        // Who moves a process has to be allowed to write the cgroup.procs of the nearest group above both its old
        // and its new place: that is this one, since it is above the launcher's own.
        let entry = rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK)
            .and_then(|()| rustix::fs::access(path.join("cgroup.procs"), Access::WRITE_OK));
        Ok(Self {
            available: names(&files::read(&path.join("cgroup.controllers"))?),
            passed_on: names(&files::read(&control)?),
            role,
            entry,
            control: rustix::fs::access(&control, Access::WRITE_OK),
            path: path.to_owned(),
        })
    }

    /// Returns the place below the launcher's own group, where that is ours to arrange.
    fn below(&self, wanted: &[Controller]) -> Option<Place> {
        let missing = self.missing(wanted);
        let has_all = missing.iter().all(|controller| self.available.contains(controller));
        let may = self.entry.and(self.control).is_ok();
        let leave_for = match self.role {
            Role::Ours => Some(self.path.join(LAUNCHER)),
            Role::Left => None,
            _ => return None,
        };
        (has_all && may).then(|| Place { enable: missing, leave_for, parent: self.path.clone() })
    }

    fn missing(&self, wanted: &[Controller]) -> Vec<Controller> {
        wanted.iter().copied().filter(|controller| !self.passed_on.contains(controller)).collect()
    }

    /// Says what forbids a group with the `wanted` controllers here once those in `enable` are switched on.
    fn obstacle(&self, enable: &[Controller], wanted: &[Controller]) -> Option<Obstacle> {
        let lacking = |c: &&Controller| {
            let has = if enable.contains(c) { &self.available } else { &self.passed_on };
            !has.contains(c)
        };
        if let Some(controller) = wanted.iter().find(lacking) {
            return Some(Obstacle::Lacks(*controller));
        }
        if self.role == Role::Threaded {
            return Some(Obstacle::Threaded);
        }
        if matches!(self.role, Role::Occupied | Role::Ours) && !enable.is_empty() {
            return Some(Obstacle::Occupied);
        }
        let access = if enable.is_empty() { self.entry } else { self.entry.and(self.control) };
        access.err().map(Obstacle::Access)
    }
}

/// Tells whether systemd has left the group to who runs in it: it says so in an attribute of the directory, which is
/// the second one for groups of plain users (systemd's CGROUP_DELEGATION document). A plain user's own systemd says
/// nothing (seen with 252): there it is the scope that was asked for.
fn is_delegated(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    is_own_scope(name, std::process::id()) || has_delegation(path)
}

fn has_delegation(path: &Path) -> bool {
    ["trusted.delegate", "user.delegate"].iter().any(|name| {
        let mut value = [0; 8];
        rustix::fs::getxattr(path, *name, &mut value).is_ok_and(|length| value[..length] == *b"1")
    })
}

pub(super) fn names(text: &str) -> Vec<Controller> {
    let has = |c: &Controller| text.split_ascii_whitespace().any(|name| name == c.name(Version::V2));
    Controller::ALL.into_iter().filter(has).collect()
}

/// Names the obstacle that is easiest to clear: missing rights, then processes in the way, then an absent controller.
fn explain(levels: &[Level], wanted: &[Controller]) -> Error {
    let obstacles: Vec<(&Path, Obstacle)> = levels
        .iter()
        .filter_map(|level| Some((&*level.path, level.obstacle(&level.missing(wanted), wanted)?)))
        .collect();
    let first = |which: fn(&Obstacle) -> bool| obstacles.iter().find(|(_, obstacle)| which(obstacle));
    let found = first(|o| matches!(o, Obstacle::Access(_)))
        .or_else(|| first(|o| matches!(o, Obstacle::Occupied)))
        .or_else(|| first(|o| matches!(o, Obstacle::Threaded)))
        .or_else(|| obstacles.last());
    let below = "make a control group below";
    match found {
        Some((path, Obstacle::Access(error))) => {
            let cure = if is_booted() { DELEGATE_BY_SYSTEMD } else { DELEGATE };
            Error::io(below, path, *error).cured_by(cure)
        }
        Some((path, Obstacle::Occupied)) => {
            Error::new(ErrorKind::Occupied, below, path.display().to_string())
                .because("it has processes of its own, and so cannot pass controllers on")
        }
        Some((path, Obstacle::Threaded)) => {
            Error::new(ErrorKind::Occupied, below, path.display().to_string())
                .because("it is part of a threaded subtree")
        }
        Some((path, Obstacle::Lacks(controller))) => lacks(path, *controller),
        None => Error::new(ErrorKind::Absent, "find", "the launcher's own control group")
            .because("none is mounted"),
    }
}

/// Checks that a systemd with this group can pass the controller on; `top` is where the hierarchy is mounted.
pub(super) fn offers(top: &Path, group: &Path, controller: Controller) -> Result<(), Error> {
    let has = |path: &Path| {
        Ok::<_, Error>(names(&files::read(&path.join("cgroup.controllers"))?).contains(&controller))
    };
    match (has(group)?, has(top)?) {
        (true, _) => Ok(()),
        (false, true) => Err(lacks(group, controller).with_kind(ErrorKind::Undelegated)),
        (false, false) => Err(lacks(group, controller)),
    }
}

/// Makes the error of a group that does not have the controller.
fn lacks(path: &Path, controller: Controller) -> Error {
    Error::new(ErrorKind::Absent, "make a control group below", path.display().to_string())
        .of(controller)
        .because("its cgroup.controllers does not have it")
}

/// Returns what a group below `parent` needs in its files, for these controllers.
pub(super) fn settings(
    controllers: &[Controller],
    limits: &Limits,
    parent: &Path,
) -> Result<Vec<Setting>, Error> {
    let mut settings = Vec::new();
    for &controller in controllers {
        match controller {
            Controller::Memory => settings.extend(memory(limits)),
            Controller::Cpu => settings.extend(limits.cpu.map(|quota| {
                Setting::new(controller, "cpu.max", format!("{} {}", quota.quota_us(), quota.period_us()))
            })),
            Controller::Cpuset => {
                if let Some(cpus) = &limits.cpus {
                    check_cpus(cpus, &parent.join("cpuset.cpus.effective"))?;
                    settings.push(Setting::new(controller, "cpuset.cpus", cpus));
                }
            }
            Controller::Io => settings.extend(io(limits)),
            Controller::Pids => {
                settings.extend(limits.processes.map(|n| Setting::new(controller, "pids.max", n)));
            }
        }
    }
    Ok(settings)
}

/// Bounds memory, allows no swap, and has the kernel kill the whole group rather than its largest process. The
/// sandbox's pid 1 goes with it where it is inside, unless its oom_score_adj is -1000.
fn memory(limits: &Limits) -> Vec<Setting> {
    limits.memory.map_or_else(Vec::new, |bytes| {
        vec![
            Setting::new(Controller::Memory, "memory.max", bytes.0),
            Setting::where_present(Controller::Memory, "memory.swap.max", 0),
            Setting::where_present(Controller::Memory, "memory.oom.group", 1),
        ]
    })
}

fn io(limits: &Limits) -> Vec<Setting> {
    let one = |limit: &super::IoLimit| {
        let mut text = limit.device.to_string();
        let mut direction = |rate: &Rate, bytes: &str, operations: &str| {
            text.extend(rate.bytes_per_second.map(|n| format!(" {bytes}={n}")));
            text.extend(rate.operations().map(|n| format!(" {operations}={n}")));
        };
        direction(&limit.read, "rbps", "riops");
        direction(&limit.write, "wbps", "wiops");
        text
    };
    limits
        .io
        .iter()
        .filter(|limit| limit.is_limiting())
        .map(|l| Setting::new(Controller::Io, "io.max", one(l)))
        .collect()
}

#[cfg(test)]
#[path = "v2_tests.rs"]
mod tests;
