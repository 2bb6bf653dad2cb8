//! What of /proc the sandbox does not see.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Stat};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, makedev, openat, statat};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::error::{Context, Error, Result};
use crate::restrict::restrict;
use crate::stage::{NODE_ONLY, clone_tree, file_system};

/// What /proc tells of the host and its devices, beyond processes and what programs ask for. The same list as docker's,
/// as far as this is not read-only or gone from kernels.
const MASKED: [&CStr; 9] = [
    c"acpi",
    c"asound",
    c"interrupts",
    c"kcore",
    c"keys",
    c"latency_stats",
    c"sched_debug",
    c"scsi",
    c"timer_list",
];

/// Nothing, detached, to be put over an entry of /proc.
#[derive(Debug)]
pub(crate) struct Mask {
    pub(crate) name: &'static CStr,
    pub(crate) mount: OwnedFd,
}

/// Makes a mask for everything that this kernel's /proc has of the list: for a directory one that is empty, for a file
/// the null device.
///
/// # Errors
/// The host has no null device, or refuses the mounts.
pub(crate) fn masks() -> Result<Vec<Mask>> {
    let above = openat(CWD, c"/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .context("open", || "/proc")?;
    let null = openat(CWD, c"/dev/null", OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .context("open", || "/dev/null")?;
    if !is_null(&fstat(&null).context("inspect", || "/dev/null")?) {
        return Err(Error::new("use", "/dev/null", std::io::Error::other("is not the null device")));
    }
    let mut masks = Vec::new();
    for name in MASKED {
        let stat = match statat(&above, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => continue,
            stat => stat.context("inspect", || format!("/proc/{}", name.to_string_lossy()))?,
        };
        let mount = if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let read_only = MountAttrFlags::MOUNT_ATTR_RDONLY
                | MountAttrFlags::MOUNT_ATTR_NOSUID
                | MountAttrFlags::MOUNT_ATTR_NODEV;
            file_system("tmpfs", &["size=4k", "mode=555"], read_only)?
        } else {
            let mount = clone_tree(null.as_fd(), Path::new("/dev/null"))?;
            restrict(mount, NODE_ONLY).context("restrict", || "/dev/null")?
        };
        masks.push(Mask { name, mount });
    }
    Ok(masks)
}

fn is_null(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == makedev(1, 3)
}
