#!/bin/sh
# The first process of the test machine: mounts what a system has, runs the suites, and switches off.
# `work`, from the kernel's command line, is where the second disk belongs.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
/busybox mount -t proc none /proc
# Under names that no program of the host has.
/busybox --install -s /usr/bin
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm "$work"
mount -t devpts none /dev/pts
mount -t tmpfs none /dev/shm
mount -t tmpfs none /run
mkdir -p "$work"
mount -t cgroup2 none /sys/fs/cgroup
stty -F /dev/ttyS1 raw -echo
exec > /dev/ttyS1 2>&1
echo "@booted $(uname -r), $(nproc) processors"

# Nobody waits for a machine that hangs in its own scripts.
(sleep 1800; poweroff -f) &
insmod /overlay.ko
ip link set lo up
# The other disk is the system's, and has a partition.
mount -t ext4 /dev/nvme0n1 "$work" 2> /dev/null || mount -t ext4 /dev/nvme1n1 "$work"
chown -R 0:0 "$work"
chmod 1777 /tmp "$work/tmp"
# As launchers make them: what they keep is for its owner alone.
state=$work/tmp/walls_state
[ -d $state/ ] && chmod 700 $state/ $state/data $state/data/base
for helper in /usr/bin/newuidmap /usr/bin/newgidmap; do
    [ -e $helper ] && chown 0:0 $helper && chmod 4755 $helper
done

# As systemd leaves it: a slice passes on what its services asked for, and a service has its processes.
groups=/sys/fs/cgroup
echo '+cpuset +cpu +io +memory +pids' > $groups/cgroup.subtree_control
mkdir -p $groups/system.slice/tests.service
echo '+memory +pids' > $groups/system.slice/cgroup.subtree_control

. /suite.sh

# A mask of those that suites may use.
processors=3

# run USER GROUP PROGRAM ARGUMENTS...
run() {
    user=$1 group=$2
    shift 2
    (
        cd /tmp
        echo 0 > "$groups/$group/cgroup.procs"
        case $user in
            root) exec timeout 900 taskset "$processors" "$@";;
            *) exec timeout 900 taskset "$processors" setpriv --reuid "$user" --regid "$user" --clear-groups "$@";;
        esac
    ) 2> "$stderr"
}

. "$work/vm/suites"
[ -s "$work/vm/systemd" ] || finish

# The rest runs under systemd, which takes over as the first process, and finds its control groups as after a boot.
rmdir $groups/system.slice/tests.service $groups/system.slice
mkdir -p /run/systemd/system
cat > /run/systemd/system/suites.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
Environment=work=$work
ExecStart=/bin/sh /systemd.sh
END
exec > /dev/console 2>&1
exec /lib/systemd/systemd --unit=suites.service
