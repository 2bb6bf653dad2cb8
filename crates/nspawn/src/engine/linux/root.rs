//! The root file systems of sandboxes: what a Windows program's has around its Wine prefix, and what a native
//! program's has. Pure, but for that of the base layer's making: the host is described by [`System`].

use std::path::{Path, PathBuf};

use linux_sandbox::{Access, AddressLayout, Mount, Node, Owner};

use super::account::User;
use super::libraries::{self, Libraries};
use super::loader_cache;
use super::orders;
use super::wine::Wine;

/// Where the Wine prefix lies in the sandbox.
pub(super) const PREFIX: &str = "wine";
/// Wine needs the page of shared user data at 0x7ffe0000. Debian's loader lies 50 MB below that, has no preloader to
/// keep the page free, and since Linux 6.9 the heap begins at random in the GiB behind a program: one start in about
/// ten thousand failed ("failed to map the shared user data").
pub(super) const WINE_LAYOUT: AddressLayout = AddressLayout::Fixed;

/// What of the host's system a Windows program's root is made of, besides Wine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct System {
    /// Shared libraries.
    pub(super) libraries: Libraries,
    /// Files and directories that are mapped as they are, where they exist.
    pub(super) files: Vec<PathBuf>,
    /// Directories that are seen empty, where they exist.
    pub(super) masked: Vec<String>,
}

impl System {
    /// Looks at the host; the libraries are another's to find.
    pub(super) fn of_host() -> Self {
        let files = FILES.map(PathBuf::from).into_iter().filter(|path| path.exists());
        let masked = MASKED.into_iter().filter(|path| Path::new("/").join(path).is_dir());
        Self {
            libraries: Libraries::new(),
            files: files.collect(),
            masked: masked.map(str::to_owned).collect(),
        }
    }
}

/// The time zone, and what makes file names UTF-8: the C library has its C.UTF-8 in files.
const FILES: [&str; 2] = ["/etc/localtime", "/usr/lib/locale/C.utf8"];

/// What of the mapped part of /sys tells more than how many processors there are, and of which sort: by which faults of
/// theirs the host can be attacked.
const MASKED: [&str; 1] = ["sys/devices/system/cpu/vulnerabilities"];

/// An empty directory, to be seen instead of others.
const NOTHING: &str = "etc/empty";

/// Where Debian's dynamic loader looks for libraries of x86-64, in the place of its own directory.
const DEBIAN_LIBRARIES: &str = "lib/x86_64-linux-gnu";

/// How a session begins, before the program runs in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum StartUp {
    /// The agent does all that is needed, and starts the services that are asked for.
    #[default]
    Agent,
    /// Wine's own starter does, and starts its services: for a Wine with which the agent's way fails.
    Stock,
}

impl StartUp {
    /// The file of a base layer that says why its sessions must begin as Wine begins them.
    pub(super) const MARK: &str = "stock_start_up";

    /// Returns how sessions begin on a base layer.
    pub(super) fn of(layer: &Path) -> Self {
        if layer.join(Self::MARK).is_file() { Self::Stock } else { Self::Agent }
    }

    /// Returns the programs of Wine's that must not start, as Wine takes it from the environment.
    fn overrides(self) -> &'static str {
        match self {
            Self::Agent => "WINEDLLOVERRIDES=wineboot.exe,winedbg.exe=d",
            Self::Stock => "WINEDLLOVERRIDES=winemenubuilder.exe,winedbg.exe=d",
        }
    }
}

const PASSWD: &str =
    "ContainerAdministrator:x:0:0::/home:/bin/false\nContainerUser:x:1000:1000::/home:/bin/false\n";
const GROUP: &str = "ContainerAdministrator:x:0:\nContainerUser:x:1000:\n";

/// No fonts but Wine's own, which it finds by itself. Without the file the library complains on standard error.
const FONTS: &str = "<?xml version=\"1.0\"?>\n<fontconfig><cachedir>/tmp/fonts</cachedir></fontconfig>\n";

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
        directory(NOTHING, 0o555, Owner::Host),
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
pub(super) fn nodes(hostname: &str) -> Vec<Node> {
    let mut nodes = wine_nodes(hostname);
    let target = format!("/{}", libraries::DIRECTORY);
    nodes.push(Node::Symlink { path: DEBIAN_LIBRARIES.to_owned(), target });
    nodes
}

