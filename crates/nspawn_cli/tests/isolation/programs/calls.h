/* Calls that could widen a container. Each is made such that it does no harm where it is allowed: as it is, as one of
   the x32 interface, and by the entry for 32-bit programs, int 0x80. */

struct call {
    const char *name;
    int number, of_32_bit; /* syscall_64.tbl, syscall_32.tbl */
    word arguments[5];
};

#define OF(...) {__VA_ARGS__}
#define CALLS (sizeof calls / sizeof *calls)

enum { X32 = 0x40000000, ONE_USER_NAMESPACE = 0x10000000 | 17 /* SIGCHLD */ };

/* Asked for ids, the kernel says EINVAL where there is no such user: so nobody else can be become. */
static word no_such_user(const struct call *call, word result)
{
    return result == -22 && (call->number == 92 || call->number == 105) ? -1 : result;
}

static word made(const struct call *call, int number)
{
    const word *a = call->arguments;
    word result = raw6(number, a[0], a[1], a[2], a[3], a[4], 0);
    if (result == 0 && call->number == 56)
        RAW1(231, 0); /* a copy of this process, which nobody wanted */
    return no_such_user(call, result);
}

/* Whoever does this may be killed for it: a child does. Returns what it got, or the signal, negative. */
static word made_as_32_bit(const struct call *call)
{
    word child = RAW0(57), got;
    int status = 0;
    if (child == 0) {
        __asm__ volatile("int $0x80"
                         : "=a"(got)
                         : "a"((word)call->of_32_bit), "b"(call->arguments[0]), "c"(call->arguments[1]),
                           "d"(call->arguments[2])
                         : "memory");
        RAW1(231, got < 0 ? 1 : 0);
    }
    RAW4(61, child, &status, 0, 0);
    return status & 0x7f ? -(status & 0x7f) : status >> 8;
}

