//! New processes: clone3(2), and where a kernel before 5.3 or a filter of system calls keeps that back, clone(2).
//!
//! In a new process only the calling thread exists, and locks that other threads held stay locked for ever: it must not
//! allocate, nor call anything that might lock, until it executes another program or exits.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use super::is_kept_back;

/// What [`clone_into`] returned in.
#[derive(Debug)]
pub(crate) enum Clone {
    /// The caller: the new process, and a descriptor of it.
    Parent { pid: i32, pidfd: OwnedFd },
    /// The new process.
    Child,
}

/// What [`fork`] returned in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fork {
    /// The caller: the new process.
    Parent(i32),
    /// The new process.
    Child(Born),
}

/// Where a process was born.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Born {
    /// In the control group that was asked for.
    Inside,
    /// In its parent's.
    Outside,
}

/// `struct clone_args` of linux/sched.h, version 2 (Linux 5.7), 88 bytes.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// `CLONE_INTO_CGROUP` of linux/sched.h.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Namespaces of a sandbox.
pub(crate) const NAMESPACES: i32 =
    libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWNET;

/// Makes a process in new namespaces, its memory a copy of ours as after fork. It sends no signal at its end, so that a
/// caller that ignores SIGCHLD, or reaps whatever child there is, cannot take its end from
/// [`wait_for`](super::wait_for).
pub(crate) fn clone_into(namespaces: i32) -> io::Result<Clone> {
    let mut pidfd: RawFd = -1;
    let mut args = CloneArgs {
        flags: (i64::from(namespaces) | i64::from(libc::CLONE_PIDFD)).cast_unsigned(),
        pidfd: (&raw mut pidfd) as u64,
        ..CloneArgs::default()
    };
    let made = match clone3(&mut args) {
        Err(error) if is_kept_back(&error) => clone(&args),
        made => made,
    };
    match made? {
        0 => Ok(Clone::Child),
        // SAFETY: the kernel has just opened pidfd for us.
        pid => Ok(Clone::Parent { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } }),
    }
}

/// Makes a copy of this process, in the control group of version 2 that `group` is a descriptor of, if there is one and
/// the kernel can do that (Linux 5.7).
pub(crate) fn fork(group: Option<BorrowedFd<'_>>) -> io::Result<Fork> {
    let child_s_signal = libc::SIGCHLD as u64;
    let of = |pid, born| if pid == 0 { Fork::Child(born) } else { Fork::Parent(pid) };
    if let Some(group) = group {
        let (flags, cgroup) = (CLONE_INTO_CGROUP, group.as_raw_fd() as u64);
        let mut args = CloneArgs { flags, cgroup, exit_signal: child_s_signal, ..CloneArgs::default() };
        match clone3(&mut args) {
            Err(error) if is_kept_back(&error) || error.raw_os_error() == Some(libc::E2BIG) => {}
            made => return made.map(|pid| of(pid, Born::Inside)),
        }
    }
    // glibc's own fork would take locks that a lost thread may hold.
    clone(&CloneArgs { exit_signal: child_s_signal, ..CloneArgs::default() })
        .map(|pid| of(pid, Born::Outside))
}

fn clone3(args: &mut CloneArgs) -> io::Result<i32> {
    // SAFETY: args is a valid clone_args of the size given, what its pidfd points to outlives the call, and without
    // CLONE_VM the child works on its own copy of all memory, the stack too.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, std::ptr::from_mut(args), size_of::<CloneArgs>()) };
    if pid < 0 { Err(io::Error::last_os_error()) } else { Ok(pid as i32) }
}

/// The same by clone(2), which takes flags and signal as one number, and tells the descriptor where it else tells the pid.
fn clone(args: &CloneArgs) -> io::Result<i32> {
    // SAFETY: as for clone3; no stack, so the child has a copy of this one.
    let pid = unsafe {
        libc::syscall(libc::SYS_clone, args.flags | args.exit_signal, 0_u64, args.pidfd, 0_u64, 0_u64)
    };
    if pid < 0 { Err(io::Error::last_os_error()) } else { Ok(pid as i32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_struct_has_the_kernel_s_layout() {
        // linux/sched.h: CLONE_ARGS_SIZE_VER2 is 88.
        assert_eq!(size_of::<CloneArgs>(), 88);
        assert_eq!(std::mem::offset_of!(CloneArgs, exit_signal), 32);
    }
}
