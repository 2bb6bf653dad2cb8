//! Host files and directories of a container, opened once and by descriptor. What a container could change is never
//! looked at by a path twice.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use linux_sandbox::{Links, open_below};
use rustix::fs::{CWD, Dir, FileType, Gid, Mode, OFlags, Uid, openat};
use rustix::io::Errno;

use super::host_mounts;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{self, Match};
use crate::program::{self, Machine, Program};
use crate::spec::RelativePath;

/// Opens a host directory that shall be mapped, the value of `key`.
///
/// # Errors
/// `NotFound` or `InvalidSpec`: absent, no directory, or, once links are resolved, a directory that must not be
/// mapped: the root, /proc, /sys, /dev, one of `own_roots`, or one with a file system of the kernel's in it.
pub(super) fn open_directory(key: &str, path: &Path, own_roots: &[PathBuf]) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat(CWD, path, flags, Mode::empty()).map_err(|errno| {
        let kind = if errno == Errno::NOENT { ErrorKind::NotFound } else { ErrorKind::InvalidSpec };
        Error::new(kind, "open", format!("{key} {}", path.display())).source(std::io::Error::from(errno))
    })?;
    let real = std::fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()))
        .map_err(|error| Error::io("resolve", path.display().to_string(), error))?;
    crate::paths::check_host(key, &real, own_roots)?;
    host_mounts::check(key, &real)?;
    Ok(opened)
}

/// `OVERLAYFS_SUPER_MAGIC` of linux/magic.h.
const OVERLAY: i64 = 0x794C_7630;

/// Tells whether a directory, which may be absent, lies on an overlay.
///
/// # Errors
/// The disk's.
pub(super) fn is_overlay(path: &Path) -> Result<bool> {
    let there = existing(path);
    let found = rustix::fs::statfs(there)
        .map_err(|errno| Error::io("inspect", there.display().to_string(), errno))?;
    Ok(found.f_type == OVERLAY)
}

/// Returns the deepest directory of a path that is there.
pub(super) fn existing(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"))
}

/// Says that a directory cannot hold layers.
pub(super) fn on_overlay(path: &Path) -> Error {
    Error::new(ErrorKind::Unsupported, "keep layers in", path.display().to_string())
        .reason("it lies on an overlay file system, which cannot hold parts of another")
        .with_hint("name a directory on a disk or a volume: --root DIR")
}

/// Duplicates one of the launcher's standard handles for the program.
///
/// # Errors
/// It is a directory: by it the program would walk out of the container.
pub(super) fn standard(name: &str, fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    let subject = || format!("standard {name}");
    let stat = rustix::fs::fstat(fd).map_err(|errno| Error::io("inspect", subject(), errno))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Err(Error::invalid(subject(), "is a directory, and no program may be given one"));
    }
    fd.try_clone_to_owned().map_err(|error| Error::io("duplicate", subject(), error))
}

/// The executable as it lies on disk.
#[derive(Debug)]
pub(super) struct Executable {
    /// Its path as spelled there.
    pub(super) path: RelativePath,
    /// What it is.
    pub(super) program: Program,
}

/// Finds the executable below its directory, comparing names as Windows does, and looks at it.
///
/// # Errors
/// `ProgramNotFound`, `ProgramNotExecutable`, or `InvalidSpec` where two names differ only by case.
pub(super) fn find_executable(
    directory: BorrowedFd<'_>,
    path: &RelativePath,
    machine: Machine,
) -> Result<Executable> {
    let spelled =
        spell(directory, path.components(), Missing::Refuse).map_err(|error| match error.kind() {
            ErrorKind::NotFound => error.with_kind(ErrorKind::ProgramNotFound),
            _ => error,
        })?;
    let refused = |reason: &str| {
        Error::new(ErrorKind::ProgramNotExecutable, "execute", format!("{path}")).reason(reason)
    };
    let failed = |error: std::io::Error| {
        Error::io("read", format!("process_executable {path}"), error)
            .with_kind(ErrorKind::ProgramNotExecutable)
    };
    // Not blocking: a FIFO without a writer must not hold us.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    // Links are followed where they stay inside, as a JDK's are.
    let opened = open_below(directory, spelled.join("/"), flags, Mode::empty(), Links::Inside);
    let file = File::from(opened.map_err(|errno| match errno {
        Errno::XDEV => refused("it is a link that leads out of process_directory"),
        Errno::LOOP => refused("it is a link that leads nowhere"),
        errno => failed(errno.into()),
    })?);
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(refused("it is no file"));
    }
    let mut head = Vec::new();
    file.take(program::HEAD as u64).read_to_end(&mut head).map_err(failed)?;
    let name = spelled.last().map_or("", String::as_str);
    let program = program::inspect(&head, metadata.len(), name, machine)?;
    let path = RelativePath::parse("process_executable", &spelled.join("/"))?;
    Ok(Executable { path, program })
}