static void calls(void)
{
    static word now[2], times[32], space[16];
    static struct { unsigned bytes; int type; char handle[8]; } handle = {8, 1, {2}};
    static word here[2], there[2] = {0x1000, 8};
    here[0] = W(&handle), here[1] = 8;
    RAW2(228, 0, now);
    word micro[2] = {now[0], now[1] / 1000};
    word root = open_file("/", READ_ONLY), first = RAW2(434, 1, 0);
    word of_mounts = open_file("/proc/self/ns/mnt", READ_ONLY), of_net = open_file("/proc/self/ns/net", READ_ONLY);
    close_file(open_file("/tmp/owned", WRITE_ONLY | CREATE));
    const word owned = W("/tmp/owned"), none = W("/none"), x = W("x");
    const struct call calls[] = {
        /* Mounts. */
        {"mount", 165, 21, OF(W("none"), W("/tmp"), W("tmpfs"))},
        {"umount2", 166, 52, OF(W("/proc"))},
        {"pivot_root", 155, 217, OF(W("."), W("."))},
        {"chroot", 161, 61, OF(W("/"))},
        {"fsopen", 430, 430, OF(W("tmpfs"))},
        {"fsconfig", 431, 431, OF(root, 6)},
        {"fsmount", 432, 432, OF(root)},
        {"fspick", 433, 433, OF(HERE, W("/"))},
        {"open_tree", 428, 428, OF(HERE, W("/"), 1)},
        {"open_tree_attr", 467, 467, OF(HERE, W("/"), 1, W(space), 32)},
        {"move_mount", 429, 429, OF(root, W(""), HERE, W("/tmp"), 4)},
        {"mount_setattr", 442, 442, OF(HERE, W("/"), 0, W(space), 32)},
        /* Namespaces. */
        {"unshare-mount", 272, 310, OF(0x20000)},
        {"unshare-cgroup", 272, 310, OF(0x2000000)},
        {"unshare-uts", 272, 310, OF(0x4000000)},
        {"unshare-ipc", 272, 310, OF(0x8000000)},
        {"unshare-user", 272, 310, OF(0x10000000)},
        {"unshare-pid", 272, 310, OF(0x20000000)},
        {"unshare-net", 272, 310, OF(0x40000000)},
        {"setns-mount", 308, 346, OF(of_mounts)},
        {"setns-net", 308, 346, OF(of_net)},
        {"setns-pidfd", 308, 346, OF(first, 0x20000)},
        {"clone-user", 56, 120, OF(ONE_USER_NAMESPACE)},
        {"clone3", 435, 435, OF(W(space), 64)},
        /* The kernel itself. */
        {"settimeofday", 164, 79, OF(W(micro))},
        {"clock_settime", 227, 264, OF(0, W(now))},
        {"clock_adjtime", 305, 343, OF(0, W(times))},
        {"adjtimex", 159, 124, OF(W(times))},
        {"kexec_load", 246, 283, OF(0)},
        {"kexec_file_load", 320, 283, OF(root, root)},
        {"init_module", 175, 128, OF(x, 0, x)},
        {"finit_module", 313, 350, OF(root, x)},
        {"delete_module", 176, 129, OF(none)},
        {"reboot", 169, 88, OF(0)},
        {"iopl", 172, 110, OF(3)},
        {"ioperm", 173, 101, OF(0x80, 1, 1)},
        {"swapon", 167, 87, OF(none)},
        {"swapoff", 168, 115, OF(none)},
        {"acct", 163, 51, OF(0)},
        {"quotactl", 179, 131, OF(0x800001 << 8, none)},
        {"quotactl_fd", 443, 443, OF(root, 0x800001 << 8)},
        {"sethostname", 170, 74, OF(x, 1)},
        {"setdomainname", 171, 121, OF(x, 1)},
        {"syslog", 103, 103, OF(10)},
        {"vhangup", 153, 111, OF(0)},
        /* Large parts of it. */
        {"bpf", 321, 357, OF(0, W(space), 64)},
        {"perf_event_open", 298, 336, OF(W(times), 0, -1, -1)},
        {"userfaultfd", 323, 374, OF(1)},
        {"io_uring_setup", 425, 425, OF(1, W(times))},
        {"io_uring_enter", 426, 426, OF(root)},
        {"io_uring_register", 427, 427, OF(root)},
        {"fanotify_init", 300, 338, OF(4)},
        {"keyctl", 250, 288, OF(0, -4, 0)},
        {"add_key", 248, 286, OF(W("user"), x, x, 1, -4)},
        {"request_key", 249, 287, OF(W("user"), x, 0, -4)},
        /* Sockets that know no network namespace, and of rare kinds: AF_VSOCK, AF_ALG, AF_PACKET, AF_XDP. */
        {"socket-vsock", 41, 359, OF(40, 1, 0)},
        {"socket-alg", 41, 359, OF(38, 5, 0)},
        {"socket-packet", 41, 359, OF(17, 3, 0)},
        {"socket-xdp", 41, 359, OF(44, 3, 0)},
        /* Protocols that the kernel loads when first asked for them. */
        {"socket-sctp", 41, 359, OF(2, 1, 132)},
        {"socket-dccp", 41, 359, OF(10, 6, 0)},
        {"socket-mptcp", 41, 359, OF(2, 1, 262)},
        {"socketpair-rds", 53, 360, OF(21, 5, 0, W(space))},
        /* Files and processes. */
        {"open_by_handle_at", 304, 342, OF(root, W(&handle))},
        {"openat2", 437, 437, OF(HERE, W("/"), W(space), 24)},
        {"mknodat", 259, 297, OF(HERE, W("/tmp/memory"), 020600, 0x101)},
        {"chown", 92, 212, OF(owned)},
        {"chmod-set-user-id", 90, 15, OF(owned, 04755)},
        {"fchmodat-set-group-id", 268, 306, OF(HERE, owned, 02755)},
        {"setuid", 105, 213, OF(0)},
        {"setgroups", 116, 206, OF(1, W(space))},
        {"setpriority", 141, 97, OF(0, 0, -20)},
        {"ptrace-attach", 101, 26, OF(16, 1)},
        {"ptrace-seize", 101, 26, OF(0x4206, 1)},
        {"process_vm_readv", 310, 347, OF(1, W(here), 1, W(there), 1)},
        {"process_vm_writev", 311, 348, OF(1, W(here), 1, W(there), 1)},
        {"pidfd_getfd", 438, 438, OF(first, 0)},
        {"ioctl-TIOCSTI", 16, 54, OF(0, 0x5412, x)},
        {"ioctl-TIOCLINUX", 16, 54, OF(0, 0x541C, x)},
        {"ioctl-TIOCSETD", 16, 54, OF(0, 0x5423, x)},
    };
    printf("calls %u\n", (unsigned)CALLS);
    for (unsigned n = 0; n < CALLS; n++) {
        printf("call %s %lld\n", calls[n].name, made(&calls[n], calls[n].number));
        printf("x32 %s %lld\n", calls[n].name, made(&calls[n], calls[n].number | X32));
    }
    /* What is not written yet would be written by each child, too. */
    fflush(stdout);
    for (unsigned n = 0; n < CALLS; n++)
        printf("int80 %s %lld\n", calls[n].name, made_as_32_bit(&calls[n]));
}
