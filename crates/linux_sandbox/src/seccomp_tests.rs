//! What the filters answer, by running them as the kernel does: a program without capabilities gets the same answer to
//! most of these calls from the kernel itself, and could not tell a filter that has lost some.

use super::*;

const X86_64: u32 = 0xC000_003E; // AUDIT_ARCH_X86_64 of linux/audit.h
const I386: u32 = 0x4000_0003; // AUDIT_ARCH_I386

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
fn answer(architecture: u32, call: i64, arguments: &[u64]) -> u32 {
    let mut data = [0; 16];
    (data[0], data[1]) = (u32::try_from(call).unwrap(), architecture);
    for (place, argument) in data[4..].chunks_exact_mut(2).zip(arguments) {
        (place[0], place[1]) = (*argument as u32, (*argument >> 32) as u32);
    }
    let Filters(filters) = Filters::new().unwrap();
    let answers = filters.iter().map(|filter| answer_of(filter, &data));
    answers.min_by_key(|answer| (answer & libc::SECCOMP_RET_ACTION_FULL).cast_signed()).unwrap()
}

const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// By their numbers (arch/x86/entry/syscalls/syscall_64.tbl), not by the list that makes the filter.
const ALWAYS_REFUSED: &[i64] = &[
    103, 153, 155, 159, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 175, 176, 179, 227, 246,
    248, 249, 250, 272, 298, 300, 304, 305, 308, 313, 320, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432,
    433, 438, 442, 443, 467,
];

#[test]
fn the_filters_answer_as_is_promised() {
    for call in ALWAYS_REFUSED {
        assert_eq!(answer(X86_64, *call, &[]), EPERM, "{call}");
    }
    let (open, mode) = (libc::O_CREAT as u64, 0o4755);
    for (call, arguments, wanted) in [
        (libc::SYS_clone3, [0; 4], ENOSYS),
        (libc::SYS_openat2, [0; 4], ENOSYS),
        (libc::SYS_clone, [0x1000_0011, 0, 0, 0], EPERM),
        (libc::SYS_clone, [0x0002_0011, 0, 0, 0], EPERM),
        (libc::SYS_clone, [0x003d_0f00, 0, 0, 0], ALLOW),
        (libc::SYS_ioctl, [0, 0x5412, 0, 0], EPERM),
        (libc::SYS_ioctl, [0, 0xffff_ffff_0000_5412, 0, 0], EPERM),
        (libc::SYS_ioctl, [0, 0x541C, 0, 0], EPERM),
        (libc::SYS_ioctl, [0, 0x5401, 0, 0], ALLOW),
        (libc::SYS_chmod, [0, mode, 0, 0], EPERM),
        (libc::SYS_fchmodat, [0, 0, 0o2755, 0], EPERM),
        (libc::SYS_chmod, [0, 0o755, 0, 0], ALLOW),
        (libc::SYS_openat, [0, 0, open, mode], EPERM),
        (libc::SYS_openat, [0, 0, 0, mode], ALLOW),
        (libc::SYS_socket, [1, 1, 0, 0], ALLOW),
        (libc::SYS_socket, [2, 1, 0, 0], ALLOW),
        (libc::SYS_socket, [10, 2, 0, 0], ALLOW),
        (libc::SYS_socket, [16, 3, 0, 0], ALLOW),
        (libc::SYS_socket, [40, 1, 0, 0], EPERM),
        (libc::SYS_socket, [38, 5, 0, 0], EPERM),
        (libc::SYS_socket, [0x1_0000_0028, 1, 0, 0], EPERM),
        (libc::SYS_socketpair, [1, 1, 0, 0], ALLOW),
        (libc::SYS_socketpair, [21, 1, 0, 0], EPERM),
        (libc::SYS_read, [0; 4], ALLOW),
        (libc::SYS_execve, [0; 4], ALLOW),
        (libc::SYS_ptrace, [0; 4], ALLOW),
        (0x4000_0000 | libc::SYS_read, [0; 4], ENOSYS),
        (0x4000_0000 | 165, [0; 4], ENOSYS),
    ] {
        assert_eq!(answer(X86_64, call, &arguments), wanted, "{call} {arguments:x?}");
    }
    assert_eq!(answer(I386, 1, &[]), libc::SECCOMP_RET_KILL_PROCESS, "entered as a 32-bit program");
}

#[test]
fn the_list_compiles() {
    let Filters(filters) = Filters::new().unwrap();
    // BPF_MAXINSNS of linux/bpf_common.h.
    assert!(filters.iter().all(|filter| !filter.is_empty() && filter.len() <= 4096));
}
