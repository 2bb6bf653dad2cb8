//! What the filters answer, by running them as the kernel does: a program without capabilities gets the same answer to
//! most of these calls from the kernel itself, and could not tell a filter that has lost some.

use super::*;

const X86_64: u32 = 0xC000_003E; // AUDIT_ARCH_X86_64 of linux/audit.h
const I386: u32 = 0x4000_0003; // AUDIT_ARCH_I386
const AARCH64: u32 = 0xC000_00B7; // AUDIT_ARCH_AARCH64

/// Runs a classic BPF program on a `struct seccomp_data`: the instructions that the compiler makes use of.
fn answer_of(program: &[sock_filter], data: &[u32; 16]) -> u32 {
    let (mut accumulator, mut at) = (0_u32, 0);
    loop {
        let one = &program[at];
        let jump = |taken: bool| usize::from(if taken { one.jt } else { one.jf });
        at += 1 + match one.code {
            0x20 => {
                accumulator = data[one.k as usize / 4];
                0
            }
            0x54 => {
                accumulator &= one.k;
                0
            }
            0x05 => one.k as usize,
            0x15 => jump(accumulator == one.k),
            0x25 => jump(accumulator > one.k),
            0x35 => jump(accumulator >= one.k),
            0x45 => jump(accumulator & one.k != 0),
            0x06 => return one.k,
            code => panic!("an unknown instruction: {code:#x}"),
        };
    }
}

/// Returns the answer that the kernel heeds of all filters: the one of the lowest action (seccomp(2)).
fn answer(filters: &Filters, architecture: u32, call: u32, arguments: &[u64]) -> u32 {
    let mut data = [0; 16];
    (data[0], data[1]) = (call, architecture);
    for (place, argument) in data[4..].chunks_exact_mut(2).zip(arguments) {
        (place[0], place[1]) = (*argument as u32, (*argument >> 32) as u32);
    }
    let answers = filters.all().map(|filter| answer_of(filter, &data));
    answers.min_by_key(|answer| (answer & libc::SECCOMP_RET_ACTION_FULL).cast_signed()).unwrap()
}

const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const ASKED: u32 = libc::SECCOMP_RET_USER_NOTIF;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

const INTERFACES: [Interface; 2] = [Interface::X86_64, Interface::X86_64AndI386];

/// In the place of a number: there is no such call.
const NONE: u32 = u32::MAX;

/// Refused whatever its arguments: names and numbers of syscall_64.tbl and syscall_32.tbl (arch/x86/entry/syscalls), not
/// those of the list that makes the filter.
const ALWAYS_REFUSED: &[(&str, u32, u32)] = &[
    ("mount", 165, 21),
    ("umount", NONE, 22),
    ("umount2", 166, 52),
    ("pivot_root", 155, 217),
    ("chroot", 161, 61),
    ("move_mount", 429, 429),
    ("open_tree", 428, 428),
    ("open_tree_attr", 467, 467),
    ("fsopen", 430, 430),
    ("fsconfig", 431, 431),
    ("fsmount", 432, 432),
    ("fspick", 433, 433),
    ("mount_setattr", 442, 442),
    ("unshare", 272, 310),
    ("setns", 308, 346),
    ("open_by_handle_at", 304, 342),
    ("pidfd_getfd", 438, 438),
    ("keyctl", 250, 288),
    ("add_key", 248, 286),
    ("request_key", 249, 287),
    ("bpf", 321, 357),
    ("perf_event_open", 298, 336),
    ("userfaultfd", 323, 374),
    ("io_uring_setup", 425, 425),
    ("io_uring_enter", 426, 426),
    ("io_uring_register", 427, 427),
    ("fanotify_init", 300, 338),
    ("init_module", 175, 128),
    ("finit_module", 313, 350),
    ("delete_module", 176, 129),
    ("kexec_load", 246, 283),
    ("kexec_file_load", 320, NONE),
    ("reboot", 169, 88),
    ("swapon", 167, 87),
    ("swapoff", 168, 115),
    ("acct", 163, 51),
    ("quotactl", 179, 131),
    ("quotactl_fd", 443, 443),
    ("settimeofday", 164, 79),
    ("stime", NONE, 25),
    ("clock_settime", 227, 264),
    ("clock_settime64", NONE, 404),
    ("clock_adjtime", 305, 343),
    ("clock_adjtime64", NONE, 405),
    ("adjtimex", 159, 124),
    ("sethostname", 170, 74),
    ("setdomainname", 171, 121),
    ("syslog", 103, 103),
    ("iopl", 172, 110),
    ("ioperm", 173, 101),
    ("vhangup", 153, 111),
];

