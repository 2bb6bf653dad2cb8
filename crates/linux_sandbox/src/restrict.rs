//! What may be done in mounts: mount_setattr(2), and where a kernel before 5.12 or a filter of system calls keeps that
//! back, mount(2), which takes attached mounts alone, one at a time.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::iter;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, StatVfsMountFlags, fstatvfs};
use rustix::mount::{MountAttrFlags, MountFlags, MountPropagationFlags, mount_change, mount_remount};

use crate::attached::while_attached;
use crate::below;
use crate::mount_line::{MountLine, read_mounts};
use crate::raw::{is_kept_back, mount_setattr};
use crate::stage::{copy_tree, open_inside};

/// Sets attributes of a detached mount and of all that are mounted below it, and makes them private: a copy of a shared
/// mount would else share what is mounted on it with the host. Returns the mount, or a copy of it that is so.
///
/// # Errors
/// The system's; mounts below it come or go meanwhile.
pub(crate) fn restrict(tree: OwnedFd, set: MountAttrFlags) -> io::Result<OwnedFd> {
    match mount_setattr(&tree, set) {
        Err(error) if is_kept_back(&error) => one_by_one(&tree, set),
        done => done.map(|()| tree),
    }
}

fn one_by_one(tree: &OwnedFd, set: MountAttrFlags) -> io::Result<OwnedFd> {
    while_attached(iter::once(tree), || {
        mount_change(name_of(tree), MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        remount_all(tree, set)?;
        Ok(copy_tree(tree)?)
    })?
}

fn remount_all(tree: &OwnedFd, set: MountAttrFlags) -> io::Result<()> {
    let mountinfo = read_mounts()?;
    let top = mount_id(tree)?;
    remount(tree, set)?;
    for line in seen_below(&mountinfo.lines().filter_map(MountLine::parse).collect::<Vec<_>>(), top) {
        let path = line.mount_point();
        let mount = open_inside(tree, path.strip_prefix("/").unwrap_or(&path), OFlags::PATH, Mode::empty())?;
        if mount_id(&mount)? != line.id {
            return Err(io::Error::other(format!("what is mounted at {} changes", path.display())));
        }
        remount(&mount, set)?;
    }
    Ok(())
}

/// Returns the mounts below the mount `top`, without those that others hide.
fn seen_below<'a>(lines: &[MountLine<'a>], top: u64) -> Vec<MountLine<'a>> {
    let parents: BTreeMap<u64, u64> = lines.iter().map(|line| (line.id, line.parent)).collect();
    let is_below = |line: &MountLine<'_>| {
        let above = iter::successors(Some(&line.parent), |id| parents.get(id));
        // The first mount of all may be its own parent.
        above.take(lines.len()).any(|id| *id == top)
    };
    let is_hidden = |line: &MountLine<'_>| {
        lines.iter().any(|other| other.parent == line.id && other.mount_point() == line.mount_point())
    };
    lines.iter().filter(|line| is_below(line) && !is_hidden(line)).copied().collect()
}

/// Returns the number of the mount that an opened file lies in (statx(2) tells it only since Linux 5.8).
fn mount_id(opened: &OwnedFd) -> io::Result<u64> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", opened.as_raw_fd()))?;
    let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
    id.ok_or_else(|| io::Error::other("/proc/self/fdinfo does not tell its mount"))
}

fn name_of(opened: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", opened.as_raw_fd())
}

/// `MS_NOSYMFOLLOW` of linux/mount.h.
const NO_SYMFOLLOW: MountFlags = MountFlags::from_bits_retain(0x100);

/// Sets attributes of an attached mount beside those that it has.
fn remount(mount: &OwnedFd, set: MountAttrFlags) -> io::Result<()> {
    let has = fstatvfs(mount)?.f_flag;
    let kept = [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::from_bits_retain(below::NO_LINKS.into()), NO_SYMFOLLOW),
    ];
    let kept = kept.into_iter().filter(|(there, _)| has.contains(*there)).map(|(_, flag)| flag);
    let flags = kept.fold(flags_of(set), MountFlags::union);
    Ok(mount_remount(name_of(mount), flags, c"")?)
}

/// Returns what mount(2) calls these; when it was last read is noted as before, where nothing is said of that.
fn flags_of(set: MountAttrFlags) -> MountFlags {
    let names = [
        (MountAttrFlags::MOUNT_ATTR_RDONLY, MountFlags::RDONLY),
        (MountAttrFlags::MOUNT_ATTR_NOSUID, MountFlags::NOSUID),
        (MountAttrFlags::MOUNT_ATTR_NODEV, MountFlags::NODEV),
        (MountAttrFlags::MOUNT_ATTR_NOEXEC, MountFlags::NOEXEC),
    ];
    let named = names.into_iter().filter(|(attribute, _)| set.contains(*attribute)).map(|(_, flag)| flag);
    named.fold(MountFlags::BIND, MountFlags::union)
}

/// What holds for a sandbox's root.
const SEALED: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_RDONLY
    .union(MountAttrFlags::MOUNT_ATTR_NOSUID)
    .union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// Who makes a sandbox's root read-only. A copy could not take its place: mount points in it are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seal {
    /// It is.
    Done,
    /// pid 1, where it is attached.
    Left,
}

/// Makes a detached root read-only, where that can be done before it is attached.
pub(crate) fn seal(root: &OwnedFd) -> io::Result<Seal> {
    match patiently(|| mount_setattr(root, SEALED)) {
        Err(error) if is_kept_back(&error) => Ok(Seal::Left),
        done => done.map(|()| Seal::Done),
    }
}

/// Makes the root of this process's mounts read-only; allocates nothing.
pub(crate) fn seal_own_root() -> io::Result<()> {
    patiently(|| Ok(mount_remount(c"/", flags_of(SEALED), c"")?))
}

/// The kernel makes nothing read-only while a file in it is open for writing: ours are closed, but a process that another
/// thread made meanwhile has copies of them, until it closes them or executes its program.
fn patiently(work: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_micros(200));
            }
            done => return done,
        }
    }
}

#[cfg(test)]
#[path = "restrict_tests.rs"]
mod tests;
