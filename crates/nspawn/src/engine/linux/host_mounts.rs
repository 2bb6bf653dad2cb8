//! What is mounted in a directory of the host.

use std::path::{Path, PathBuf};

use linux_sandbox::{MOUNTS, MountLine, read_mounts};

use crate::error::{Error, ErrorKind, Result};

/// File systems that are a view of the kernel or of its devices. What one of them lets a process do it decides by the
/// process's number, not by its namespaces; and the host's `/proc` leads to the host's processes.
const KERNELS: [&str; 22] = [
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "resctrl",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// Checks that a directory, the value of `key`, has nothing of the kernel's in it and lies in nothing of it. Only root
/// can mount such a thing there between this look and the mapping.
///
/// # Errors
/// `InvalidSpec` where it has; the host's, where that cannot be known.
pub(super) fn check(key: &str, directory: &Path) -> Result<()> {
    let mounts = read_mounts().map_err(|error| Error::io("read", MOUNTS, error))?;
    let Some(found) = kernels_in(&mounts, directory) else { return Ok(()) };
    Err(Error::new(ErrorKind::InvalidSpec, "map", format!("{key} {}", directory.display()))
        .reason(format!("a file system of type {} is mounted at {}", found.kind, found.place.display()))
        .with_hint("unmount it, or map a directory that holds nothing of the kernel's"))
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mounted {
    pub(super) place: PathBuf,
    pub(super) kind: String,
}

pub(super) fn kernels_in(mounts: &str, directory: &Path) -> Option<Mounted> {
    let mounted = |line: MountLine<'_>| Mounted { place: line.mount_point(), kind: line.kind.to_owned() };
    let mounts: Vec<Mounted> = mounts.lines().filter_map(MountLine::parse).map(mounted).collect();
    let around = mounts.iter().filter(|mount| directory.starts_with(&mount.place));
    // The last of several at one place is the one that is seen.
    let around = around.max_by_key(|mount| mount.place.components().count());
    let below = mounts.iter().filter(|mount| mount.place.starts_with(directory));
    around.into_iter().chain(below).find(|mount| KERNELS.contains(&mount.kind.as_str())).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
        23 22 0:21 / /proc rw shared:5 - proc proc rw\n\
        40 22 0:40 / /srv/my\\040root/proc rw - proc none rw\n\
        41 22 0:41 / /srv/data rw - tmpfs none rw\n\
        42 22 0:42 / /srv/twice rw - sysfs none rw\n\
        43 42 0:43 / /srv/twice rw - ext4 none rw\n\
        half a line\n";

    #[test]
    fn the_kernel_s_are_found_in_and_around_a_directory() {
        for (directory, place) in [
            ("/srv", Some("/srv/my root/proc")),
            ("/srv/my root", Some("/srv/my root/proc")),
            ("/srv/my root/proc", Some("/srv/my root/proc")),
            ("/srv/my root/proc/sys/kernel", Some("/srv/my root/proc")),
            ("/proc/sys", Some("/proc")),
            ("/srv/my root/procession", None),
            ("/srv/my", None),
            ("/srv/data/x", None),
            ("/home", None),
            // The one below is still there for whoever unmounts the other.
            ("/srv/twice", Some("/srv/twice")),
            ("/srv/twice/x", None),
        ] {
            let found = kernels_in(MOUNTS, Path::new(directory));
            assert_eq!(found.map(|mount| mount.place), place.map(PathBuf::from), "{directory}");
        }
    }
}
