//! System calls that no program in a sandbox may make. Windows programs are held too: under Wine their code can make raw
//! system calls.
//!
//! The list refuses what reaches the kernel's rarely used or host-wide parts: mounts and namespaces, the host's key rings
//! (they go by user id, not by namespace), sockets of rare kinds, modules, tracing of the machine, and what has been a way out before. All else
//! is allowed: what a sandbox sees is decided by its namespaces and mounts. The x32 calls do not exist; programs that
//! enter the kernel as 32-bit ones are killed.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

/// Answered with "operation not permitted".
const REFUSED: &[i64] = &[
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    // Files by handle, which knows no root; descriptors of other processes.
    libc::SYS_open_by_handle_at,
    libc::SYS_pidfd_getfd,
    // Key rings.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Large parts of the kernel that containers have been left by.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_fanotify_init,
    // The machine itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_vhangup,
];

/// `open_tree_attr`, since Linux 6.15 (syscall_64.tbl).
const OPEN_TREE_ATTR: i64 = 467;

/// The first number of the x32 interface (asm/unistd.h, `__X32_SYSCALL_BIT`).
const X32: u32 = 0x4000_0000;

/// "No such call" for x32, put before a compiled filter, which compares numbers only for being equal. Classic BPF
/// (linux/bpf_common.h): load the call's number, which `struct seccomp_data` begins with; skip one unless it is at least
/// X32; return.
const NO_X32: [sock_filter; 3] = [
    sock_filter { code: 0x20, jt: 0, jf: 0, k: 0 },
    sock_filter { code: 0x35, jt: 0, jf: 1, k: X32 },
    sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned() },
];

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

/// Filters, ready to be put on.
#[derive(Debug)]
pub(crate) struct Filters([BpfProgram; 2]);

impl Filters {
    /// Makes the filters. Called in the launcher: it allocates.
    ///
    /// # Errors
    /// The list cannot be compiled.
    pub(crate) fn new() -> io::Result<Self> {
        let mut refused: BTreeMap<i64, Vec<SeccompRule>> =
            REFUSED.iter().map(|call| (*call, Vec::new())).collect();
        let namespaces = NEW_NAMESPACES.map(|flag| masked(0, flag.cast_unsigned().into())).into_iter();
        refused.insert(libc::SYS_clone, namespaces.collect::<io::Result<_>>()?);
        // Typing into the terminal of whoever started us.
        refused.insert(libc::SYS_ioctl, vec![equal(1, libc::TIOCSTI)?, equal(1, TIOCLINUX)?]);
        let others = SOCKETS.map(|domain| unequal(0, domain.cast_unsigned().into()));
        let others =
            SeccompRule::new(others.into_iter().collect::<io::Result<_>>()?).map_err(io::Error::other)?;
        for call in [libc::SYS_socket, libc::SYS_socketpair] {
            refused.insert(call, vec![others.clone()]);
        }
        for (call, mode) in MODES {
            refused.insert(*call, vec![masked(*mode, S_ISUID)?, masked(*mode, S_ISGID)?]);
        }
        for (call, flags, mode) in OPENS {
            let with = |flag: i32, bits| rule(&[(*flags, flag as u64), (*mode, bits)]);
            let made = [
                (libc::O_CREAT, S_ISUID),
                (libc::O_CREAT, S_ISGID),
                (O_TMPFILE, S_ISUID),
                (O_TMPFILE, S_ISGID),
            ];
            refused.insert(
                *call,
                made.map(|(flag, bits)| with(flag, bits)).into_iter().collect::<io::Result<_>>()?,
            );
        }
        // Their flags and modes lie in memory, where no filter sees them: whoever gets "no such call" uses the older ones.
        let absent = BTreeMap::from([(libc::SYS_clone3, Vec::new()), (libc::SYS_openat2, Vec::new())]);
        Ok(Self([compile(refused, libc::EPERM)?, compile(absent, libc::ENOSYS)?]))
    }

