use std::path::Path;

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, move_mount};

use super::*;
use crate::raw;
use crate::skipped::is_root;
use crate::stage::file_system;

const WRITE: OFlags = OFlags::WRONLY.union(OFlags::CREATE);
const NO_PROGRAMS: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

fn mount_at(place: &Path, kept: MountAttrFlags) {
    let made = file_system("tmpfs", &[], kept).unwrap();
    move_mount(made, c"", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).unwrap();
}

fn has(opened: &OwnedFd, flags: StatVfsMountFlags) -> bool {
    fstatvfs(opened).unwrap().f_flag.contains(flags)
}

/// Mounts in a directory, one over another, and copies of all that, in mounts of this thread's own.
fn trees(place: &Path) -> [OwnedFd; 2] {
    raw::unshare(libc::CLONE_NEWNS | libc::CLONE_FS).unwrap();
    mount_change(c"/", MountPropagationFlags::SHARED | MountPropagationFlags::REC).unwrap();
    mount_at(place, MountAttrFlags::empty());
    for (below, kept) in [
        ("a", MountAttrFlags::empty()),
        ("a/b c\\d", NO_PROGRAMS),
        ("a/over", MountAttrFlags::empty()),
        ("a/over", MountAttrFlags::empty()),
        ("a/over/in", MountAttrFlags::empty()),
    ] {
        let _ = fs::create_dir(place.join(below));
        mount_at(&place.join(below), kept);
    }
    fs::create_dir(place.join("a/over/in/plain")).unwrap();
    let top = rustix::fs::open(place, OFlags::PATH, Mode::empty()).unwrap();
    [copy_tree(&top).unwrap(), copy_tree(&top).unwrap()]
}

#[test]
fn every_mount_below_is_restricted_whichever_way_the_kernel_has() {
    if !is_root("every_mount_below_is_restricted_whichever_way_the_kernel_has") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let ways: [fn(OwnedFd, MountAttrFlags) -> io::Result<OwnedFd>; 2] =
        [restrict, |tree, set| one_by_one(&tree, set)];
    for (way, tree) in ways.into_iter().zip(trees(place.path())) {
        let tree = way(tree, SEALED).unwrap();
        for path in [".", "a", "a/b c\\d", "a/over", "a/over/in", "a/over/in/plain"] {
            let opened = open_inside(&tree, path, OFlags::PATH, Mode::empty()).unwrap();
            assert!(
                has(
                    &opened,
                    StatVfsMountFlags::RDONLY | StatVfsMountFlags::NOSUID | StatVfsMountFlags::NODEV
                ),
                "{path}"
            );
            assert_eq!(open_inside(&opened, "new", WRITE, Mode::RUSR).unwrap_err(), Errno::ROFS, "{path}");
            assert_eq!(has(&opened, StatVfsMountFlags::NOEXEC), path == "a/b c\\d", "{path}");
        }
        // What is mounted on what it is a copy of does not show.
        mount_at(&place.path().join("a/over/in/plain"), MountAttrFlags::empty());
        let below = open_inside(&tree, "a/over/in/plain", OFlags::PATH, Mode::empty()).unwrap();
        assert!(has(&below, StatVfsMountFlags::RDONLY));
        rustix::mount::unmount(place.path().join("a/over/in/plain"), rustix::mount::UnmountFlags::DETACH)
            .unwrap();
    }
    // A file, as devices are.
    let null = rustix::fs::open("/dev/null", OFlags::PATH, Mode::empty()).unwrap();
    let device = one_by_one(&copy_tree(&null).unwrap(), NO_PROGRAMS).unwrap();
    assert!(has(&device, StatVfsMountFlags::NOSUID | StatVfsMountFlags::NOEXEC));
}

#[test]
fn mounts_that_can_be_seen_below_another_are_found() {
    let line = |id: u32, parent: u32, place: &str| format!("{id} {parent} 0:1 / {place} rw - tmpfs none rw");
    let lines = [
        line(9, 5, "/a/deep"),
        line(1, 0, "/"),
        line(2, 1, "/proc"),
        line(3, 1, "/"),
        line(4, 3, "/a"),
        line(5, 4, "/a"),
        line(6, 3, "/b\\040c"),
        line(7, 2, "/proc/x"),
    ];
    let lines: Vec<MountLine<'_>> = lines.iter().filter_map(|line| MountLine::parse(line)).collect();
    let ids = |top| seen_below(&lines, top).iter().map(|line| line.id).collect::<Vec<_>>();
    assert_eq!(ids(3), [9, 5, 6]);
    assert_eq!(ids(2), [7]);
    assert!(ids(9).is_empty());
}
