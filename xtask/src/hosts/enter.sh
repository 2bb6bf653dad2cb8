# enter.sh ROOT WORKSPACE TARGET DIRECTORY COMMAND...: runs a command in another root, with this host's devices, processes
# and control groups. Workspace and target directory lie where they lie on the host; what tests write is the root's own.
# The mount namespace is ours alone. Not by chroot: there the kernel makes no user namespaces.
set -e
root=$1 workspace=$2 target=$3 directory=$4
shift 4

mount --bind "$root" "$root"
cd "$root"
for tree in proc sys dev; do
    mount --rbind /$tree $tree
done
mkdir -p scratch ".$workspace"
mount --bind -o ro "$workspace" ".$workspace"
mkdir -p ".$target"
mount --bind -o ro "$target" ".$target"
mount --bind scratch ".$target/tmp"
pivot_root . mnt
umount --lazy /mnt
cd "$directory"
exec "$@"
