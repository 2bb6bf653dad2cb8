//! The system calls that rustix does not wrap, one safe function each.
// UNSAFETY: raw system calls of Linux, and the pointers that execve takes.
#![expect(unsafe_code, reason = "raw system calls")]

mod clone;
mod descriptors;

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::mount::MountAttrFlags;

pub(crate) use clone::{Born, Clone, Fork, NAMESPACES, clone_into, fork};
pub(crate) use descriptors::{close_all_but, close_others};

/// Ends this process at once, running nothing.
pub(crate) fn exit(status: i32) -> ! {
    // SAFETY: ends the process; nothing of ours runs after it.
    unsafe { libc::_exit(status) }
}

/// Arguments of execve, made before the fork.
#[derive(Debug)]
pub(crate) struct Command {
    program: CString,
    _strings: Vec<CString>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
}

impl Command {
    /// Lays out the strings; `None` where one holds a NUL.
    pub(crate) fn new(program: &str, arguments: &[String], environment: &[String]) -> Option<Self> {
        let terminated = |text: &String| CString::new(text.as_str()).ok();
        let arguments: Vec<CString> = arguments.iter().map(terminated).collect::<Option<_>>()?;
        let environment: Vec<CString> = environment.iter().map(terminated).collect::<Option<_>>()?;
        let pointers = |strings: &[CString]| {
            strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>()
        };
        let (argv, envp) = (pointers(&arguments), pointers(&environment));
        let strings = arguments.into_iter().chain(environment).collect();
        Some(Self { program: CString::new(program).ok()?, _strings: strings, argv, envp })
    }

    /// Becomes the program; returns only the error that kept it from that.
    pub(crate) fn exec(&self) -> io::Error {
        // SAFETY: program is NUL-terminated; argv and envp are NULL-terminated arrays of pointers into _strings,
        // whose heap buffers live as long as self.
        unsafe { libc::execve(self.program.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr()) };
        io::Error::last_os_error()
    }
}

/// Makes the kernel lay out alike the memory of all that this process executes and starts, where it may ask for that.
pub(crate) fn fix_address_layout() {
    // SAFETY: personality takes numbers only; the first call reads, and fails nowhere.
    unsafe {
        let now = libc::personality(0xFFFF_FFFF);
        libc::personality((now | libc::ADDR_NO_RANDOMIZE) as libc::c_ulong);
    }
}

/// The signals of a mask.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mask {
    /// Every signal.
    All,
    /// No signal.
    Empty,
}

/// Sets this thread's blocked signals and returns those that were blocked before.
pub(crate) fn block_signals(mask: Mask) -> Blocked {
    // SAFETY: sigset_t is plain data, and the calls only write to the two sets given.
    unsafe {
        let (mut set, mut old) = (std::mem::zeroed(), std::mem::zeroed());
        match mask {
            Mask::All => libc::sigfillset(&raw mut set),
            Mask::Empty => libc::sigemptyset(&raw mut set),
        };
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, &raw mut old);
        Blocked(old)
    }
}

/// The signals that were blocked before [`block_signals`].
pub(crate) struct Blocked(libc::sigset_t);

