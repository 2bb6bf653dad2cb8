use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::*;

type Way = fn(Wanted<'_>) -> Result<OwnedFd, Errno>;

const WAYS: [Way; 2] = [kernel, by_walk];

/// The kernel does not say where `..` leads while anything on the host is moved; here nothing of ours is.
fn kernel(wanted: Wanted<'_>) -> Result<OwnedFd, Errno> {
    loop {
        match by_kernel(wanted) {
            Err(Errno::AGAIN) => {}
            opened => return opened,
        }
    }
}

fn asked<'a>(top: &'a OwnedFd, path: &'a str, (flags, mode): (OFlags, Mode), links: Links) -> Wanted<'a> {
    Wanted { directory: top.as_fd(), path: OsStr::new(path), flags, mode, links }
}

fn open_top(path: &Path) -> OwnedFd {
    openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap()
}

/// Returns where below `top` an opened file lies, with `/` at the end if it is a directory.
fn place_of(opened: &OwnedFd, top: &Path) -> String {
    let path = fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd())).unwrap();
    let is_directory = path.is_dir();
    let below = path.strip_prefix(top.canonicalize().unwrap()).expect("it lies below").to_str().unwrap();
    format!("{below}{}", if is_directory { "/" } else { "" })
}

const PATH: OFlags = OFlags::PATH;
const READ: OFlags = OFlags::RDONLY;
const CREATE: OFlags = OFlags::WRONLY.union(OFlags::CREATE);
const NEW: OFlags = CREATE.union(OFlags::EXCL);
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

#[test]
fn both_ways_lead_to_the_same() {
    use Links::{Inside, Refused};
    let outside = tempfile::tempdir().unwrap();
    let long_text = format!("{}a", "./".repeat(100));
    let mut rows = vec![
        ("a", PATH, Refused, Ok("a/")),
        (".", PATH, Refused, Ok("/")),
        ("", PATH, Refused, Err(Errno::NOENT)),
        ("a/", PATH, Refused, Ok("a/")),
        ("a//file", READ, Refused, Ok("a/file")),
        ("a/./file", READ, Refused, Ok("a/file")),
        ("a/file", DIRECTORY, Refused, Err(Errno::NOTDIR)),
        ("a/file", PATH | OFlags::DIRECTORY, Refused, Err(Errno::NOTDIR)),
        ("a/file/", READ, Refused, Err(Errno::NOTDIR)),
        ("a/file/..", READ, Refused, Err(Errno::NOTDIR)),
        ("a/absent", READ, Refused, Err(Errno::NOENT)),
        ("absent/file", CREATE, Refused, Err(Errno::NOENT)),
        ("/", PATH, Refused, Err(Errno::XDEV)),
        ("/a", PATH, Inside, Err(Errno::XDEV)),
        ("..", PATH, Refused, Err(Errno::XDEV)),
        ("a/..", PATH, Refused, Ok("/")),
        ("a/../a/file", READ, Refused, Ok("a/file")),
        ("a/../..", PATH, Refused, Err(Errno::XDEV)),
        ("a/../../a", PATH, Inside, Err(Errno::XDEV)),
        ("to_a", PATH, Refused, Err(Errno::LOOP)),
        ("to_a/file", READ, Refused, Err(Errno::LOOP)),
        ("to_a/file", READ, Inside, Ok("a/file")),
        ("to_a", PATH, Inside, Ok("a/")),
        ("to_a/", PATH, Inside, Ok("a/")),
        ("to_a/..", PATH, Inside, Ok("/")),
        ("to_file", READ, Inside, Ok("a/file")),
        ("to_file/", READ, Inside, Err(Errno::NOTDIR)),
        ("a/up", READ, Inside, Ok("a/file")),
        ("out", READ, Inside, Err(Errno::XDEV)),
        ("out", READ, Refused, Err(Errno::LOOP)),
        ("absolute/x", READ, Inside, Err(Errno::XDEV)),
        ("self", READ, Inside, Err(Errno::LOOP)),
        ("chain40", PATH, Inside, Ok("a/")),
        ("chain41", PATH, Inside, Err(Errno::LOOP)),
        ("long", PATH, Inside, Ok("a/")),
        ("a", CREATE, Refused, Err(Errno::ISDIR)),
        ("a/", NEW, Refused, Err(Errno::ISDIR)),
        ("new/", CREATE, Refused, Err(Errno::ISDIR)),
        ("a/file", NEW, Refused, Err(Errno::EXIST)),
        ("to_file", NEW, Refused, Err(Errno::EXIST)),
        ("to_file", CREATE, Refused, Err(Errno::LOOP)),
        ("a/new", NEW, Refused, Ok("a/new")),
        ("a/new", CREATE, Refused, Ok("a/new")),
        ("dangling", CREATE, Inside, Ok("a/made")),
        ("a/fifo", OFlags::WRONLY | OFlags::NONBLOCK, Refused, Err(Errno::NXIO)),
    ];
    let too_long = "n".repeat(256);
    rows.push((&too_long, CREATE, Refused, Err(Errno::NAMETOOLONG)));
    for (number, way) in WAYS.into_iter().enumerate() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir(at("a")).unwrap();
        fs::write(at("a/file"), "").unwrap();
        rustix::fs::mkfifoat(CWD, at("a/fifo"), Mode::RWXU).unwrap();
        let links = [("to_a", "a"), ("to_file", "a/file"), ("a/up", "../to_a/file"), ("out", "../x")];
        let more = [("self", "self"), ("dangling", "a/made"), ("long", &long_text), ("chain1", "a")];
        links.into_iter().chain(more).for_each(|(name, text)| symlink(text, at(name)).unwrap());
        symlink(outside.path(), at("absolute")).unwrap();
        (2..=41).for_each(|n| symlink(format!("chain{}", n - 1), at(&format!("chain{n}"))).unwrap());
        let top = open_top(place.path());
        for (path, flags, links, wanted) in &rows {
            let mode = if flags.contains(OFlags::CREATE) { Mode::RUSR | Mode::WUSR } else { Mode::empty() };
            let opened = way(asked(&top, path, (*flags, mode), *links));
            let found = opened.map(|opened| place_of(&opened, place.path()));
            assert_eq!(
                found.as_deref().map_err(|errno| *errno),
                *wanted,
                "way {number}: {path} {flags:?} {links:?}"
            );
        }
    }
}