    /// Returns each as seccomp(2) takes it: instructions of 8 bytes.
    fn bytes(&self) -> impl Iterator<Item = Vec<u8>> {
        self.0.iter().map(|filter| {
            let instruction = |one: &seccompiler::sock_filter| {
                let [code, k] = [one.code.to_ne_bytes().to_vec(), one.k.to_ne_bytes().to_vec()];
                [code, vec![one.jt, one.jf], k].concat()
            };
            filter.iter().flat_map(instruction).collect()
        })
    }

    /// Puts them on this process, for good. Allocates nothing.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn apply(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|filter| {
            seccompiler::apply_filter(filter).map_err(|error| match error {
                seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => error,
                _ => io::Error::from_raw_os_error(libc::EINVAL),
            })
        })
    }
}

/// Returns the system call filters of every sandbox as bytes, in the order in which they are put on: for comparing with
/// what carries the same.
///
/// # Errors
/// The list cannot be compiled.
pub fn filters() -> io::Result<Vec<Vec<u8>>> {
    Ok(Filters::new()?.bytes().collect())
}

/// Calls that set permission bits, and the argument that holds them. Set-user-id and set-group-id bits are refused: a
/// file with them, made in a mapped directory, would be the host's root to whoever executes it there.
const MODES: &[(i64, u8)] = &[
    (libc::SYS_chmod, 1),
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (libc::SYS_fchmodat2, 2),
    (libc::SYS_creat, 1),
    (libc::SYS_mkdir, 1),
    (libc::SYS_mkdirat, 2),
    (libc::SYS_mknod, 1),
    (libc::SYS_mknodat, 2),
];

/// Calls that set permission bits only where a file is made: the arguments that hold flags and bits.
const OPENS: &[(i64, u8, u8)] = &[(libc::SYS_open, 1, 2), (libc::SYS_openat, 2, 3)];

/// The kinds of sockets that there are. Of the others some know no network namespace (`AF_VSOCK` reaches the host of a
/// virtual machine), and most are rarely used parts of the kernel, some loaded when first asked for.
const SOCKETS: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// `O_TMPFILE` without the `O_DIRECTORY` that libc adds to it (asm-generic/fcntl.h, `__O_TMPFILE`).
const O_TMPFILE: i32 = libc::O_TMPFILE & !libc::O_DIRECTORY;

const S_ISUID: u64 = 0o4000;
const S_ISGID: u64 = 0o2000;

/// `TIOCLINUX` of asm-generic/ioctls.h: pastes into a virtual console.
const TIOCLINUX: u64 = 0x541C;

/// A call whose argument `index` has the bits `bits` set.
fn masked(index: u8, bits: u64) -> io::Result<SeccompRule> {
    rule(&[(index, bits)])
}

/// That argument `index` is not `value`.
fn unequal(index: u8, value: u64) -> io::Result<SeccompCondition> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value).map_err(io::Error::other)
}

/// A call whose argument `index` is `value`.
fn equal(index: u8, value: u64) -> io::Result<SeccompRule> {
    let condition = SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
    condition.and_then(|condition| SeccompRule::new(vec![condition])).map_err(io::Error::other)
}

/// A call each of whose named arguments has all of the bits named.
fn rule(arguments: &[(u8, u64)]) -> io::Result<SeccompRule> {
    let set = |(index, bits): &(u8, u64)| {
        SeccompCondition::new(*index, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(*bits), *bits)
    };
    let conditions: Result<_, _> = arguments.iter().map(set).collect();
    conditions.and_then(SeccompRule::new).map_err(io::Error::other)
}

fn compile(calls: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> io::Result<BpfProgram> {
    let answer = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, answer, TargetArch::x86_64);
    let compiled = filter.and_then(BpfProgram::try_from).map_err(io::Error::other)?;
    Ok(NO_X32.into_iter().chain(compiled).collect())
}

#[cfg(test)]
#[path = "seccomp_tests.rs"]
mod tests;