/// Opens the file that takes the output, for appending, made with `mode` where it is absent. No link on the way is
/// followed.
///
/// # Errors
/// `InvalidSpec` or `Host`: no regular file, a link, not writable, or a file that has a second name elsewhere.
pub(super) fn open_stdout(directory: BorrowedFd<'_>, path: &RelativePath, mode: u32) -> Result<OwnedFd> {
    let spelled = spell(directory, path.components(), Missing::AllowLast)?;
    let subject = || format!("stdout_filename {path}");
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOCTTY;
    let (path_there, mode) = (spelled.join("/"), Mode::from_raw_mode(mode));
    let open = |more| open_below(directory, &path_there, flags | more, mode, Links::Refused);
    let opened = match open(OFlags::CREATE | OFlags::EXCL) {
        Ok(made) => {
            give_to_owner(&made, directory);
            Ok(made)
        }
        Err(Errno::EXIST) => open(OFlags::CREATE),
        refused => refused,
    };
    let file = File::from(opened.map_err(|errno| {
        let refused = |reason: &str| Error::invalid("stdout_filename", format!("{reason}: {path}"));
        match errno {
            Errno::LOOP => refused("leads through a link, which is not followed"),
            Errno::ISDIR => refused("is a directory"),
            Errno::NXIO => refused("is a pipe that nobody reads"),
            errno => Error::io("open", subject(), errno),
        }
    })?);
    let metadata = file.metadata().map_err(|error| Error::io("inspect", subject(), error))?;
    if !metadata.is_file() {
        return Err(Error::invalid("stdout_filename", format!("is no regular file: {path}")));
    }
    if metadata.nlink() != 1 {
        return Err(Error::invalid("stdout_filename", format!("has a second name (hard link): {path}")));
    }
    // The program gets this very description: appending, but blocking as files are.
    rustix::fs::fcntl_setfl(&file, OFlags::APPEND).map_err(|errno| Error::io("open", subject(), errno))?;
    Ok(OwnedFd::from(file))
}

/// Makes a new file the directory's owner's, as if the program had made it. Where the disk refuses, it stays ours.
fn give_to_owner(file: &OwnedFd, directory: BorrowedFd<'_>) {
    let _ = rustix::fs::fstat(directory).and_then(|stat| {
        let (owner, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        rustix::fs::fchown(file, Some(owner), Some(group))
    });
}

/// What a name that is not there means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// An error.
    Refuse,
    /// The last one is the name of a file to be made.
    AllowLast,
}

/// Spells `components` as they stand on disk.
fn spell(directory: BorrowedFd<'_>, components: &[String], missing: Missing) -> Result<Vec<String>> {
    let mut spelled: Vec<String> = Vec::new();
    for (index, wanted) in components.iter().enumerate() {
        let entries = list(directory, &spelled)?;
        let name = match names::find(wanted, entries.iter().map(String::as_str)) {
            Match::One(name) => name.to_owned(),
            Match::None if missing == Missing::AllowLast && index + 1 == components.len() => wanted.clone(),
            Match::None => {
                let subject = components.join("\\");
                return Err(Error::new(ErrorKind::NotFound, "find", subject)
                    .reason(format!("{wanted:?} is not there")));
            }
            Match::Ambiguous(one, other) => {
                let reason = format!("{wanted:?} is ambiguous: {one:?} and {other:?} differ only by case");
                return Err(Error::invalid(components.join("\\"), reason));
            }
        };
        spelled.push(name);
    }
    Ok(spelled)
}