/// What depends on arguments, and what looks as if it might be refused: numbers as above, arguments, the answer.
#[rustfmt::skip]
const JUDGED: &[(&str, u32, u32, [u64; 4], u32)] = &[
    ("clone3", 435, 435, [0; 4], ENOSYS),
    ("openat2", 437, 437, [0; 4], ENOSYS),
    ("clone, a user namespace", 56, 120, [0x1000_0011, 0, 0, 0], EPERM),
    ("clone, a mount namespace", 56, 120, [0x0002_0011, 0, 0, 0], EPERM),
    ("clone, a thread", 56, 120, [0x003d_0f00, 0, 0, 0], ALLOW),
    ("ioctl, TIOCSTI", 16, 54, [0, 0x5412, 0, 0], EPERM),
    ("ioctl, TIOCSTI and more", 16, 54, [0, 0xffff_ffff_0000_5412, 0, 0], EPERM),
    ("ioctl, TIOCLINUX", 16, 54, [0, 0x541C, 0, 0], EPERM),
    ("ioctl, TIOCSETD", 16, 54, [0, 0x5423, 0, 0], EPERM),
    ("ioctl, TCGETS", 16, 54, [0, 0x5401, 0, 0], ALLOW),
    ("chmod, set-user-id", 90, 15, [0, 0o4755, 0, 0], EPERM),
    ("chmod", 90, 15, [0, 0o755, 0, 0], ALLOW),
    ("fchmod, set-user-id", 91, 94, [0, 0o4755, 0, 0], EPERM),
    ("fchmodat, set-group-id", 268, 306, [0, 0, 0o2755, 0], EPERM),
    ("fchmodat2, set-user-id", 452, 452, [0, 0, 0o4755, 0], EPERM),
    ("creat, set-user-id", 85, 8, [0, 0o4755, 0, 0], EPERM),
    ("mkdir, set-group-id", 83, 39, [0, 0o2755, 0, 0], EPERM),
    ("mkdirat, set-group-id", 258, 296, [0, 0, 0o2755, 0], EPERM),
    ("mknod, set-user-id", 133, 14, [0, 0o104755, 0, 0], EPERM),
    ("mknodat, set-user-id", 259, 297, [0, 0, 0o104755, 0], EPERM),
    ("open, made set-user-id", 2, 5, [0, 0o100, 0o4755, 0], EPERM),
    ("openat, made set-user-id", 257, 295, [0, 0, 0o100, 0o4755], EPERM),
    ("openat, nameless and set-group-id", 257, 295, [0, 0, 0o20_200_002, 0o2755], EPERM),
    ("openat, not made", 257, 295, [0, 0, 0, 0o4755], ALLOW),
    ("socket, AF_UNIX", 41, 359, [1, 1, 0, 0], ALLOW),
    ("socket, AF_INET", 41, 359, [2, 1, 0, 0], ALLOW),
    ("socket, AF_INET6", 41, 359, [10, 2, 0, 0], ALLOW),
    ("socket, AF_INET, TCP, flags", 41, 359, [2, 0o2_004_001, 6, 0], ALLOW),
    ("socket, AF_INET, ICMP by SOCK_RAW", 41, 359, [2, 3, 1, 0], ALLOW),
    ("socket, AF_INET, UDP", 41, 359, [2, 2, 17, 0], ALLOW),
    ("socket, AF_INET6, ICMPv6", 41, 359, [10, 3, 58, 0], ALLOW),
    ("socket, AF_INET, SCTP", 41, 359, [2, 1, 132, 0], EPERM),
    ("socket, AF_INET6, SCTP", 41, 359, [10, 1, 132, 0], EPERM),
    ("socket, AF_INET, SOCK_SEQPACKET", 41, 359, [2, 5, 0, 0], EPERM),
    ("socket, AF_INET, SOCK_DCCP, flags", 41, 359, [2, 0o2_000_006, 0, 0], EPERM),
    ("socket, AF_INET6, DCCP", 41, 359, [10, 6, 33, 0], EPERM),
    ("socket, AF_INET6, SOCK_PACKET", 41, 359, [10, 10, 0, 0], EPERM),
    ("socket, AF_INET, MPTCP", 41, 359, [2, 1, 262, 0], EPERM),
    ("socket, AF_INET, UDPLITE", 41, 359, [2, 2, 136, 0], EPERM),
    ("socket, AF_INET, L2TP and more", 41, 359, [2, 2, 0x1_0000_0073, 0], EPERM),
    ("socket, AF_UNIX, SOCK_SEQPACKET", 41, 359, [1, 5, 0, 0], ALLOW),
    ("socketpair, AF_INET, SCTP", 53, 360, [2, 1, 132, 0], EPERM),
    ("socket, AF_NETLINK", 41, 359, [16, 3, 0, 0], ALLOW),
    ("socket, AF_VSOCK", 41, 359, [40, 1, 0, 0], EPERM),
    ("socket, AF_ALG", 41, 359, [38, 5, 0, 0], EPERM),
    ("socket, AF_VSOCK and more", 41, 359, [0x1_0000_0028, 1, 0, 0], EPERM),
    ("socketpair, AF_UNIX", 53, 360, [1, 1, 0, 0], ALLOW),
    ("socketpair, AF_RDS", 53, 360, [21, 1, 0, 0], EPERM),
    ("socketcall, socket", NONE, 102, [1, 0, 0, 0], ASKED),
    ("socketcall, socketpair", NONE, 102, [8, 0, 0, 0], ASKED),
    ("socketcall, connect", NONE, 102, [3, 0, 0, 0], ALLOW),
    ("read", 0, 3, [0; 4], ALLOW),
    ("execve", 59, 11, [0; 4], ALLOW),
    ("ptrace", 101, 26, [0; 4], ALLOW),
    ("modify_ldt", 154, 123, [0; 4], ALLOW),
    ("x32, read", 0x4000_0000, NONE, [0; 4], ENOSYS),
    ("x32, mount", 0x4000_00a5, NONE, [0; 4], ENOSYS),
];

