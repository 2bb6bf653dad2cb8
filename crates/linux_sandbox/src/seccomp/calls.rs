//! The list: which calls are refused, and which are as if the kernel had none, by their numbers in each of the kernel's
//! two interfaces.

use std::collections::BTreeMap;
use std::io;

use seccompiler::SeccompRule;

use super::rules::{equal, masked, none_of, rule};

/// An interface of the kernel's, as the filter is told by which a call was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    /// That of 64-bit programs.
    X86_64,
    /// That of 32-bit programs, and of whoever uses their entry (`int 0x80`).
    I386,
}

/// What is answered to which calls of an architecture: to those of an empty list of rules always, to others where a rule
/// holds.
pub(super) type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// A call by its numbers, those of `arch/x86/entry/syscalls/syscall_64.tbl` and `syscall_32.tbl`.
#[derive(Debug, Clone, Copy)]
struct Call {
    x86_64: Option<i64>,
    i386: Option<i64>,
}

impl Call {
    fn number(self, architecture: Architecture) -> Option<i64> {
        match architecture {
            Architecture::X86_64 => self.x86_64,
            Architecture::I386 => self.i386,
        }
    }
}

/// A call of both.
const fn call(x86_64: i64, i386: i64) -> Call {
    Call { x86_64: Some(x86_64), i386: Some(i386) }
}

/// A call that has one number in both, as all have since Linux 5.1.
const fn new(number: i64) -> Call {
    call(number, number)
}

/// A call of 32-bit programs alone.
const fn i386(number: i64) -> Call {
    Call { x86_64: None, i386: Some(number) }
}

/// Answered with "operation not permitted".
const REFUSED: &[Call] = &[
    // Mounts and namespaces.
    call(libc::SYS_mount, 21),
    i386(22), // umount, of one argument
    call(libc::SYS_umount2, 52),
    call(libc::SYS_pivot_root, 217),
    call(libc::SYS_chroot, 61),
    new(libc::SYS_move_mount),
    new(libc::SYS_open_tree),
    new(OPEN_TREE_ATTR),
    new(libc::SYS_fsopen),
    new(libc::SYS_fsconfig),
    new(libc::SYS_fsmount),
    new(libc::SYS_fspick),
    new(libc::SYS_mount_setattr),
    call(libc::SYS_unshare, 310),
    call(libc::SYS_setns, 346),
    // Files by handle, which knows no root; descriptors of other processes.
    call(libc::SYS_open_by_handle_at, 342),
    new(libc::SYS_pidfd_getfd),
    // Key rings.
    call(libc::SYS_keyctl, 288),
    call(libc::SYS_add_key, 286),
    call(libc::SYS_request_key, 287),
    // Large parts of the kernel that containers have been left by.
    call(libc::SYS_bpf, 357),
    call(libc::SYS_perf_event_open, 336),
    call(libc::SYS_userfaultfd, 374),
    new(libc::SYS_io_uring_setup),
    new(libc::SYS_io_uring_enter),
    new(libc::SYS_io_uring_register),
    call(libc::SYS_fanotify_init, 338),
    // The machine itself.
    call(libc::SYS_init_module, 128),
    call(libc::SYS_finit_module, 350),
    call(libc::SYS_delete_module, 129),
    call(libc::SYS_kexec_load, 283),
    Call { x86_64: Some(libc::SYS_kexec_file_load), i386: None },
    call(libc::SYS_reboot, 88),
    call(libc::SYS_swapon, 87),
    call(libc::SYS_swapoff, 115),
    call(libc::SYS_acct, 51),
    call(libc::SYS_quotactl, 131),
    new(libc::SYS_quotactl_fd),
    call(libc::SYS_settimeofday, 79),
    i386(25), // stime
    call(libc::SYS_clock_settime, 264),
    i386(404), // clock_settime64
    call(libc::SYS_clock_adjtime, 343),
    i386(405), // clock_adjtime64
    call(libc::SYS_adjtimex, 124),
    call(libc::SYS_sethostname, 74),
    call(libc::SYS_setdomainname, 121),
    call(libc::SYS_syslog, 103),
    call(libc::SYS_iopl, 110),
    call(libc::SYS_ioperm, 101),
    call(libc::SYS_vhangup, 111),
];

/// `open_tree_attr`, since Linux 6.15.
const OPEN_TREE_ATTR: i64 = 467;

/// Answered with "no such call": their flags and modes lie in memory, where no filter sees them. Whoever gets this answer
/// uses the older ones.
const ABSENT: &[Call] = &[new(libc::SYS_clone3), new(libc::SYS_openat2)];

/// Every namespace that clone(2) can make.
const NEW_NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWCGROUP,
];

