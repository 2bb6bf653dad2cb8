//! The host's shared libraries that Wine needs: found once, and kept in a list that says what it was made of.
//!
//! ```text
//! <data>/base/<key>.libraries      the list, JSON
//! ```
//!
//! Each library is mapped by itself, from where it lies: nothing is copied that would have to follow the host's
//! updates, and its pages are the same memory for the host and all containers.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::elf::Uses;
use super::loader_cache::{self, LoaderCache};
use super::wine::Wine;
use crate::error::{Error, ErrorKind, Result};
use crate::host::random;
use crate::program::Width;

/// Libraries by where they are seen in a root, and where each lies on the host.
pub(super) type Libraries = BTreeMap<String, PathBuf>;

/// The directories of libraries in a root: of 64-bit ones, and of 32-bit ones. The dynamic loaders are in them, which all
/// programs name by their paths and which look there, the 32-bit one as its last place.
pub(super) const DIRECTORY: &str = "lib64";
const DIRECTORY_32: &str = "lib";

/// The dynamic loaders.
const LOADER: &str = "ld-linux-x86-64.so.2";
const LOADER_32: &str = "ld-linux.so.2";

/// What no library names, and glibc loads besides its loader: what unwinds the stack of a thread that ends, and, before
/// 2.34, what reads `/etc/hosts` and asks name servers.
const ALWAYS: [&str; 3] = ["libgcc_s.so.1", "libnss_dns.so.2", "libnss_files.so.2"];

/// What is of no use in a container that has no screen, no sound, no devices, no printer and no system
/// bus: the beginnings of the names of libraries. They would bring in more than all the rest: OpenGL alone has a
/// compiler. Wine does without those that it loads by name; a part of it that cannot be loaded without one of them is
/// absent, as on a host that lacks the library. (Not so fontconfig, though no fonts of the host are seen: without it
/// Wine 8 cannot make windows, and starts its desktop again and again.)
const LEFT_OUT: [&[&str]; 4] = [
    // Drawing and computing by graphics processors.
    &["libEGL", "libGL", "libOSMesa", "libOpenCL", "libvulkan"],
    // Screens, keyboards, game pads.
    &["libX", "libwayland-", "libxkb", "libSDL"],
    // Sound and video.
    &["libasound", "libpulse", "libav", "libgst", "libsw"],
    // Cameras, cards, network cards and whatever else is plugged in; printers; the bus by which the host tells of them.
    &[
        "libgphoto2",
        "libsane",
        "libv4l",
        "libudev",
        "libusb",
        "libcapi20",
        "libpcsclite",
        "libpcap",
        "libcups",
        "libdbus",
    ],
];

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.iter().copied().flatten().any(|left_out| name.starts_with(left_out))
}

/// Returns the libraries that `wine` needs, from the list below `bases`, which is made anew where it is absent or
/// something that it was made of has changed since.
///
/// # Errors
/// The disk's; Wine's files cannot be read.
pub(super) fn ensure(list: &Path, wine: &Wine) -> Result<Libraries> {
    let kept = fs::read(list).ok().and_then(|text| serde_json::from_slice::<List>(&text).ok());
    if let Some(list) = kept.filter(List::holds) {
        return Ok(list.libraries);
    }
    let made = List::new(wine)?;
    made.write(list, &partial_of(list, random()?))
        .map_err(|error| Error::io("write", list.display().to_string(), error))?;
    Ok(made.libraries)
}

/// Finds the libraries that `wine` needs.
///
/// # Errors
/// Wine's files cannot be read, or the host lacks its C library.
pub(super) fn find(wine: &Wine) -> Result<Libraries> {
    let mut libraries = Libraries::new();
    for (width, modules) in wine.modules()? {
        let (directory, loader) = match width {
            Width::Bits64 => (DIRECTORY, LOADER),
            Width::Bits32 => (DIRECTORY_32, LOADER_32),
        };
        let found = find_for(&modules, &LoaderCache::of_host(width), loader)?;
        libraries.extend(found.into_iter().map(|(name, path)| (format!("{directory}/{name}"), path)));
    }
    Ok(libraries)
}

/// Libraries by the name that the dynamic loader looks for.
type Found = BTreeMap<String, PathBuf>;

/// Finds what some of Wine's files need, all of one size of addresses.
fn find_for(modules: &[PathBuf], cache: &LoaderCache, loader: &str) -> Result<Found> {
    let inspect = |path: &Path| {
        let file = fs::read(path).map_err(|error| Error::io("read", path.display().to_string(), error))?;
        Ok(Uses::of(&file).unwrap_or_default())
    };
    let uses = modules.iter().map(|path| inspect(path)).collect::<Result<Vec<_>>>()?;
    let own = |name: &str| modules.iter().any(|module| module.file_name().is_some_and(|own| own == name));
    let resolve = |name: &str| if own(name) { None } else { cache.find(name) };
    let found = closure(&uses, loader, &resolve, &inspect)?;
    if !found.contains_key(loader) {
        return Err(Error::new(ErrorKind::Host, "find", loader).reason("Wine's programs need it"));
    }
    Ok(found)
}

