//! The sandbox's pid 1, from clone3 to the start of the program.
//!
//! All of this runs in a copy of a process that may have had other threads: it must not allocate and must not take
//! a lock. It works on what the launcher prepared, by descriptor, and tells failures as numbers that the launcher
//! puts into words.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, retry_on_intr};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags,
    fsconfig_create, fsmount, fsopen, mount_change, move_mount, unmount,
};
use rustix::process::{DumpableBehavior, fchdir, pivot_root, set_dumpable_behavior, setsid};
use rustix::system::sethostname;

use crate::cgroup::Entrance;
use crate::mask::Mask;
use crate::message::{Message, Step};
use crate::plan::AddressLayout;
use crate::raw::{self, Born, Command};
use crate::restrict::{Seal, seal_own_root};
use crate::seccomp::Filters;
use crate::stage::{Attachment, Staged};
use crate::texts::Texts;

/// Everything pid 1 and the program need, laid out before the clone.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) staged: Staged,
    /// The launcher's arguments and environment, of which pid 1 has a copy.
    pub(crate) texts: Texts,
    pub(crate) hostname: Vec<u8>,
    pub(crate) filters: Filters,
    pub(crate) command: Command,
    pub(crate) layout: AddressLayout,
    pub(crate) directory: std::ffi::CString,
    /// Standard input, output and error of the program, none of them below 3.
    pub(crate) stdio: [OwnedFd; 3],
    /// How the program enters its control groups; pid 1 stays outside, so it is neither throttled nor killed for
    /// what the program does.
    pub(crate) entrance: Option<Entrance>,
    /// Where messages go.
    pub(crate) status: OwnedFd,
    /// Signals to pass on, one byte each; at its end the launcher is gone.
    pub(crate) control: OwnedFd,
}

/// A failed step, of which object.
pub(crate) struct Failure(pub(crate) Step, pub(crate) u32, pub(crate) Errno);

type Outcome<T> = Result<T, Failure>;

fn at<T, E: IntoErrno>(step: Step, result: Result<T, E>) -> Outcome<T> {
    result.map_err(|error| Failure(step, 0, error.into_errno()))
}

trait IntoErrno {
    fn into_errno(self) -> Errno;
}

impl IntoErrno for Errno {
    fn into_errno(self) -> Errno {
        self
    }
}

impl IntoErrno for io::Error {
    fn into_errno(self) -> Errno {
        Errno::from_io_error(&self).unwrap_or(Errno::IO)
    }
}

/// Runs pid 1. Never returns into the launcher's code, and no panic unwinds into it: `extern "C"` ends this process
/// there.
pub(crate) extern "C" fn run(prepared: &Prepared) -> ! {
    if let Err(Failure(step, index, errno)) = build(prepared).and_then(|()| crate::init::run(prepared)) {
        tell(prepared.status.as_fd(), &Message::Failed { step, index, errno: errno.raw_os_error() });
    }
    raw::exit(0)
}

/// Sends a message; a launcher that no longer listens is no matter, its end is noticed elsewhere.
pub(crate) fn tell(status: BorrowedFd<'_>, message: &Message) {
    let _ = rustix::io::write(status, &message.encode());
}

