//! The root file systems of sandboxes: what a Windows program's has around its Wine prefix, and what a native
//! program's has. Pure: the host is described by [`System`].

use std::path::{Path, PathBuf};

use linux_sandbox::{Access, AddressLayout, Mount, Node, Owner};

use super::account::User;
use super::orders;
use super::wine::Wine;

/// Where the Wine prefix lies in the sandbox.
pub(super) const PREFIX: &str = "wine";
/// Wine needs the page of shared user data at 0x7ffe0000. Debian's loader lies 50 MB below that, has no preloader to
/// keep the page free, and since Linux 6.9 the heap begins at random in the GiB behind a program: one start in about
/// ten thousand failed ("failed to map the shared user data").
pub(super) const WINE_LAYOUT: AddressLayout = AddressLayout::Fixed;

/// What of the host's system a Windows program's root is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct System {
    /// `bin`, `lib`, `lib64`, `sbin`: links into /usr on merged systems, directories elsewhere.
    pub(super) entries: Vec<Entry>,
    /// Files that are mapped as they are, where they exist.
    pub(super) files: Vec<PathBuf>,
    /// Directories outside /usr that Wine lies in.
    pub(super) outside: Vec<PathBuf>,
}

/// A top-level entry of the host's system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A link, and what it says.
    Link(String, String),
    /// A directory.
    Directory(String),
}

impl System {
    /// Looks at the host.
    pub(super) fn of_host() -> Self {
        let entry = |name: &str| {
            let path = Path::new("/").join(name);
            match std::fs::read_link(&path) {
                Ok(target) => Some(Entry::Link(name.to_owned(), target.to_string_lossy().into_owned())),
                Err(_) => path.is_dir().then(|| Entry::Directory(name.to_owned())),
            }
        };
        let files = ["/etc/ld.so.cache", "/etc/localtime"].map(PathBuf::from);
        Self {
            entries: ["bin", "lib", "lib64", "sbin"].into_iter().filter_map(entry).collect(),
            files: files.into_iter().filter(|path| path.is_file()).collect(),
            outside: ["/opt/wine-stable", "/opt/wine-devel"]
                .map(PathBuf::from)
                .into_iter()
                .filter(|p| p.is_dir())
                .collect(),
        }
    }
}

const PASSWD: &str =
    "ContainerAdministrator:x:0:0::/home:/bin/false\nContainerUser:x:1000:1000::/home:/bin/false\n";
const GROUP: &str = "ContainerAdministrator:x:0:\nContainerUser:x:1000:\n";
const FONTS: &str = "<?xml version=\"1.0\"?>\n<fontconfig><dir>/usr/share/fonts</dir><cachedir>/tmp/fonts</cachedir></fontconfig>\n";

/// Returns the entries of every root.
fn common(hostname: &str) -> Vec<Node> {
    let directory = |path: &str, mode, owner| Node::Directory { path: path.to_owned(), mode, owner };
    let file = |path: &str, content: &str| Node::File {
        path: path.to_owned(),
        content: content.as_bytes().to_vec(),
        mode: 0o444,
        owner: Owner::Host,
    };
    let link = |path: &str, target: &str| Node::Symlink { path: path.to_owned(), target: target.to_owned() };
    vec![
        directory("tmp", 0o1777, Owner::Host),
        directory("home", 0o700, Owner::Program),
        directory("dev", 0o755, Owner::Host),
        directory("dev/shm", 0o1777, Owner::Host),
        file("etc/passwd", PASSWD),
        file("etc/group", GROUP),
        file("etc/hosts", &format!("127.0.0.1 localhost {hostname}\n::1 localhost {hostname}\n")),
        file("etc/hostname", &format!("{hostname}\n")),
        file("etc/resolv.conf", ""),
        file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
        link("dev/fd", "/proc/self/fd"),
        link("dev/stdin", "/proc/self/fd/0"),
        link("dev/stdout", "/proc/self/fd/1"),
        link("dev/stderr", "/proc/self/fd/2"),
        link("dev/ptmx", "pts/ptmx"),
    ]
}

/// Returns the entries of a root in which Wine runs.
pub(super) fn nodes(system: &System, hostname: &str) -> Vec<Node> {
    let mut nodes = common(hostname);
    nodes.push(Node::File {
        path: "etc/fonts/fonts.conf".to_owned(),
        content: FONTS.into(),
        mode: 0o444,
        owner: Owner::Host,
    });
    nodes.extend(system.entries.iter().filter_map(|entry| match entry {
        Entry::Link(path, target) => Some(Node::Symlink { path: path.clone(), target: target.clone() }),
        Entry::Directory(_) => None,
    }));
    nodes
}

/// Returns the entries of a native program's root.
pub(super) fn native_nodes(hostname: &str) -> Vec<Node> {
    common(hostname)
}

/// Returns what every root has mounted: processes, devices, and what stays writable.
pub(super) fn native_mounts() -> Vec<Mount> {
    let device =
        |name: &str| Mount::Device { source: Path::new("/dev").join(name), target: format!("dev/{name}") };
    let mut mounts = vec![Mount::Proc { target: "proc".to_owned() }, read_only("/sys/devices/system/cpu")];
    mounts.extend(["null", "zero", "full", "random", "urandom", "tty"].map(device));
    mounts.push(Mount::Devpts { target: "dev/pts".to_owned() });
    mounts.extend(["dev/shm", "tmp", "home"].map(Mount::writable));
    mounts
}

/// Returns what a root has mounted in which Wine runs.
pub(super) fn mounts(system: &System, wine: &Wine) -> Vec<Mount> {
    let directories = system.entries.iter().filter_map(|entry| match entry {
        Entry::Directory(name) => Some(read_only(&format!("/{name}"))),
        Entry::Link(..) => None,
    });
    let rest = system.files.iter().chain(&system.outside).map(|path| read_only(&path.to_string_lossy()));
    let mut mounts = vec![read_only("/usr")];
    mounts.extend(directories.chain(rest));
    let (server, plain) = (wine.server(), wine.loader.with_file_name("wineserver"));
    if server != plain {
        // The loader starts what has the plain name, and on Debian that is a shell script.
        let target = plain.to_string_lossy().trim_start_matches('/').to_owned();
        mounts.push(Mount::Bind { source: server, target, access: Access::ReadOnly, owner: Owner::Host });
    }
    mounts.extend(native_mounts());
    mounts
}

/// Maps a part of the host to the same place, only to be read.
fn read_only(path: &str) -> Mount {
    let target = path.trim_start_matches('/').to_owned();
    Mount::Bind { source: path.into(), target, access: Access::ReadOnly, owner: Owner::Host }
}

/// The orders and the note of the agent.
pub(super) fn agent_nodes(orders: Vec<u8>) -> [Node; 2] {
    let file = |path: &str, content, mode| Node::File {
        path: path.to_owned(),
        content,
        mode,
        owner: Owner::Program,
    };
    [file(orders::ORDERS, orders, 0o400), file(orders::NOTE, vec![0; linux_sandbox::NOTE_LEN], 0o600)]
}

/// The environment of Wine's loader, which makes `user`'s of it: USERNAME and USERPROFILE. Nothing of ours or the host's is
/// in it, nor of the program's.
pub(super) fn wine_environment(user: User) -> Vec<String> {
    let set = [
        ("HOME", "/home"),
        ("LANG", "C.UTF-8"),
        ("PATH", "/usr/bin:/bin"),
        ("USER", user.name()),
        ("WINEDEBUG", "-all"),
        ("WINEPREFIX", "/wine"),
    ];
    set.map(|(name, value)| format!("{name}={value}")).to_vec()
}