fn wine_nodes(hostname: &str) -> Vec<Node> {
    let mut nodes = common(hostname);
    nodes.push(Node::File {
        path: "etc/fonts/fonts.conf".to_owned(),
        content: FONTS.into(),
        mode: 0o444,
        owner: Owner::Host,
    });
    nodes
}

/// Returns the entries of a native program's root.
pub(super) fn native_nodes(hostname: &str) -> Vec<Node> {
    common(hostname)
}

/// Returns what every root has mounted: processes, devices, and what stays writable.
pub(super) fn native_mounts(system: &System) -> Vec<Mount> {
    let device =
        |name: &str| Mount::Device { source: Path::new("/dev").join(name), target: format!("dev/{name}") };
    let mask = |path: &String| Mount::Own {
        source: NOTHING.to_owned(),
        target: path.clone(),
        access: Access::ReadOnly,
    };
    let mut mounts =
        vec![Mount::Proc { target: "proc".to_owned() }, read_only(Path::new("/sys/devices/system/cpu"))];
    mounts.extend(system.masked.iter().map(mask));
    mounts.extend(["null", "zero", "full", "random", "urandom", "tty"].map(device));
    mounts.push(Mount::Devpts { target: "dev/pts".to_owned() });
    mounts.extend(["dev/shm", "tmp", "home"].map(Mount::writable));
    mounts
}

/// Returns what a root has mounted in which Wine runs.
pub(super) fn mounts(system: &System, wine: &Wine) -> Vec<Mount> {
    // First, since Wine may lie in somebody's home.
    let mut mounts = native_mounts(system);
    mounts.extend(system.libraries.iter().map(|(place, path)| bind(path, place.clone())));
    mounts.extend(system.files.iter().chain(&wine.parts()).map(|path| read_only(path)));
    mounts.extend(plain_server(wine));
    mounts
}

/// The directories that programs of a host are in. On merged systems those that are not `/usr` are links into it.
const SYSTEM: [&str; 5] = ["usr", "bin", "lib", "lib64", "sbin"];

/// Returns the entries of the root in which the base layer is made: by Wine and a shell, which are trusted with all
/// programs of the host.
pub(super) fn making_nodes(hostname: &str) -> Vec<Node> {
    let mut nodes = wine_nodes(hostname);
    nodes.extend(SYSTEM.iter().filter_map(|path| {
        let target = std::fs::read_link(Path::new("/").join(path)).ok()?;
        Some(Node::Symlink { path: (*path).to_owned(), target: target.to_string_lossy().into_owned() })
    }));
    nodes
}

/// Returns what is mounted there.
pub(super) fn making_mounts(system: &System, wine: &Wine) -> Vec<Mount> {
    let directories = SYSTEM.iter().map(|name| Path::new("/").join(name));
    let real = directories.filter(|path| path.is_dir() && !path.is_symlink());
    let mut mounts = native_mounts(system);
    mounts.extend(real.map(|path| read_only(&path)));
    mounts.push(read_only(Path::new(loader_cache::FILE)));
    let outside = wine.parts().into_iter().filter(|path| !path.starts_with("/usr"));
    mounts.extend(outside.map(|path| read_only(&path)));
    mounts.extend(plain_server(wine));
    mounts
}

/// The loader starts the server that has the plain name, and on Debian that is a shell script.
fn plain_server(wine: &Wine) -> Option<Mount> {
    let plain = wine.loader.with_file_name("wineserver");
    (wine.server != plain).then(|| bind(&wine.server, inside(&plain)))
}

/// Maps a part of the host to the same place, only to be read.
fn read_only(path: &Path) -> Mount {
    bind(path, inside(path))
}

fn bind(source: &Path, target: String) -> Mount {
    Mount::Bind { source: source.into(), target, access: Access::ReadOnly, owner: Owner::Host }
}

fn inside(path: &Path) -> String {
    path.to_string_lossy().trim_start_matches('/').to_owned()
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

/// The environment of a session.
pub(super) fn session_environment(start_up: StartUp, user: User) -> Vec<String> {
    let mut environment = wine_environment(user);
    environment.push(start_up.overrides().to_owned());
    environment
}
