/* Calls that could widen a container. Each is made such that it does no harm where it is allowed. */

static void told(const char *name, word result) { printf("call %s %lld\n", name, result); }

static void mounts(void)
{
    told("mount", RAW5(165, "none", "/tmp", "tmpfs", 0, 0));
    told("umount", RAW2(166, "/proc", 0));
    told("pivot_root", RAW2(155, ".", "."));
    told("chroot", RAW1(161, "/"));
    told("fsopen", RAW2(430, "tmpfs", 0));
    told("open_tree", RAW3(428, HERE, "/", 1));
    told("mount_setattr", RAW5(442, HERE, "/", 0, (word[4]){0}, 32));
}

static void namespaces(void)
{
    static const struct { const char *name; word flag; } kinds[] = {
        {"unshare-mount", 0x20000}, {"unshare-cgroup", 0x2000000}, {"unshare-uts", 0x4000000},
        {"unshare-ipc", 0x8000000}, {"unshare-pid", 0x20000000},   {"unshare-net", 0x40000000},
    };
    for (unsigned n = 0; n < sizeof kinds / sizeof *kinds; n++)
        told(kinds[n].name, RAW1(272, kinds[n].flag));
    told("setns-mount", RAW2(308, open_file("/proc/self/ns/mnt", READ_ONLY), 0));
    told("setns-net", RAW2(308, open_file("/proc/self/ns/net", READ_ONLY), 0));
}

static void kernel(void)
{
    word time[2];
    RAW2(228, 0, time);
    time[1] /= 1000;
    told("settimeofday", RAW2(164, time, 0));
    told("kexec_load", RAW4(246, 0, 0, 0, 0));
    told("init_module", RAW3(175, "", 0, ""));
    told("delete_module", RAW2(176, "none", 0));
    told("reboot", RAW4(169, 0, 0, 0, 0));
    told("iopl", RAW1(172, 3));
    told("ioperm", RAW3(173, 0x80, 1, 1));
    told("swapon", RAW2(167, "/none", 0));
    told("acct", RAW1(163, 0));
    told("sethostname", RAW2(170, "x", 1));
    told("fanotify_init", RAW2(300, 4, 0));
}

static void files_and_processes(void)
{
    struct { unsigned bytes; int type; char handle[8]; } handle = {8, 1, {2}};
    told("open_by_handle_at", RAW3(304, open_file("/", READ_ONLY), &handle, 0));
    told("mknod", RAW4(259, HERE, "/tmp/memory", 020600, 0x101));
    close_file(open_file("/tmp/owned", WRITE_ONLY | CREATE));
    /* There is no other user here: the kernel says EINVAL. */
    told("chown", RAW3(92, "/tmp/owned", 0, 0) == -22 ? -1 : 0);
    told("setuid", RAW1(105, 0) == -22 ? -1 : 0);
    told("setgroups", RAW2(116, 1, (int[1]){1000}));
    told("setpriority", RAW3(141, 0, 0, -20));
    told("ptrace", RAW4(101, 16, 1, 0, 0));
    word here[2] = {W(&handle), 8}, there[2] = {0x1000, 8};
    told("process_vm_readv", raw6(310, 1, W(here), 1, W(there), 1, 0));
    told("pidfd_getfd", RAW3(438, RAW2(434, 1, 0), 0, 0));
}

static void calls(void)
{
    mounts();
    namespaces();
    kernel();
    files_and_processes();
}
