//! What hosts lack, one thing each, and what comes of a start there.

use crate::case::Case;
use crate::launcher::programs::Target;
use crate::launcher::who::Who;

/// A host that lacks something.
pub struct Lack {
    pub name: &'static str,
    /// A shell script that root runs in mounts of the launcher's own: `$place` and `$root` are known.
    pub preparation: &'static str,
    pub kernel: Kernel,
    /// What the config has besides.
    pub config: &'static str,
    /// Whom it is tried for; `None`: for all.
    pub only: (Option<Target>, Option<Who>),
    pub comes: Comes,
}

/// What the kernel lacks.
#[derive(Clone, Copy)]
pub enum Kernel {
    /// Nothing.
    Whole,
    /// Calls that fail, by their numbers or `NUMBER:FIRST ARGUMENT`, and how.
    Calls(&'static [(&'static str, i32)]),
    /// More user namespaces than the one that the launcher is root of.
    UserNamespaces,
    /// Overlayfs.
    Overlays,
}

/// What comes of a start.
#[derive(Clone, Copy)]
pub enum Comes {
    /// An error with these texts, before anything runs.
    Refused(&'static [&'static str]),
    /// The program runs, with all walls.
    Runs,
    /// The program runs, with all walls but for what the report says.
    RunsAndTells(&'static str),
}

impl Lack {
    /// Tells whether it is tried there.
    pub fn is_for(&self, case: Case) -> bool {
        self.only.0.is_none_or(|target| target == case.target)
            && self.only.1.is_none_or(|who| who == case.who)
    }
}

const EPERM: i32 = 1;
const EINVAL: i32 = 22;
const ENODEV: i32 = 19;
const ENOSYS: i32 = 38;

const fn lack(name: &'static str, preparation: &'static str, comes: Comes) -> Lack {
    Lack { name, preparation, kernel: Kernel::Whole, config: "{}", only: (None, None), comes }
}

