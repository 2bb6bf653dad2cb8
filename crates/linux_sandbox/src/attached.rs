//! What older kernels do only with mounts that are attached somewhere: done in mounts of a thread's own, which go with it.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;

use rustix::fs::{CWD, FileType, fstat};
use rustix::mount::{MountPropagationFlags, MoveMountFlags, mount_change, move_mount};

use crate::raw;

/// Runs `work` while detached `trees` are attached; then they are gone. What it returns outlives them: copies, and what
/// was mounted of them.
pub(crate) fn while_attached<'a, T: Send>(
    trees: impl Iterator<Item = &'a OwnedFd> + Send,
    work: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    let attached = || -> io::Result<T> {
        raw::unshare(libc::CLONE_NEWNS | libc::CLONE_FS)?;
        mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        for tree in trees {
            // On what every host has, one over the other: nothing looks there.
            let place = match FileType::from_raw_mode(fstat(tree)?.st_mode) {
                FileType::Directory => c"/",
                _ => c"/proc/version",
            };
            move_mount(tree, c"", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        }
        Ok(work())
    };
    let done = thread::scope(|scope| scope.spawn(attached).join());
    done.unwrap_or_else(|_| Err(io::Error::other("the thread that attaches it ended")))
}