impl Blocked {
    /// Blocks just these again.
    pub(crate) fn restore(&self) {
        // SAFETY: the set was filled by sigprocmask.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}

/// Gives every signal its default action: a handler or an ignored signal of the launcher's caller must not reach
/// the contained program.
pub(crate) fn default_signals() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL is a valid disposition; SIGKILL, SIGSTOP and libc's own are refused, which is right.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Opens a descriptor that becomes readable when a child ends. SIGCHLD must be blocked.
pub(crate) fn child_events() -> io::Result<OwnedFd> {
    // SAFETY: the set is plain data that sigemptyset fills; signalfd only reads it.
    let fd = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Reaps one ended child, if there is one: its pid and wait status.
pub(crate) fn reap() -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: status outlives the call.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    (pid > 0).then_some((pid, status))
}

/// What became of a child that was looked at.
pub(crate) enum Child {
    /// It ended, and was reaped: its wait status.
    Ended(i32),
    /// It is still there.
    Alive,
    /// There is no such child.
    None,
}

/// Reaps the child `pid` if it has ended.
pub(crate) fn reap_one(pid: i32) -> Child {
    let mut status = 0;
    // SAFETY: status outlives the call; pid is positive, so it never means a group.
    match unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } {
        0 => Child::Alive,
        1.. => Child::Ended(status),
        _ => Child::None,
    }
}

/// As pid 1, kills every other process of its pid namespace and reaps them all: what they used is counted only then.
/// The kernel, which would kill them when pid 1 exits, reaps without counting.
pub(crate) fn end_all_others() {
    // SAFETY: plain numbers; the status is not wanted.
    unsafe {
        libc::kill(-1, libc::SIGKILL);
        while libc::waitpid(-1, std::ptr::null_mut(), 0) > 0 || *libc::__errno_location() == libc::EINTR {}
    }
}

/// Waits for `pid`, which [`clone_into`] made, to end and reaps it: its wait status and what it and its descendants
/// used.
pub(crate) fn wait_for(pid: i32) -> io::Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: rusage is plain data; both outlive the call.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        loop {
            if libc::wait4(pid, &raw mut status, libc::__WALL, &raw mut usage) == pid {
                return Ok((status, usage));
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

/// Tells whether an answer may mean that the kernel has no such call, or that a filter of system calls keeps it back.
pub(crate) fn is_kept_back(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
}

/// Closes a descriptor of which this process holds an unwanted copy.
pub(crate) fn close(fd: RawFd) {
    // SAFETY: only called in a forked child, on copies of descriptors that nothing in it owns.
    unsafe { libc::close(fd) };
}

/// Fills one of the texts that this process was started with, so many bytes at an address, with zeros.
pub(crate) fn zero(address: usize, length: usize) {
    // SAFETY: only called in a copy of the process that has one thread, for what the kernel put there when the program
    // was executed: that memory stays mapped and writable, and nothing in the copy holds a reference into it.
    unsafe { std::ptr::write_bytes(std::ptr::with_exposed_provenance_mut::<u8>(address), 0, length) };
}

/// Leaves the shared for namespaces of this thread's own (unshare(2)): `CLONE_NEW...`, and `CLONE_FS` for its directory.
pub(crate) fn unshare(namespaces: i32) -> io::Result<()> {
    // SAFETY: it takes plain numbers, and unshares no memory; descriptors only where `CLONE_FILES` is asked for, and it
    // gives copies then.
    let result = unsafe { libc::unshare(namespaces) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Opens, makes and changes files as another user while it lives: this thread alone, and without the capabilities that
/// overrule owners and permissions (setfsuid(2)).
pub(crate) struct FileIds([u32; 2]);

impl FileIds {
    pub(crate) fn of(uid: u32, gid: u32) -> Self {
        // SAFETY: plain numbers; a refusal shows where a file is then made.
        unsafe { Self([libc::setfsgid(gid), libc::setfsuid(uid)].map(libc::c_int::cast_unsigned)) }
    }
}

impl Drop for FileIds {
    fn drop(&mut self) {
        let [gid, uid] = self.0;
        // SAFETY: plain numbers, which were this thread's before.
        unsafe {
            libc::setfsuid(uid);
            libc::setfsgid(gid);
        }
    }
}

/// Sends `signal` to `pid`; a process that is gone is no matter.
pub(crate) fn kill(pid: i32, signal: i32) {
    if pid > 0 {
        // SAFETY: kill takes plain numbers; a positive pid never means a group.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Brings up the loopback interface of this network namespace. (ioctls: netdevice(7).)
pub(crate) fn loopback_up() -> io::Result<()> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: ifreq is plain data, NUL-terminated by zeroing; the ioctls read and write that one struct.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as c_char;
        request.ifr_name[1] = b'o' as c_char;
        if libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS as _, &raw mut request) < 0 {
            return Err(io::Error::last_os_error());
        }
        request.ifr_ifru.ifru_flags |= (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        if libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw mut request) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// `struct mount_attr` of linux/mount.h, 32 bytes.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// `MOUNT_ATTR_IDMAP` of linux/mount.h.
const IDMAP: u64 = 0x10_0000;

/// Sets attributes of a mount and of all below it (mount_setattr, Linux 5.12), and makes them private.
pub(crate) fn mount_setattr(mount: impl AsFd, set: MountAttrFlags) -> io::Result<()> {
    let set = set.bits().into();
    set_attributes(mount, MountAttr { set, clear: 0, propagation: libc::MS_PRIVATE, userns: 0 })
}

/// Has a detached mount and all below it show owners through `namespace`: who is n on the disk is there whom the
/// namespace maps n to.
pub(crate) fn map_owners(mount: impl AsFd, namespace: BorrowedFd<'_>) -> io::Result<()> {
    let userns = namespace.as_raw_fd() as u64;
    set_attributes(mount, MountAttr { set: IDMAP, clear: 0, propagation: 0, userns })
}

fn set_attributes(mount: impl AsFd, attributes: MountAttr) -> io::Result<()> {
    let empty: &CStr = c"";
    // SAFETY: the path is NUL-terminated and the struct has the size given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            empty.as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_struct_has_the_kernel_s_layout() {
        // linux/mount.h: MOUNT_ATTR_SIZE_VER0 is 32.
        assert_eq!(size_of::<MountAttr>(), 32);
    }
}