#[test]
fn what_a_magic_link_leads_to_is_not_opened() {
    let held = fs::File::open("/").unwrap();
    let top = open_top(Path::new("/proc/self/"));
    for way in WAYS {
        for path in
            [format!("fd/{}", held.as_raw_fd()), "cwd".to_owned(), "root/etc".to_owned(), "exe".to_owned()]
        {
            let error = way(asked(&top, &path, (PATH, Mode::empty()), Links::Inside)).unwrap_err();
            assert_eq!(error, Errno::LOOP, "{path}");
        }
    }
}

/// What there may be of a name.
#[derive(Debug, Clone)]
enum Kind {
    Directory,
    File,
    Link(String),
}

/// Paths of few names, so that they meet each other.
fn paths() -> impl Strategy<Value = String> {
    let names = vec(select(["a", "b", "c", "a", "b", "c", "..", ".", ""].as_slice()), 1..7);
    names.prop_map(|names| names.join("/"))
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![3 => Just(Kind::Directory), 1 => Just(Kind::File), 2 => paths().prop_map(Kind::Link)]
}

/// Makes of the entries what can be made, each in a directory of those before it.
fn make(top: &Path, entries: &[(usize, &'static str, Kind)]) {
    let mut directories = vec![PathBuf::from(top)];
    for (directory, name, kind) in entries {
        let path = directories[directory % directories.len()].join(OsStr::new(name));
        match kind {
            Kind::Directory if fs::create_dir(&path).is_ok() => directories.push(path),
            Kind::File if !path.exists() => {
                let _ = fs::write(path, "");
            }
            Kind::Link(text) => {
                let _ = symlink(text, path);
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// What they make on the way is alike, too: each has a tree of its own.
    #[test]
    fn whatever_the_tree_both_ways_do_the_same(
        entries in vec((0_usize..20, select(["a", "b", "c"].as_slice()), kinds()), 0..20),
        walked in vec((paths(), select([PATH, READ, DIRECTORY, CREATE, NEW].as_slice()), any::<bool>()), 1..20),
    ) {
        let places = WAYS.map(|way| {
            let place = tempfile::tempdir().unwrap();
            make(place.path(), &entries);
            (way, open_top(place.path()), place)
        });
        for (path, flags, follow) in walked {
            let links = if follow { Links::Inside } else { Links::Refused };
            let mode = if flags.contains(OFlags::CREATE) { Mode::RUSR } else { Mode::empty() };
            let [one, other] = places.each_ref().map(|(way, top, place)| {
                way(asked(top, &path, (flags, mode), links)).map(|opened| place_of(&opened, place.path()))
            });
            prop_assert_eq!(one, other, "{} {:?} {:?}", path, flags, links);
        }
    }
}

/// Opens `path` below a directory again and again, while `one` and `other` in it take each other's place.
fn open_while_swapped(
    top: &Path,
    (one, other): (&str, &str),
    path: &str,
    check: impl Fn(Result<OwnedFd, Errno>),
) {
    /// Set at its end, however that comes.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (opened, over) = (open_top(top), AtomicBool::new(false));
    thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                renameat_with(&opened, one, &opened, other, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let ways: [Way; 2] = [by_walk, |Wanted { directory, path, flags, mode, links }| {
            open_below(directory, path, flags, mode, links)
        }];
        for way in ways {
            for round in 0..20_000 {
                let links = if round % 2 == 0 { Links::Inside } else { Links::Refused };
                check(way(asked(&opened, path, (READ, Mode::empty()), links)));
            }
        }
    });
}

#[test]
fn nobody_who_swaps_names_leads_it_outside() {
    // A directory and a link to one outside, then a file and a link to one outside.
    for (one, text, path) in
        [("in", "OUT", "in/file"), ("in", "../outside", "in/file"), ("file", "../outside/file", "file")]
    {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("top/in")).unwrap();
        fs::create_dir(at("outside")).unwrap();
        for (file, text) in [("top/in/file", "inside"), ("top/file", "inside"), ("outside/file", "outside")] {
            fs::write(at(file), text).unwrap();
        }
        symlink(text.replace("OUT", at("outside").to_str().unwrap()), at("top/link")).unwrap();
        open_while_swapped(&at("top"), (one, "link"), path, |opened| match opened {
            Ok(file) => {
                assert_eq!(std::io::read_to_string(fs::File::from(file)).unwrap(), "inside", "{text}")
            }
            Err(errno) => assert!(matches!(errno, Errno::LOOP | Errno::XDEV), "{text}: {errno}"),
        });
    }
}

#[test]
fn the_way_back_leads_where_it_came_from() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    for (directory, text) in [("top", "inside"), ("outside", "outside")] {
        fs::create_dir_all(at(directory).join("in/deep")).unwrap();
        fs::write(at(directory).join("file"), text).unwrap();
    }
    // Directories that were gone through are moved out: above them is then another.
    let path = "top/in/deep/../../../top/file";
    open_while_swapped(place.path(), ("top/in", "outside/in"), path, |opened| {
        let text = std::io::read_to_string(fs::File::from(opened.unwrap())).unwrap();
        assert_eq!(text, "inside");
    });
}
