//! Ending every process of a group.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::group::first_error;
use super::{Error, Version, files};

/// A tree of processes that grows while it is killed is read again this often at most.
const PASSES: usize = 100;
/// So many descriptors are open at once at most, as the caller may have few.
const BATCH: usize = 8;

/// Sends SIGKILL to every process in the group at `path` and below.
pub(super) fn kill(path: &Path, version: Version) -> Result<(), Error> {
    if version == Version::V1 {
        return signal_tree(path);
    }
    let file = path.join("cgroup.kill");
    match files::write(&file, "1") {
        Ok(()) => Ok(()),
        Err(error) if is_gone(&error) && !path.exists() => Ok(()),
        // Before Linux 5.14: hold the group, so that nothing is born while its members are counted.
        Err(error) if is_gone(&error) => {
            let freeze = path.join("cgroup.freeze");
            let frozen = files::write(&freeze, "1");
            let signalled = signal_tree(path);
            if frozen.is_ok() {
                files::write(&freeze, "0").map_err(|error| Error::io("thaw", &freeze, error))?;
            }
            signalled
        }
        Err(error) => Err(Error::io("write", &file, error)),
    }
}

fn is_gone(error: &io::Error) -> bool {
    // ENODEV: the group was removed while its file was open.
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::NODEV.raw_os_error())
}

/// Signals the members until a pass finds none that has not been signalled yet.
fn signal_tree(path: &Path) -> Result<(), Error> {
    let mut signalled = BTreeSet::new();
    for _ in 0..PASSES {
        let mut groups = Vec::new();
        tree(path, &mut groups)?;
        let before = signalled.len();
        first_error(groups.iter().map(|group| signal_members(group, &mut signalled)))?;
        if signalled.len() == before {
            break;
        }
    }
    Ok(())
}

fn tree(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    found.push(path.to_owned());
    files::children(path)?.iter().try_for_each(|child| tree(child, found))
}

fn signal_members(group: &Path, signalled: &mut BTreeSet<i32>) -> Result<(), Error> {
    let fresh: Vec<Pid> = members(group)?
        .into_iter()
        .filter(|pid| !signalled.contains(pid))
        .filter_map(Pid::from_raw)
        .collect();
    for batch in fresh.chunks(BATCH) {
        let mut handles = Vec::new();
        for &pid in batch {
            match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(handle) => handles.push((pid, handle)),
                Err(Errno::SRCH) => {}
                Err(error) => return Err(Error::io("open a process of", group, error)),
            }
        }
        // A number may have passed to a stranger between the list and the descriptor. If it is still listed now,
        // the descriptor means a member, or a process that has ended.
        let now = members(group)?;
        for (pid, handle) in handles.iter().filter(|(pid, _)| now.contains(&pid.as_raw_pid())) {
            signalled.insert(pid.as_raw_pid());
            match pidfd_send_signal(handle, Signal::KILL) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => return Err(Error::io("kill a process of", group, error)),
            }
        }
    }
    Ok(())
}

/// Returns the group's processes; those outside of the caller's PID namespace have number 0 and are left out.
fn members(group: &Path) -> Result<Vec<i32>, Error> {
    let file = group.join("cgroup.procs");
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|&pid| pid > 0).collect()),
        Err(error) if is_gone(&error) => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", &file, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command};

    /// Makes a group of plain files with one real process in it.
    fn group(dir: &Path) -> Child {
        let child = Command::new("sleep").arg("100").spawn().expect("sleep runs");
        // 0 is a process of another PID namespace; the last one's number is beyond all that there can be.
        fs::write(dir.join("cgroup.procs"), format!("0\n{}\n2147483647\n", child.id())).expect("a file");
        child
    }

    #[test]
    fn without_cgroup_kill_the_group_is_frozen_signalled_and_thawed() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut child = group(dir.path());
        fs::write(dir.path().join("cgroup.freeze"), "").expect("a file");
        kill(dir.path(), Version::V2).expect("killed");
        assert_eq!(child.wait().expect("it ends").signal(), Some(9));
        assert_eq!(fs::read_to_string(dir.path().join("cgroup.freeze")).expect("a file"), "0");
    }

    #[test]
    fn groups_below_are_killed_too() {
        let dir = tempfile::tempdir().expect("a directory");
        let below = dir.path().join("a/b");
        fs::create_dir_all(&below).expect("directories");
        let mut child = group(&below);
        kill(dir.path(), Version::V1).expect("killed");
        assert_eq!(child.wait().expect("it ends").signal(), Some(9));
    }

    #[test]
    fn what_is_gone_needs_no_kill() {
        for version in [Version::V1, Version::V2] {
            kill(Path::new("/sys/fs/cgroup/nspawn_not_there"), version).expect("nothing to kill");
        }
    }
}