/// A kernel on which these calls fail.
const fn kernel(name: &'static str, calls: &'static [(&'static str, i32)], comes: Comes) -> Lack {
    Lack { kernel: Kernel::Calls(calls), ..lack(name, "", comes) }
}

use Comes::{Refused, Runs, RunsAndTells};

const NATIVE: (Option<Target>, Option<Who>) = (Some(Target::Native), None);
const WINDOWS: (Option<Target>, Option<Who>) = (Some(Target::Windows), None);

macro_rules! on_overlay {
    () => {
        "mkdir $place/up $place/wk; chown --reference=$place/work $place/up
         mount -t overlay -o lowerdir=$place/work,upperdir=$place/up,workdir=$place/wk none $place/work"
    };
}

pub const TABLE: &[Lack] = &[
    kernel("no file systems to mount", &[("430", ENODEV)], Refused(&["cannot mount"])),
    kernel(
        "no new mount calls",
        &[("430", ENOSYS), ("428", ENOSYS)],
        Refused(&["not implemented", "Linux 5.2"]),
    ),
    Lack {
        only: (None, Some(Who::Root)),
        ..kernel(
            "no mount_setattr for what is root's",
            &[("442", ENOSYS)],
            Refused(&["belongs to root", "--allow-unenforced"]),
        )
    },
    Lack {
        preparation: "chown 12345:12345 $place/work",
        only: (None, Some(Who::Root)),
        ..kernel("no mount_setattr", &[("442", ENOSYS)], RunsAndTells("they are uid 12345 on the host"))
    },
    Lack {
        only: (None, Some(Who::Plain)),
        ..kernel("no mount_setattr, which plain users need not", &[("442", ENOSYS)], Runs)
    },
    Lack { only: (None, Some(Who::Plain)), ..kernel("mount_setattr kept back", &[("442", EPERM)], Runs) },
    kernel("no openat2", &[("437", ENOSYS)], Runs),
    kernel("openat2 kept back", &[("437", EPERM)], Runs),
    kernel("no clone3", &[("435", ENOSYS)], Runs),
    kernel("no pidfd_send_signal, no pidfd_open", &[("424", ENOSYS), ("434", ENOSYS)], Runs),
    kernel("no close_range", &[("436", ENOSYS)], Runs),
    Lack {
        preparation: "chown 12345:12345 $place/work",
        only: (None, Some(Who::Root)),
        ..kernel("all that is newer than Linux 5.2", NEWER, RunsAndTells("they are uid 12345 on the host"))
    },
    Lack {
        only: (None, Some(Who::Plain)),
        ..kernel("all that is newer than Linux 5.2, for plain users", NEWER, Runs)
    },
    kernel(
        "seccomp refused",
        &[("317", EINVAL), ("157:22", EINVAL)],
        Refused(&["cannot filter system calls"]),
    ),
    kernel(
        "seccomp forbidden",
        &[("317", EPERM), ("157:22", EPERM)],
        Refused(&["cannot filter system calls"]),
    ),
    kernel("no_new_privs refused", &[("157:38", EINVAL)], Refused(&["cannot give up privileges"])),
    Lack {
        only: (None, Some(Who::Plain)),
        ..kernel(
            "no user namespaces for plain users",
            &[("272", EPERM)],
            Refused(&["a user namespace", "hint: "]),
        )
    },
    Lack {
        kernel: Kernel::UserNamespaces,
        only: (Some(Target::Native), Some(Who::Root)),
        ..lack("no more user namespaces", "", Refused(&["a user namespace", "max_user_namespaces"]))
    },
    lack(
        "read-only control groups",
        "while read -r _ _ _ _ at _; do case $at in /sys/fs/cgroup*) mount -o remount,bind,ro \"$at\";; esac; done < \
         /proc/self/mountinfo",
        Runs,
    ),
    Lack { only: (None, Some(Who::Root)), ..lack("no /proc/sys", "mount -t tmpfs none /proc/sys", Runs) },
    // To them the kernel shows no more of a new /proc than of those that are there, in somebody's chroot too.
    Lack {
        only: (None, Some(Who::Plain)),
        ..lack(
            "no /proc/sys for plain users",
            "while read -r _ at kind _; do [ $kind != proc ] || [ $at = /proc ] || umount -l $at; done < /proc/mounts
             mount -t tmpfs none /proc/sys",
            Refused(&["cannot mount /proc", "hint: "]),
        )
    },
    lack("no /proc", "mount -t tmpfs none /proc", Refused(&["/proc"])),
    lack("no /sys", "mount -t tmpfs none /sys", Refused(&["/sys/devices/system/cpu"])),
    lack("no /dev/shm", "umount -l /dev/shm || true; mount -t tmpfs -o mode=0 none /dev/shm", Runs),
    lack("no devices", "mount -t tmpfs none /dev", Refused(&["/dev/"])),
    Lack {
        only: NATIVE,
        ..lack("programs on noexec", NOEXEC, Refused(&["cannot execute", "Permission denied"]))
    },
    // Wine reads what it may not map: to the kernel that is no execution, as with the text of a script.
    Lack { only: WINDOWS, ..lack("Windows programs on noexec", NOEXEC, Runs) },
    lack(
        "state on noexec, nosuid, nodev",
        "mkdir -p $root; chown --reference=$place $root; mount --bind $root $root
         mount -o remount,bind,noexec,nosuid,nodev $root",
        Runs,
    ),
    Lack {
        only: NATIVE,
        ..lack(
            "a full disk",
            "mkdir -p $root; mount -t tmpfs -o size=64k,mode=777 none $root
             dd if=/dev/zero of=$root/x bs=4k count=99 2> /dev/null || true",
            Runs,
        )
    },
    Lack {
        only: WINDOWS,
        ..lack(
            "a full disk for the scratch layer",
            "mkdir -p $root/data/scratch; mount -t tmpfs -o size=64k,mode=777 none $root/data/scratch
             dd if=/dev/zero of=$root/data/scratch/x bs=4k count=99 2> /dev/null || true",
            Refused(&["make a scratch layer in", "/data/scratch:", "No space left", "hint: make room"]),
        )
    },
    Lack {
        only: WINDOWS,
        ..lack(
            "a disk without room for the files of a scratch layer",
            "mkdir -p $root/data/scratch; mount -t tmpfs -o nr_inodes=9,mode=777 none $root/data/scratch",
            Refused(&["make a scratch layer in", "/data/scratch:", "No space left", "more files"]),
        )
    },
    // With 600 MB, Wine's set-up would run for seconds and leave out what it has no room for.
    Lack {
        only: WINDOWS,
        ..lack(
            "a disk too small for a base layer",
            "mkdir -p $root; mount -t tmpfs -o size=600m,mode=777 none $root",
            Refused(&[
                "make the base layer in",
                "/data/base/wine_",
                "No space left",
                "kB are free",
                "hint: ",
            ]),
        )
    },
    Lack {
        only: WINDOWS,
        ..lack(
            "a disk without room for the files of a base layer",
            "mkdir -p $root; mount -t tmpfs -o nr_inodes=900,mode=777 none $root",
            Refused(&["make the base layer in", "/data/base/wine_", "No space left", "more files"]),
        )
    },
    // Whoever asks for what cannot be held learns so before something is made that takes time and room.
    Lack {
        config: r#"{"max_ram_mb": 512}"#,
        only: WINDOWS,
        ..lack(
            "no control groups, and no base layer yet",
            "mount -t tmpfs none /sys/fs/cgroup; mkdir -p $root; mount -t tmpfs -o size=1m,mode=777 none $root",
            Refused(&["cannot enforce max_ram_mb", "hint: "]),
        )
    },
    lack(
        "a disk without room for files",
        "mkdir -p $root; mount -t tmpfs -o nr_inodes=3,mode=777 none $root",
        Refused(&["No space left", "/run/nspawn_"]),
    ),
    Lack {
        config: r#"{"stdout_filename": "out.txt"}"#,
        ..lack(
            "no room for the output's file",
            "mkdir $place/w; mount -t tmpfs -o size=2m,nr_inodes=2,mode=777 none $place/w
             cp -p $place/work/probe* $place/w; mount --bind $place/w $place/work",
            Refused(&["No space left", "out.txt"]),
        )
    },
    lack(
        "a read-only disk",
        "mount --bind $place $place; mount --bind $root $root || true
         mount -o remount,bind,ro $place; mount -o remount,bind,ro $root || true",
        Refused(&["Read-only file system"]),
    ),
    Lack { only: NATIVE, ..lack("little address space", "ulimit -v 262144", Runs) },
    Lack {
        only: WINDOWS,
        ..lack(
            "little address space for Wine",
            "ulimit -v 262144",
            Refused(&["cannot run the container's first Windows process", "before it began"]),
        )
    },
    lack("a small stack", "ulimit -s 128", Runs),
    lack("few descriptors", "ulimit -n 12", Refused(&["Too many open files"])),
    Lack {
        only: (Some(Target::Native), Some(Who::Plain)),
        ..lack(
            "no more processes",
            // After setpriv's `--`: who becomes a user with more processes than that executes nothing.
            "for word; do shift; set -- \"$@\" $word; [ $word != -- ] || set -- \"$@\" prlimit --nproc=1; done",
            Refused(&["Resource temporarily unavailable"]),
        )
    },
    Lack {
        only: (None, Some(Who::Root)),
        ..lack(
            "no idmapped mounts of what is root's",
            ON_OVERLAY,
            Refused(&["belongs to root", "--allow-unenforced"]),
        )
    },
    Lack {
        only: (None, Some(Who::Root)),
        ..lack(
            "no idmapped mounts",
            concat!("chown 12345:12345 $place/work\n", on_overlay!()),
            RunsAndTells("they are uid 12345 on the host"),
        )
    },
    Lack {
        only: (None, Some(Who::Plain)),
        ..lack("no idmapped mounts, which plain users need not", ON_OVERLAY, Runs)
    },
    Lack {
        kernel: Kernel::Overlays,
        only: WINDOWS,
        ..lack("no overlayfs", "", Refused(&["an overlay", "No such device", "modprobe overlay"]))
    },
];

/// Calls since Linux 5.3: pidfd_open, clone3, close_range, openat2, faccessat2, mount_setattr.
const NEWER: &[(&str, i32)] =
    &[("434", ENOSYS), ("435", ENOSYS), ("436", ENOSYS), ("437", ENOSYS), ("439", ENOSYS), ("442", ENOSYS)];

const NOEXEC: &str = "mount --bind $place/work $place/work; mount -o remount,bind,noexec $place/work";

/// The mapped directory is an overlay, which has none.
const ON_OVERLAY: &str = on_overlay!();