/// In the new namespaces, as their first process: makes the new root the only one.
fn build(prepared: &Prepared) -> Outcome<()> {
    // Not dumpable: no process inside may look into this copy of the launcher's memory.
    at(Step::Privileges, set_dumpable_behavior(DumpableBehavior::NotDumpable))?;
    prepared.texts.erase();
    raw::default_signals();
    at(Step::Session, setsid().map(|_| ()))?;
    let recursive = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    at(Step::Private, mount_change(c"/", recursive))?;
    // While the host's is there still: in a user namespace the kernel makes a new one only beside one that is whole.
    let proc = prepare_proc(&prepared.staged.attachments)?;
    let root = prepared.staged.root.as_fd();
    at(Step::Root, attach(root, CWD, c"/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH))?;
    // Both names are the new root: the old one ends up mounted on it, and is detached from there.
    at(Step::Pivot, fchdir(root))?;
    at(Step::Pivot, pivot_root(c".", c"."))?;
    at(Step::Detach, unmount(c".", UnmountFlags::DETACH))?;
    at(Step::Pivot, rustix::process::chdir(c"/"))?;
    for (index, attachment) in prepared.staged.attachments.iter().enumerate() {
        place(attachment, proc.as_ref())
            .map_err(|Failure(step, _, errno)| Failure(step, index as u32, errno))?;
    }
    if prepared.staged.seal == Seal::Left {
        at(Step::Seal, seal_own_root())?;
    }
    at(Step::Hostname, sethostname(&prepared.hostname))?;
    at(Step::Loopback, raw::loopback_up())
}

fn attach(
    mount: BorrowedFd<'_>,
    at: BorrowedFd<'_>,
    path: &CStr,
    flags: MoveMountFlags,
) -> Result<(), Errno> {
    move_mount(mount, c"", at, path, flags)
}

/// Makes the proc file system that one of the attachments is, if there is one.
fn prepare_proc(attachments: &[Attachment]) -> Outcome<Option<OwnedFd>> {
    match attachments.iter().position(|attachment| matches!(attachment, Attachment::Proc { .. })) {
        Some(index) => proc_file_system().map(Some).map_err(|errno| Failure(Step::Proc, index as u32, errno)),
        None => Ok(None),
    }
}

fn place(attachment: &Attachment, proc: Option<&OwnedFd>) -> Outcome<()> {
    let both = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    match attachment {
        Attachment::Mount { mount, target } => {
            at(Step::Attach, attach(mount.as_fd(), target.as_fd(), c"", both))
        }
        Attachment::Proc { target, masks } => {
            let proc = at(Step::Proc, proc.ok_or(Errno::NOENT))?;
            at(Step::Proc, attach(proc.as_fd(), target.as_fd(), c"", both))?;
            masks.iter().try_for_each(|mask| at(Step::Proc, cover(proc, mask)))
        }
    }
}

/// Covers an entry of /proc with nothing.
fn cover(proc: &OwnedFd, mask: &Mask) -> Result<(), Errno> {
    let both = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    let entry = openat(proc, mask.name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    move_mount(&mask.mount, c"", entry, c"", both)
}

/// Read-only: /proc/sys holds the host's settings, and where programs are root on the host they might write them.
fn proc_file_system() -> Result<OwnedFd, Errno> {
    let context = fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// In pid 1 and in the program, each for itself, as both come from a process that may enter any control group: becomes
/// the account, with no capability in any set, and none to be had from a file.
pub(crate) fn give_up_privileges(prepared: &Prepared) -> Outcome<()> {
    use rustix::thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set,
        set_capabilities, set_no_new_privs,
    };
    if let Some(identity) = &prepared.staged.identity {
        at(Step::Account, identity.assume())?;
    }
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(capability) {
            // The kernel knows fewer than 64: the first unknown one ends the list.
            Err(Errno::INVAL) => break,
            other => at(Step::Privileges, other)?,
        }
    }
    at(Step::Privileges, clear_ambient_capability_set())?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    at(Step::Privileges, set_capabilities(None, none))?;
    at(Step::Privileges, set_no_new_privs(true))?;
    // Becoming someone else may have changed this. Executing a program makes it dumpable again, as programs expect.
    at(Step::Privileges, set_dumpable_behavior(DumpableBehavior::NotDumpable))
}

/// In the process that becomes the program: joins its groups and hides those above them, connects its standard handles,
/// executes once pid 1 has opened the `gate`. `teller` tells of what fails.
pub(crate) fn become_program(prepared: &Prepared, born: Born, teller: &OwnedFd, gate: &OwnedFd) -> Failure {
    match prepare_program(prepared, born, [teller, gate]) {
        Err(failure) => failure,
        Ok(()) => Failure(Step::Exec, 0, prepared.command.exec().into_errno()),
    }
}

/// Makes the groups that the program is in the roots of all that it is told of groups (cgroup_namespaces(7)).
fn hide_groups() -> Outcome<()> {
    match raw::unshare(libc::CLONE_NEWCGROUP) {
        // A kernel without control groups, which has none to tell of.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        done => at(Step::Groups, done),
    }
}

fn prepare_program(prepared: &Prepared, born: Born, [teller, gate]: [&OwnedFd; 2]) -> Outcome<()> {
    let tasks = prepared.entrance.iter().flat_map(|entrance| &entrance.tasks);
    let procs = prepared.entrance.iter().flat_map(|entrance| &entrance.procs);
    for (index, group) in tasks.chain(procs.filter(|_| born == Born::Outside)).enumerate() {
        rustix::io::write(group, Entrance::SELF).map_err(|errno| Failure(Step::Join, index as u32, errno))?;
    }
    hide_groups()?;
    let [input, output, error] = &prepared.stdio;
    at(Step::Stdio, rustix::stdio::dup2_stdin(input))?;
    at(Step::Stdio, rustix::stdio::dup2_stdout(output))?;
    at(Step::Stdio, rustix::stdio::dup2_stderr(error))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    if prepared.layout == AddressLayout::Fixed {
        raw::fix_address_layout();
    }
    give_up_privileges(prepared)?;
    // Before a path is looked up: /proc/self/fd leads to whatever is still open, and there are directories of the host
    // among that (what CVE-2024-21626 was). That the program itself has none is but one part of it.
    let mut kept = [0, 1, 2, teller.as_raw_fd(), gate.as_raw_fd()];
    kept.sort_unstable();
    at(Step::Close, raw::close_others(&kept))?;
    at(Step::Directory, rustix::process::chdir(prepared.directory.as_c_str()))?;
    at(Step::Filter, prepared.filters.apply())?;
    raw::block_signals(raw::Mask::Empty);
    pass(gate)
}

/// Waits for the byte that pid 1 sends when it is ready. The pipe's end without it is pid 1's own.
fn pass(gate: &OwnedFd) -> Outcome<()> {
    match retry_on_intr(|| rustix::io::read(gate, &mut [0])) {
        Ok(0) => Err(Failure(Step::Exec, 0, Errno::SRCH)),
        done => at(Step::Exec, done.map(|_| ())),
    }
}
