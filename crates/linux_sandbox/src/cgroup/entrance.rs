//! The way into a group for a new process.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::{Error, Group, Version};

/// What a new process needs to get into a group. All descriptors are closed on exec.
///
/// 1. Where [`clone_into`](Self::clone_into) is there, hand it to clone3 with `CLONE_INTO_CGROUP` (Linux 5.7): the
///    process is born in the version 2 group.
/// 2. The new process writes [`Entrance::SELF`] into each of [`tasks`](Self::tasks) before anything else. One write
///    call each, nothing to allocate. It must have one thread only: the file moves the thread that writes.
/// 3. Only a process that was not born inside writes [`Entrance::SELF`] into [`procs`](Self::procs), too: it does the
///    same as step 1 and takes milliseconds more.
#[derive(Debug)]
pub struct Entrance {
    /// The directory of the version 2 group, where being born in it is as good as entering it.
    pub clone_into: Option<OwnedFd>,
    /// `tasks` of each version 1 group.
    pub tasks: Vec<OwnedFd>,
    /// `cgroup.procs` of the version 2 group.
    pub procs: Option<OwnedFd>,
}

impl Entrance {
    /// What a process writes to mean itself, whatever its number is in whichever PID namespace.
    pub const SELF: &[u8] = b"0";
}

impl Group {
    /// Opens the way in. It may be opened as often as processes are to enter.
    pub fn entrance(&self) -> Result<Entrance, Error> {
        let mut entrance = Entrance { clone_into: None, tasks: Vec::new(), procs: None };
        for dir in &self.dirs {
            match dir.version {
                // Unlike a write to cgroup.procs, that of the own thread to `tasks` takes no lock on thread groups
                // (kernel/cgroup/cgroup.c, cgroup_procs_write_start; Linux 5.6).
                Version::V1 => entrance.tasks.push(open(&dir.path.join("tasks"), OFlags::WRONLY)?),
                Version::V2 => {
                    if !has_own_processors(&dir.path) {
                        entrance.clone_into = Some(open(&dir.path, OFlags::PATH | OFlags::DIRECTORY)?);
                    }
                    entrance.procs = Some(open(&dir.path.join("cgroup.procs"), OFlags::WRONLY)?);
                }
            }
        }
        Ok(entrance)
    }
}

/// Tells whether a group limits which processors are used. Whoever is born in such a group may use those of its parent on
/// kernels before Linux 6.3 that have not got the mend (kernel/cgroup/cpuset.c, `cpuset_fork`; seen on Debian's 5.10).
fn has_own_processors(group: &Path) -> bool {
    fs::read_to_string(group.join("cpuset.cpus")).is_ok_and(|processors| !processors.trim().is_empty())
}

pub(super) fn open(path: &Path, flags: OFlags) -> Result<OwnedFd, Error> {
    rustix::io::retry_on_intr(|| rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()))
        .map_err(|error| Error::io("open", path, error))
}
