//! Overlays of opened directories.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, StatVfsMountFlags, fstat, fstatvfs, statat};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use rustix::process::chdir;

use crate::attached::while_attached;
use crate::plain_user::is_host_namespace;
use crate::plan::Ids;
use crate::stage::{give, make_file_system, open_inside};

/// Directories for an overlay: each layer, and what holds the upper and the work directory, is a detached mount.
#[derive(Debug)]
pub(crate) struct Overlay {
    /// Topmost first.
    lower: Vec<OwnedFd>,
    scratch: OwnedFd,
    upper: OwnedFd,
    work: OwnedFd,
}

impl Overlay {
    /// Opens the upper and the work directory in `scratch`, and gives them to `owner`.
    pub(crate) fn open(
        lower: Vec<OwnedFd>,
        scratch: OwnedFd,
        upper: &str,
        work: &str,
        owner: Option<Ids>,
    ) -> io::Result<Self> {
        let [upper, work] = [upper, work].map(|name| directory(scratch.as_fd(), name));
        let (upper, work) = (upper?, work?);
        give_all(upper.as_fd(), owner)?;
        give(&work, owner)?;
        Ok(Self { lower, scratch, upper, work })
    }

    /// Mounts it, detached and writable.
    pub(crate) fn mount(&self) -> io::Result<OwnedFd> {
        // The kernel takes detached directories since Linux 6.15.
        let made = match self.make("/proc/self/fd/") {
            Err(Errno::INVAL) => self.mount_attached()?,
            made => made?,
        };
        // The kernel's way where it cannot make something in the work directory: it mounts all the same, read-only.
        if fstatvfs(&made)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
            let reason = "the kernel made it read-only: is there no room left for its work directory?";
            return Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, reason));
        }
        Ok(made)
    }

    /// Mounts it from directories that are attached for that time.
    fn mount_attached(&self) -> io::Result<OwnedFd> {
        let trees = self.lower.iter().chain([&self.scratch]);
        let made = while_attached(trees, || {
            // Where the kernel takes all layers in one value of 256 bytes, short names leave room for more.
            chdir(c"/proc/self/fd")?;
            self.make("")
        });
        Ok(made??)
    }

    /// Each directory is named by its descriptor: what was opened is what is mounted, whatever became of its path.
    fn make(&self, prefix: &str) -> Result<OwnedFd, Errno> {
        let name = |fd: &OwnedFd| format!("{prefix}{}", fd.as_raw_fd());
        let mut rest =
            vec![("upperdir", name(&self.upper)), ("workdir", name(&self.work)), ("xino", "off".to_owned())];
        if !is_host_namespace().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))? {
            // What it notes about files is else written where only the host's root may.
            rest.push(("userxattr", String::new()));
        }
        let lower: Vec<String> = self.lower.iter().map(name).collect();
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let mount = |layers: Vec<(&str, String)>| {
            let options: Vec<_> = layers.into_iter().chain(rest.clone()).collect();
            make_file_system(
                "overlay",
                options.iter().map(|(name, value)| (*name, value.as_str())),
                attributes,
            )
        };
        // One by one from Linux 6.5 on; before, all in one value, of which the kernel takes 256 bytes.
        match mount(lower.iter().map(|layer| ("lowerdir+", layer.clone())).collect()) {
            Err(Errno::INVAL) => mount(vec![("lowerdir", lower.join(":"))]),
            mounted => mounted,
        }
    }
}

