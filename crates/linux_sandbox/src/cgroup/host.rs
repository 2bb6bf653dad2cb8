//! What of control groups is mounted on this host, and where the launcher's own groups are.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::Access;
use serde::Serialize;

use super::systemd::Manager;
use super::{Error, ErrorKind, files, v2};
use crate::mount_line::MountLine;

pub(super) const SELF_CGROUP: &str = "/proc/self/cgroup";

/// One resource that the kernel can limit for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    /// Memory and swap.
    Memory,
    /// Processor time.
    Cpu,
    /// The set of processors.
    Cpuset,
    /// Input and output; version 1 calls it `blkio`.
    Io,
    /// Processes and threads.
    Pids,
}

impl Controller {
    /// All of them, in the order in which groups are made.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Cpu, Self::Cpuset, Self::Io, Self::Pids];

    /// Returns the kernel's name in `version`.
    pub fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Memory, _) => "memory",
            (Self::Cpu, _) => "cpu",
            (Self::Cpuset, _) => "cpuset",
            (Self::Io, Version::V1) => "blkio",
            (Self::Io, Version::V2) => "io",
            (Self::Pids, _) => "pids",
        }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name(Version::V2))
    }
}

/// The two interfaces of the kernel. A hybrid host has both, each controller in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// One hierarchy a controller, or a few controllers.
    V1,
    /// One hierarchy for all.
    V2,
}

/// The control groups of a host as the launcher sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub(super) hierarchies: Vec<Hierarchy>,
}

/// One mounted tree of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub version: Version,
    /// What version 1 mounted here; on version 2 each group says itself what it has.
    pub controllers: Vec<Controller>,
    pub mount_point: PathBuf,
    pub own: Own,
    pub mode: Mode,
}

/// The launcher's own group in a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Own {
    /// Its directory.
    At(PathBuf),
    /// It lies outside of what is mounted; the kernel's name for it.
    Hidden(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    ReadOnly,
    Writable,
}

impl Host {
    /// Reads /proc/self/mountinfo and /proc/self/cgroup. A host without control groups is no error here: it
    /// supports nothing.
    pub fn detect() -> Result<Self, Error> {
        Ok(Self::parse(&files::read_mounts()?, &files::read(Path::new(SELF_CGROUP))?))
    }

    /// Understands the texts of /proc/self/mountinfo and /proc/self/cgroup. Lines that it does not know are others'.
    pub fn parse(mountinfo: &str, cgroup: &str) -> Self {
        // Not `lines`: a group may be called something that ends in a carriage return.
        let own: Vec<OwnLine> = cgroup.split('\n').filter_map(OwnLine::parse).collect();
        let mut hierarchies: Vec<Hierarchy> = Vec::new();
        for hierarchy in
            mountinfo.lines().filter_map(MountLine::parse).filter_map(|line| Hierarchy::new(&line, &own))
        {
            // One hierarchy may be mounted several times: the mount that can be used best is taken, and of
            // equals the first.
            let same =
                |h: &&mut Hierarchy| h.version == hierarchy.version && h.controllers == hierarchy.controllers;
            match hierarchies.iter_mut().find(same) {
                Some(known) if known.rank() < hierarchy.rank() => *known = hierarchy,
                Some(_) => {}
                None => hierarchies.push(hierarchy),
            }
        }
        Self { hierarchies }
    }

    /// Says whether a group that limits `controller` can be made, and in which version; changes nothing. The
    /// error says what is missing and holds the cure. Several controllers of version 2 together may need another
    /// place than each alone, so [`Host::create`] can still fail where each is supported.
    pub fn supports(&self, controller: Controller) -> Result<Version, Error> {
        let hierarchy = self.with(controller)?;
        match hierarchy.manager(&[controller])? {
            Some(manager) => hierarchy.offers(&manager, controller)?,
            None => hierarchy.place(&[controller]).map(|_| ())?,
        }
        Ok(hierarchy.version)
    }

    /// Returns the hierarchy that has `controller`. Version 1 says so when it is mounted, and what is mounted
    /// there is not in version 2.
    pub(super) fn with(&self, controller: Controller) -> Result<&Hierarchy, Error> {
        self.hierarchies
            .iter()
            .find(|h| h.controllers.contains(&controller))
            .or_else(|| self.hierarchies.iter().find(|h| h.version == Version::V2))
            .ok_or_else(|| {
                Error::new(ErrorKind::Absent, "limit", "the sandbox")
                    .of(controller)
                    .because("no control group file system that has it is mounted")
            })
    }
}