/// Calls that set permission bits, and the argument that holds them. Set-user-id and set-group-id bits are refused: a
/// file with them, made in a mapped directory, would be the host's root to whoever executes it there.
const MODES: &[(Call, u8)] = &[
    (call(libc::SYS_chmod, 15), 1),
    (call(libc::SYS_fchmod, 94), 1),
    (call(libc::SYS_fchmodat, 306), 2),
    (new(libc::SYS_fchmodat2), 2),
    (call(libc::SYS_creat, 8), 1),
    (call(libc::SYS_mkdir, 39), 1),
    (call(libc::SYS_mkdirat, 296), 2),
    (call(libc::SYS_mknod, 14), 1),
    (call(libc::SYS_mknodat, 297), 2),
];

/// Calls that set permission bits only where a file is made: the arguments that hold flags and bits.
const OPENS: &[(Call, u8, u8)] = &[(call(libc::SYS_open, 5), 1, 2), (call(libc::SYS_openat, 295), 2, 3)];

/// `O_TMPFILE` without the `O_DIRECTORY` that libc adds to it (asm-generic/fcntl.h, `__O_TMPFILE`).
const O_TMPFILE: i32 = libc::O_TMPFILE & !libc::O_DIRECTORY;

const S_ISUID: u64 = 0o4000;
const S_ISGID: u64 = 0o2000;

/// Calls whose arguments begin with the kind of a socket: family, type and protocol.
const SOCKET_MAKERS: [Call; 2] = [call(libc::SYS_socket, 359), call(libc::SYS_socketpair, 360)];

/// The kinds of sockets that there are. Of the others some know no network namespace (`AF_VSOCK` reaches the host of a
/// virtual machine), and most are rarely used parts of the kernel, some loaded when first asked for.
const SOCKETS: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Of these the protocol is no part of the kernel that would be loaded when first asked for.
const LOCAL: [i32; 2] = [libc::AF_UNIX, libc::AF_NETLINK];

/// The protocols that there are of the others: 0, a type's own, and those that every kernel has.
const PROTOCOLS: [i32; 5] =
    [libc::IPPROTO_IP, libc::IPPROTO_ICMP, libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_ICMPV6];

/// The bits of a type beyond `SOCK_RAW`, 3, that are no flags (linux/net.h, `SOCK_TYPE_MASK`). Such a type has a protocol
/// of its own that is rare: `SOCK_DCCP`, and `SOCK_SEQPACKET`, SCTP's.
const RARE_TYPES: [u64; 2] = [4, 8];

/// `TIOCLINUX` of asm-generic/ioctls.h: pastes into a virtual console.
const TIOCLINUX: u64 = 0x541C;

/// Returns the calls that are refused.
///
/// # Errors
/// The library refuses a rule.
pub(super) fn refused(architecture: Architecture) -> io::Result<Calls> {
    let mut calls = Calls::new();
    let mut add = |call: Call, rules: Vec<SeccompRule>| {
        calls.extend(call.number(architecture).map(|number| (number, rules)));
    };
    REFUSED.iter().for_each(|call| add(*call, Vec::new()));
    let namespaces = NEW_NAMESPACES.map(|flag| masked(0, flag.cast_unsigned().into())).into_iter();
    add(call(libc::SYS_clone, 120), namespaces.collect::<io::Result<_>>()?);
    // Typing into the terminal of whoever started us; line disciplines, which are loaded when first asked for.
    let requests = [libc::TIOCSTI, TIOCLINUX, libc::TIOCSETD].map(|request| equal(1, request));
    add(call(libc::SYS_ioctl, 54), requests.into_iter().collect::<io::Result<_>>()?);
    for call in SOCKET_MAKERS {
        add(call, sockets()?);
    }
    for (call, mode) in MODES {
        add(*call, vec![masked(*mode, S_ISUID)?, masked(*mode, S_ISGID)?]);
    }
    for (call, flags, mode) in OPENS {
        let made =
            [(libc::O_CREAT, S_ISUID), (libc::O_CREAT, S_ISGID), (O_TMPFILE, S_ISUID), (O_TMPFILE, S_ISGID)];
        let rules = made.map(|(flag, bits)| rule(&[(*flags, flag as u64), (*mode, bits)]));
        add(*call, rules.into_iter().collect::<io::Result<_>>()?);
    }
    Ok(calls)
}

/// Returns which sockets are refused, by family, type and protocol.
fn sockets() -> io::Result<Vec<SeccompRule>> {
    let mut rules = vec![none_of(&[(0, &SOCKETS)], &[])?, none_of(&[(0, &LOCAL), (2, &PROTOCOLS)], &[])?];
    for bit in RARE_TYPES {
        rules.push(none_of(&[(0, &LOCAL)], &[(1, bit)])?);
    }
    Ok(rules)
}

/// Returns the calls that are as if there were none.
pub(super) fn absent(architecture: Architecture) -> Calls {
    let numbers = ABSENT.iter().filter_map(|call| call.number(architecture));
    numbers.map(|number| (number, Vec::new())).collect()
}
