//! Parts of a sandbox's own root that are mounted in it once more: at another place, or with another access.

use std::iter;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

use crate::attached::while_attached;
use crate::error::{Context, Result};
use crate::stage::{clone_tree, open_inside};

/// A root, and the parts that were asked for, each a detached mount of its own.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) root: OwnedFd,
    /// In the order in which they were named.
    pub(crate) parts: Vec<OwnedFd>,
}

impl Parts {
    /// Takes the parts at `paths` of a detached root.
    pub(crate) fn of(root: OwnedFd, paths: &[&str]) -> Result<Self> {
        // The kernel copies parts of detached mounts since Linux 6.15.
        match copies(&root, paths) {
            Err(error) if Errno::from_io_error(error.io()) == Some(Errno::INVAL) => {
                Self::attached(&root, paths)
            }
            parts => Ok(Self { parts: parts?, root }),
        }
    }

    /// Takes them while the root is attached, with which it goes: a copy takes its place.
    fn attached(root: &OwnedFd, paths: &[&str]) -> Result<Self> {
        let taken = while_attached(iter::once(root), || {
            Ok(Self { parts: copies(root, paths)?, root: clone_tree(root.as_fd(), Path::new("the root"))? })
        });
        taken.context("attach", || "the root")?
    }
}

fn copies(root: &OwnedFd, paths: &[&str]) -> Result<Vec<OwnedFd>> {
    let copy = |path: &&str| {
        let part =
            open_inside(root, path, OFlags::PATH, Mode::empty()).context("open", || format!("/{path}"))?;
        let flags =
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
        open_tree(part, "", flags).context("bind", || format!("/{path}"))
    };
    paths.iter().map(copy).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write as _};

    use rustix::mount::MountAttrFlags;

    use super::*;
    use crate::raw::mount_setattr;
    use crate::skipped::is_root;
    use crate::stage::file_system;

    #[test]
    fn parts_stay_writable_whichever_way_the_kernel_gives_them() {
        if !is_root("parts_stay_writable_whichever_way_the_kernel_gives_them") {
            return;
        }
        type Take = fn(OwnedFd, &[&str]) -> Result<Parts>;
        let ways: [Take; 2] = [Parts::of, |root, paths| Parts::attached(&root, paths)];
        for take in ways {
            let root = file_system("tmpfs", &["mode=755"], MountAttrFlags::empty()).unwrap();
            rustix::fs::mkdirat(&root, "tmp", Mode::RWXU).unwrap();
            let Parts { root, parts } = take(root, &["tmp", "tmp"]).unwrap();
            mount_setattr(&root, MountAttrFlags::MOUNT_ATTR_RDONLY).unwrap();
            let flags = OFlags::CREATE | OFlags::RDWR;
            let open = |base: &OwnedFd, path| open_inside(base, path, flags, Mode::RUSR);
            assert_eq!(open(&root, "tmp/file").unwrap_err(), Errno::ROFS);
            std::fs::File::from(open(&parts[0], "file").unwrap()).write_all(b"text").unwrap();
            let seen = open_inside(&parts[1], "file", OFlags::RDONLY, Mode::empty()).unwrap();
            assert_eq!(io::read_to_string(std::fs::File::from(seen)).unwrap(), "text");
            assert_eq!(take_error(&root), "cannot open /none: No such file or directory (os error 2)");
        }
    }

    fn take_error(root: &OwnedFd) -> String {
        let error = copies(root, &["none"]).unwrap_err();
        format!("{error}: {}", error.io())
    }
}