impl Hierarchy {
    fn new(line: &MountLine, own: &[OwnLine]) -> Option<Self> {
        let (version, controllers) = match line.kind {
            "cgroup2" => (Version::V2, Vec::new()),
            "cgroup" => (Version::V1, v1_controllers(line.super_options.split(','))),
            _ => return None,
        };
        if version == Version::V1 && controllers.is_empty() {
            return None;
        }
        let own = own.iter().find(|own| own.version == version && own.controllers == controllers)?;
        let mount_point = line.mount_point();
        let read_only = [line.options, line.super_options].iter().any(|o| o.split(',').any(|o| o == "ro"));
        Some(Self {
            version,
            controllers,
            own: own.below(&line.root(), &mount_point),
            mount_point,
            mode: if read_only { Mode::ReadOnly } else { Mode::Writable },
        })
    }

    fn rank(&self) -> (bool, Mode) {
        (matches!(self.own, Own::At(_)), self.mode)
    }

    /// Returns the launcher's own group and the groups above it, nearest first, as far as they are mounted.
    pub(super) fn chain(&self) -> Vec<PathBuf> {
        match &self.own {
            Own::At(own) => {
                own.ancestors().take_while(|p| p.starts_with(&self.mount_point)).map(Path::to_owned).collect()
            }
            Own::Hidden(_) => Vec::new(),
        }
    }

    /// Finds where a group with these controllers can be made; changes nothing.
    pub(super) fn place(&self, controllers: &[Controller]) -> Result<v2::Place, Error> {
        self.find_place(controllers).map_err(|error| match (error.controller(), controllers.first()) {
            (None, Some(first)) => error.of(*first),
            _ => error,
        })
    }

    /// Returns the systemd that is to be asked for a group with these controllers: where it runs, and the launcher's own
    /// group is not delegated yet.
    pub(super) fn manager(&self, controllers: &[Controller]) -> Result<Option<Manager>, Error> {
        if self.version == Version::V1 || self.usable().is_err() {
            return Ok(None);
        }
        match v2::delegated(&self.chain(), controllers)? {
            Some(_) => Ok(None),
            None => Ok(Manager::find()),
        }
    }

    /// Checks that a manager can delegate the controller.
    fn offers(&self, manager: &Manager, controller: Controller) -> Result<(), Error> {
        let group = manager.group().map_err(|error| error.of(controller))?;
        let path = self.mount_point.join(group.trim_start_matches('/'));
        v2::offers(&self.mount_point, &path, controller)
    }

    fn find_place(&self, controllers: &[Controller]) -> Result<v2::Place, Error> {
        let own = self.usable()?;
        match self.version {
            Version::V1 => {
                rustix::fs::access(own, Access::WRITE_OK | Access::EXEC_OK)
                    .map_err(|error| Error::io("make a control group below", own, error))?;
                Ok(v2::Place::ready(own))
            }
            Version::V2 => v2::place(&self.chain(), controllers),
        }
    }

    /// Returns the launcher's own group, where groups can be made near it at all.
    fn usable(&self) -> Result<&Path, Error> {
        let own = match &self.own {
            Own::At(own) => own,
            Own::Hidden(name) => {
                let mount = self.mount_point.display();
                let reason = format!("the launcher's own group {name} is outside of what is mounted there");
                return Err(Error::new(ErrorKind::Absent, "use", mount.to_string()).because(reason));
            }
        };
        if self.mode == Mode::ReadOnly {
            return Err(Error::new(
                ErrorKind::ReadOnly,
                "make a control group below",
                own.display().to_string(),
            )
            .because(format!("{} is mounted read-only", self.mount_point.display())));
        }
        if !own.is_dir() {
            // Listed as mounted, and yet hidden: containers have such a /sys/fs/cgroup.
            let reason = "it is not there, as if something else were mounted over it";
            return Err(Error::new(ErrorKind::Absent, "use", own.display().to_string()).because(reason));
        }
        Ok(own)
    }
}

fn v1_controllers<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<Controller> {
    let has = |c: &Controller| names.clone().any(|name| name == c.name(Version::V1));
    Controller::ALL.into_iter().filter(has).collect()
}

/// A line of /proc/PID/cgroup: `4:memory:/path`, version 2 `0::/path` (cgroups(7)).
struct OwnLine<'a> {
    version: Version,
    controllers: Vec<Controller>,
    group: &'a str,
}

impl<'a> OwnLine<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(3, ':');
        let (id, names, group) = (fields.next()?, fields.next()?, fields.next()?);
        let version = if id == "0" { Version::V2 } else { Version::V1 };
        Some(Self { version, controllers: v1_controllers(names.split(',')), group })
    }

    /// Returns the group's directory, given that the group `root` is mounted at `mount_point`.
    fn below(&self, root: &Path, mount_point: &Path) -> Own {
        // Beyond the root of a cgroup namespace the kernel writes `..`, which leads nowhere in the mount.
        let is_plain = root.components().all(|c| c != Component::ParentDir);
        let is_below = |rest: &Path| rest.components().all(|c| matches!(c, Component::Normal(_)));
        match Path::new(self.group).strip_prefix(root) {
            Ok(rest) if is_plain && is_below(rest) => {
                Own::At(mount_point.components().chain(rest.components()).collect())
            }
            _ => Own::Hidden(self.group.to_owned()),
        }
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