#[test]
fn a_call_is_answered_alike_by_every_entry() {
    let refused = ALWAYS_REFUSED.iter().map(|(name, x86_64, i386)| (name, x86_64, i386, &[0; 4], &EPERM));
    let judged =
        JUDGED.iter().map(|(name, x86_64, i386, arguments, wanted)| (name, x86_64, i386, arguments, wanted));
    let calls: Vec<_> = refused.chain(judged).collect();
    for interface in INTERFACES {
        let filters = Filters::new(interface).unwrap();
        for (name, x86_64, i386, arguments, wanted) in &calls {
            let told = |architecture, call| answer(&filters, architecture, call, *arguments);
            if **x86_64 != NONE {
                assert_eq!(told(X86_64, **x86_64), **wanted, "{name} {arguments:x?}, {interface:?}");
            }
            if **i386 != NONE {
                let wanted = if interface == Interface::X86_64 { KILL } else { **wanted };
                assert_eq!(told(I386, **i386), wanted, "{name} {arguments:x?}, i386, {interface:?}");
            }
        }
        assert_eq!(answer(&filters, AARCH64, 63, &[]), KILL, "another machine's, {interface:?}");
    }
}

#[test]
fn no_other_call_is_judged() {
    let filters = Filters::new(Interface::X86_64AndI386).unwrap();
    let rows = ALWAYS_REFUSED.iter().map(|(_, x86_64, i386)| (x86_64, i386));
    let named: Vec<_> = rows.chain(JUDGED.iter().map(|(_, x86_64, i386, ..)| (x86_64, i386))).collect();
    for number in 0..1024 {
        if !named.iter().any(|(x86_64, _)| **x86_64 == number) {
            assert_eq!(answer(&filters, X86_64, number, &[u64::MAX; 6]), ALLOW, "{number}");
        }
        if !named.iter().any(|(_, i386)| **i386 == number) {
            assert_eq!(answer(&filters, I386, number, &[u64::MAX; 6]), ALLOW, "{number} of i386");
        }
    }
}

#[test]
fn the_kernel_takes_their_length() {
    for interface in INTERFACES {
        let filters = Filters::new(interface).unwrap();
        // BPF_MAXINSNS of linux/bpf_common.h.
        assert!(filters.all().all(|filter| !filter.is_empty() && filter.len() <= 4096), "{interface:?}");
    }
}