/// Follows what Wine's files use, and what that needs. What `resolve` does not find is Wine's own or absent.
fn closure(
    wine: &[Uses],
    loader: &str,
    resolve: &dyn Fn(&str) -> Option<PathBuf>,
    inspect: &dyn Fn(&Path) -> Result<Uses>,
) -> Result<Found> {
    let loadable = wine.iter().filter(|uses| !uses.needed.iter().any(|name| is_left_out(name)));
    let used = loadable.flat_map(|uses| uses.needed.iter().chain(&uses.named));
    let mut names: Vec<String> = used.filter(|name| !is_left_out(name)).cloned().collect();
    names.extend(ALWAYS.iter().copied().chain([loader]).map(str::to_owned));
    let mut found = Found::new();
    while let Some(name) = names.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let Some(path) = resolve(&name) else { continue };
        names.extend(inspect(&path)?.needed);
        found.insert(name, path);
    }
    Ok(found)
}

/// A list of libraries, and the state of everything it was made of.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    made_of: Vec<Stamp>,
    libraries: Libraries,
}

impl List {
    fn new(wine: &Wine) -> Result<Self> {
        // Before they are read: what changes meanwhile makes the list anew.
        let unix = wine.unix();
        let before = [&wine.loader, &wine.server, &unix, Path::new(loader_cache::FILE)].map(Stamp::of);
        let of_part_32 =
            wine.part_32.iter().flat_map(|part| [Stamp::of(&part.loader), Stamp::of(&part.unix())]);
        let before: Vec<_> = before.into_iter().chain(of_part_32).collect();
        let libraries = find(wine)?;
        let made_of =
            before.into_iter().chain(libraries.values().map(|path| Stamp::of(path))).flatten().collect();
        Ok(Self { made_of, libraries })
    }

    fn holds(&self) -> bool {
        self.made_of.iter().all(|stamp| Stamp::of(&stamp.path).as_ref() == Some(stamp))
    }

    /// Writes it in one step, at `partial` first: others may be reading, and writing the same.
    fn write(&self, path: &Path, partial: &Path) -> std::io::Result<()> {
        fs::write(partial, serde_json::to_vec(self)?)?;
        keep(partial, path)
    }
}

/// Returns a name beside `path` that nobody else has who drew another number: not another thread, nor who has our pid in
/// another namespace.
fn partial_of(path: &Path, number: [u8; 8]) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{:016x}.partial", u64::from_ne_bytes(number)));
    partial.into()
}

/// Moves a list to its place. Where it is gone, it was taken for what a killed launcher had left, and removed: then there
/// is none, and the next launcher makes one.
fn keep(partial: &Path, path: &Path) -> std::io::Result<()> {
    match fs::rename(partial, path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}

/// What tells one state of a file from another.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    path: PathBuf,
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
        Some(Self {
            path: path.to_owned(),
            inode: metadata.ino(),
            size: metadata.size(),
            seconds,
            nanoseconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn threads_write_a_list_at_once() {
        const THREADS: usize = 8;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("wine_x.libraries");
        let list =
            List { made_of: Vec::new(), libraries: Libraries::from([("lib64/x".into(), "/x".into())]) };
        let begin = Barrier::new(THREADS);
        let write = || {
            begin.wait();
            (0..50).try_for_each(|_| list.write(&path, &partial_of(&path, random().unwrap())))
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(write)).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
        });
        let names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names, std::slice::from_ref(&path), "nothing is left beside it");
        let kept: List = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(kept.libraries, list.libraries);
    }

    #[test]
    fn no_two_lists_being_written_have_one_name() {
        let list = Path::new("/d/wine_x.libraries");
        let [one, other] = [(); 2].map(|()| partial_of(list, random().unwrap()));
        assert_ne!(one, other);
        assert_eq!(one.extension(), Some("partial".as_ref()), "so gc knows it");
    }

    #[test]
    fn a_list_that_was_cleared_away_half_made_is_no_failure() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("made"), "").unwrap();
        keep(&at("made"), &at("list")).unwrap();
        keep(&at("made"), &at("list")).unwrap();
        assert!(at("list").exists());
        fs::create_dir(at("directory")).unwrap();
        fs::write(at("made"), "").unwrap();
        assert!(keep(&at("made"), &at("directory")).is_err(), "another failure is one");
    }
}