/// Lists a directory; names that are not UTF-8 cannot be meant.
fn list(directory: BorrowedFd<'_>, below: &[String]) -> Result<Vec<String>> {
    let path = if below.is_empty() { ".".to_owned() } else { below.join("/") };
    let subject = || match below {
        [] => "process_directory".to_owned(),
        _ => format!("{path} in process_directory"),
    };
    let failed = |errno: Errno| match errno {
        Errno::NOTDIR => Error::new(ErrorKind::NotFound, "find", path.clone()).reason("is no directory"),
        Errno::XDEV => Error::invalid(path.clone(), "is a link that leads out of process_directory"),
        errno => Error::io("read", subject(), errno),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let opened = open_below(directory, &path, flags, Mode::empty(), Links::Inside).map_err(failed)?;
    let mut names = Vec::new();
    for entry in Dir::read_from(&opened).map_err(failed)? {
        names.extend(entry.map_err(failed)?.file_name().to_str().ok().map(str::to_owned));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd as _;

    use super::*;

    fn opened(directory: &Path) -> OwnedFd {
        open_directory("process_directory", directory, &[]).unwrap()
    }

    fn relative(path: &str) -> RelativePath {
        RelativePath::parse("key", path).unwrap()
    }

    #[test]
    fn names_are_found_as_windows_finds_them() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("Bin")).unwrap();
        fs::write(place.path().join("Bin/Hello.exe"), "x").unwrap();
        let directory = opened(place.path());
        assert_eq!(
            spell(directory.as_fd(), &["BIN".into(), "hello.EXE".into()], Missing::Refuse).unwrap(),
            ["Bin", "Hello.exe"]
        );
        fs::write(place.path().join("Bin/HELLO.exe"), "x").unwrap();
        let error =
            spell(directory.as_fd(), &["bin".into(), "Hello.exe".into()], Missing::Refuse).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    }

    #[test]
    fn executables_that_cannot_be_are_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("d.exe")).unwrap();
        rustix::fs::mkfifoat(CWD, place.path().join("fifo.exe"), Mode::RWXU).unwrap();
        std::os::unix::fs::symlink("/bin/sh", place.path().join("out.exe")).unwrap();
        fs::write(place.path().join("text.exe"), "hello").unwrap();
        let directory = opened(place.path());
        let kind = |path: &str| {
            find_executable(directory.as_fd(), &relative(path), Machine::X64).unwrap_err().kind()
        };
        assert_eq!(kind("nope.exe"), ErrorKind::ProgramNotFound);
        assert_eq!(kind("text.exe/x"), ErrorKind::ProgramNotFound);
        for path in ["d.exe", "fifo.exe", "out.exe", "text.exe"] {
            assert_eq!(kind(path), ErrorKind::ProgramNotExecutable, "{path}");
        }
    }

    #[test]
    fn output_goes_to_a_plain_file_below_the_directory() {
        use std::io::Write as _;
        let place = tempfile::tempdir().unwrap();
        let at = |path: &str| place.path().join(path);
        let directory = opened(place.path());
        let open = |path: &str| open_stdout(directory.as_fd(), &relative(path), 0o644);
        for _ in 0..2 {
            File::from(open("Out.txt").unwrap()).write_all(b"x").unwrap();
        }
        File::from(open("OUT.TXT").unwrap()).write_all(b"y").unwrap();
        assert_eq!(fs::read(at("Out.txt")).unwrap(), b"xxy");
        fs::write(at("other"), "kept").unwrap();
        std::os::unix::fs::symlink("other", at("link")).unwrap();
        std::os::unix::fs::symlink("/tmp", at("linked")).unwrap();
        fs::hard_link(at("other"), at("second")).unwrap();
        rustix::fs::mkfifoat(CWD, at("fifo"), Mode::RWXU).unwrap();
        fs::create_dir(at("dir")).unwrap();
        for path in ["link", "linked/x", "second", "fifo", "dir", "absent/x"] {
            assert!(open(path).is_err(), "{path}");
        }
        assert_eq!(fs::read(at("other")).unwrap(), b"kept");
    }

    #[test]
    fn no_program_is_given_a_directory() {
        let directory = File::open("/tmp").unwrap();
        assert_eq!(standard("input", directory.as_fd()).unwrap_err().kind(), ErrorKind::InvalidSpec);
        assert!(standard("input", File::open("/dev/null").unwrap().as_fd()).is_ok());
    }

    #[test]
    fn directories_that_must_not_be_mapped_are_known_behind_links() {
        let place = tempfile::tempdir().unwrap();
        for (name, target) in [("root", "/"), ("proc", "/proc/self"), ("own", "/tmp")] {
            std::os::unix::fs::symlink(target, place.path().join(name)).unwrap();
            let roots = [PathBuf::from("/tmp")];
            assert!(open_directory("process_directory", &place.path().join(name), &roots).is_err(), "{name}");
        }
        let error = open_directory("process_directory", &place.path().join("nope"), &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