fn directory(above: BorrowedFd<'_>, name: impl AsRef<OsStr>) -> io::Result<OwnedFd> {
    Ok(open_inside(above, name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?)
}

/// Tells whether a name is the directory's own, or that of the one above.
fn is_dots(name: &OsStr) -> bool {
    matches!(name.as_bytes(), b"." | b"..")
}

/// Returns what a name in a directory is, where reading the directory has not told: some file systems know no kinds
/// (readdir(3)).
fn kind(told: FileType, above: BorrowedFd<'_>, name: &OsStr) -> io::Result<FileType> {
    match told {
        FileType::Unknown => {
            Ok(FileType::from_raw_mode(statat(above, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode))
        }
        told => Ok(told),
    }
}

/// Gives away a directory, and the directories and files in it; it is new, and nothing but what we put there is in it.
fn give_all(top: BorrowedFd<'_>, owner: Option<Ids>) -> io::Result<()> {
    give(&top, owner)?;
    for entry in Dir::read_from(top)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        match kind(entry.file_type(), top, name)? {
            FileType::Directory if !is_dots(name) => give_all(directory(top, name)?.as_fd(), owner)?,
            FileType::RegularFile => {
                give(&open_inside(top, name, OFlags::PATH, Mode::empty())?, owner)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Gives away the directories of an overlay that are `of_others`, so that in them can be made, replaced and removed what
/// could be if the layers were shown as `owner`'s. The layers stay as they are: the upper directory notes it.
pub(crate) fn give_directories(
    top: BorrowedFd<'_>,
    of_others: &BTreeSet<Ids>,
    owner: Option<Ids>,
) -> io::Result<()> {
    if of_others.is_empty() {
        return Ok(());
    }
    let stat = fstat(top)?;
    if of_others.contains(&Ids { uid: stat.st_uid, gid: stat.st_gid }) {
        match give(&top, owner) {
            // Whoever is not root of the host cannot: it is as others may.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            given => given?,
        }
    }
    // A mount's own descriptor is good for its path alone.
    for entry in Dir::new(directory(top, ".")?)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if kind(entry.file_type(), top, name)? == FileType::Directory && !is_dots(name) {
            let below = open_inside(top, name, OFlags::PATH, Mode::empty())?;
            give_directories(below.as_fd(), of_others, owner)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::plan::{Account, Ownership};
    use crate::skipped::is_root;
    use crate::stage::clone_tree;
    use crate::user::{Guest, Shown};

    /// Reads a file below a detached mount, and who owns it.
    fn read(mount: &OwnedFd, path: &str) -> (String, u32) {
        let file = open_inside(mount, path, OFlags::RDONLY, Mode::empty()).unwrap();
        let owner = rustix::fs::fstat(&file).unwrap().st_uid;
        (std::io::read_to_string(fs::File::from(file)).unwrap(), owner)
    }

    #[test]
    fn layers_are_the_account_s_whichever_way_the_kernel_takes_them() {
        if !is_root("layers_are_the_account_s_whichever_way_the_kernel_takes_them") {
            return;
        }
        let place = tempfile::tempdir().unwrap();
        // More than fit in one option of old kernels, if their names were long.
        let names: Vec<String> =
            ["one", "two"].map(str::to_owned).into_iter().chain((3..40).map(|n| n.to_string())).collect();
        for directory in names.iter().map(String::as_str).chain(["scratch/up", "scratch/work"]) {
            fs::create_dir_all(place.path().join(directory)).unwrap();
        }
        for (path, text) in [("one/a", "1"), ("two/a", "2"), ("two/b", "2")] {
            fs::write(place.path().join(path), text).unwrap();
        }
        let (root, host) = (Ids { uid: 0, gid: 0 }, Ids { uid: 0x5000_0001, gid: 0x5000_0001 });
        let account = Account { inside: root, host, system: None, ownership: Ownership::Required };
        let mut guest = Guest::new(account).unwrap();
        let mut tree = |path: &str, owner: Option<Ids>| {
            let path = place.path().join(path);
            let opened = fs::File::open(&path).unwrap();
            let tree = clone_tree(opened.as_fd(), Path::new("layer")).unwrap();
            let taken = owner.map(|owner| guest.take(&tree, owner, &path.display()).unwrap());
            assert!(taken.is_none_or(|shown| shown == Shown::AsOwn));
            tree
        };
        let ways: [fn(&Overlay) -> io::Result<OwnedFd>; 2] = [Overlay::mount, Overlay::mount_attached];
        for mount in ways {
            let layers = names.iter().map(|path| tree(path, Some(root))).collect();
            let scratch = tree("scratch", None);
            let overlay = Overlay::open(layers, scratch, "up", "work", Some(host)).unwrap();
            let merged = mount(&overlay).unwrap();
            assert_eq!(read(&merged, "a"), ("1".to_owned(), host.uid));
            assert_eq!(read(&merged, "b"), ("2".to_owned(), host.uid));
            assert_eq!(rustix::fs::fstat(&merged).unwrap().st_uid, host.uid);
        }
    }

    #[test]
    fn kinds_are_found_where_a_directory_does_not_tell_them() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        fs::create_dir(place.path().join("directory")).unwrap();
        std::os::unix::fs::symlink("file", place.path().join("link")).unwrap();
        let above = fs::File::open(place.path()).unwrap();
        for (told, name, wanted) in [
            (FileType::Unknown, "file", FileType::RegularFile),
            (FileType::Unknown, "directory", FileType::Directory),
            (FileType::Unknown, "link", FileType::Symlink),
            (FileType::Unknown, ".", FileType::Directory),
            (FileType::Fifo, "file", FileType::Fifo),
        ] {
            assert_eq!(kind(told, above.as_fd(), name.as_ref()).unwrap(), wanted, "{told:?} {name:?}");
        }
        let error = kind(FileType::Unknown, above.as_fd(), "none".as_ref()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_has_a_name_in_any_encoding_is_given_away() {
        if !is_root("what_has_a_name_in_any_encoding_is_given_away") {
            return;
        }
        let (own, host) = (Ids { uid: 0, gid: 0 }, Ids { uid: 12345, gid: 12345 });
        type Give = fn(BorrowedFd<'_>, Ids, Ids) -> io::Result<()>;
        let ways: [Give; 2] = [
            |top, _, host| give_all(top, Some(host)),
            |top, own, host| give_directories(top, &BTreeSet::from([own]), Some(host)),
        ];
        for (give, has_file) in ways.into_iter().zip([true, false]) {
            let place = tempfile::tempdir().unwrap();
            let name = OsStr::from_bytes(b"\xff\xfe");
            let directory = place.path().join(name);
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join(name), "").unwrap();
            give(fs::File::open(place.path()).unwrap().as_fd(), own, host).unwrap();
            let owner_of = |path: &Path| std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).unwrap());
            let file = if has_file { host.uid } else { own.uid };
            assert_eq!([owner_of(&directory), owner_of(&directory.join(name))], [host.uid, file]);
        }
    }

    #[test]
    fn directories_of_layers_are_given_away_and_the_layers_stay() {
        if !is_root("directories_of_layers_are_given_away_and_the_layers_stay") {
            return;
        }
        let place = tempfile::tempdir().unwrap();
        let at = |path: &str| place.path().join(path);
        for directory in ["one/a/gone", "two/a/b", "two/other/in", "scratch/up", "scratch/work"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        fs::write(at("two/a/b/file"), "text").unwrap();
        std::os::unix::fs::chown(at("two/other"), Some(7), Some(7)).unwrap();
        let [one, two, scratch] = ["one", "two", "scratch"]
            .map(|path| clone_tree(fs::File::open(at(path)).unwrap().as_fd(), Path::new(path)).unwrap());
        let (root, host) = (Ids { uid: 0, gid: 0 }, Ids { uid: 12345, gid: 12345 });
        let overlay = Overlay::open(vec![one, two], scratch, "up", "work", Some(host)).unwrap();
        let merged = overlay.mount().unwrap();
        give_directories(merged.as_fd(), &BTreeSet::from([root]), Some(host)).unwrap();
        let owner_of = |top: &OwnedFd, path| {
            rustix::fs::fstat(open_inside(top, path, OFlags::PATH, Mode::empty()).unwrap()).unwrap().st_uid
        };
        for (path, owner) in [
            (".", 12345),
            ("a", 12345),
            ("a/gone", 12345),
            ("a/b", 12345),
            ("a/b/file", 0),
            ("other", 7),
            ("other/in", 12345),
        ] {
            assert_eq!(owner_of(&merged, path), owner, "{path}");
        }
        let layers = fs::File::open(place.path()).unwrap().into();
        for path in ["one", "one/a", "two/a/b", "two/other/in"] {
            assert_eq!(owner_of(&layers, path), 0, "{path}");
        }
    }

    #[test]
    fn one_that_cannot_be_written_is_refused() {
        if !is_root("one_that_cannot_be_written_is_refused") {
            return;
        }
        let place = tempfile::tempdir().unwrap();
        let lower = || clone_tree(fs::File::open(place.path()).unwrap().as_fd(), Path::new("layer")).unwrap();
        // The root of the file system is one of them, and so are both directories; the kernel makes a third.
        for (files, is_mounted) in [("3", false), ("100", true)] {
            let options = [("nr_inodes", files), ("mode", "700")];
            let disk = make_file_system("tmpfs", options.into_iter(), MountAttrFlags::empty()).unwrap();
            for name in ["up", "work"] {
                rustix::fs::mkdirat(&disk, name, Mode::RWXU).unwrap();
            }
            let overlay = Overlay::open(vec![lower()], disk, "up", "work", None).unwrap();
            let mounted = overlay.mount();
            assert_eq!(mounted.is_ok(), is_mounted, "{files} files: {mounted:?}");
        }
    }
}
