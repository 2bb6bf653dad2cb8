//! Carries out a plan as far as the launcher can: the root is filled and every mount made, detached, so that
//! nothing of it shows on the host and all of it is gone when the last descriptor closes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, chownat, fstat, mkdirat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, open_tree,
};

use crate::below::{Links, open_below};
use crate::error::{Context, Error, Part, Result};
use crate::mask::{Mask, masks};
use crate::overlay::{Overlay, give_directories};
use crate::own::Parts;
use crate::plan::{Access, Ids, Mount, Node, Owner, Plan};
use crate::raw::FileIds;
use crate::restrict::{Seal, restrict, seal};
use crate::sources::Sources;
use crate::user::{Guest, Identity, Shown};

/// A detached mount and the place it belongs; the child moves it there.
#[derive(Debug)]
pub(crate) enum Attachment {
    /// An existing mount.
    Mount { mount: OwnedFd, target: OwnedFd },
    /// A proc file system, which only a process of the new pid namespace can make, and what covers parts of it.
    Proc { target: OwnedFd, masks: Vec<Mask> },
}

/// A plan made ready: a detached root, and what goes into it in this order.
#[derive(Debug)]
pub struct Staged {
    pub(crate) root: OwnedFd,
    pub(crate) seal: Seal,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) note: Option<OwnedFd>,
    pub(crate) identity: Option<Identity>,
}

/// Bytes that the root's memory file system may hold: program-written files under its writable directories.
const ROOT_SIZE: &str = "size=64m";

/// How many pseudo terminals there may be: one mounted from the host's mount namespace draws on those that
/// `kernel.pty.reserve` keeps for the host, too (fs/devpts/inode.c).
const PTYS: &str = "max=256";

/// For devices. Read-only does not keep one from being written, but its node, which is the host's own, from being
/// changed: whoever has its owner's number may do that without any capability.
pub(crate) const NODE_ONLY: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_RDONLY
    .union(MountAttrFlags::MOUNT_ATTR_NOSUID)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Makes everything of `plan` that needs no process of the sandbox.
///
/// # Errors
/// The first thing that could not be made; what was made is gone with its descriptors.
pub fn stage(plan: &Plan, sources: &mut Sources) -> Result<Staged> {
    let guest = plan.account.map(Guest::new).transpose()?;
    let root = file_system("tmpfs", &[ROOT_SIZE, "mode=755"], MountAttrFlags::MOUNT_ATTR_NOSUID)?;
    let owners =
        Owners { program: guest.as_ref().map(Guest::host), system: guest.as_ref().and_then(Guest::system) };
    give(&root, owners.system).context("give away", || "the root")?;
    for node in &plan.root {
        make_node(root.as_fd(), node, owners)?;
    }
    let own = plan.mounts.iter().filter_map(|mount| match mount {
        Mount::Own { source, .. } => Some(source.as_str()),
        _ => None,
    });
    let Parts { root, parts } = Parts::of(root, &own.collect::<Vec<_>>())?;
    let mut staging = Staging { root, parts: parts.into_iter(), made: Vec::new(), guest };
    for mount in &plan.mounts {
        staging.add(mount, sources)?;
    }
    let note = plan.note.as_deref().map(|path| open_note(staging.root.as_fd(), path)).transpose()?;
    let seal = seal(&staging.root).context("make read-only", || "the root")?;
    let attachments = staging.made.into_iter().map(|made| made.attachment).collect();
    let identity = staging.guest.map(Guest::into_identity);
    Ok(Staged { root: staging.root, seal, attachments, note, identity })
}

struct Staging {
    root: OwnedFd,
    /// Those that mounts ask for, in their order.
    parts: std::vec::IntoIter<OwnedFd>,
    made: Vec<Made>,
    guest: Option<Guest>,
}

struct Made {
    target: String,
    attachment: Attachment,
    of: Of,
}

/// What a mount is of.
#[derive(Clone, Copy)]
enum Of {
    /// The host's files.
    Host,
    /// Files of the sandbox's own.
    Ours,
}

impl Staging {
    /// Makes `mount` and its target, in the mount that the target lies in.
    fn add(&mut self, mount: &Mount, sources: &mut Sources) -> Result<()> {
        let detached = self.detached(mount, sources)?;
        let kind = detached.as_ref().map_or(Ok(FileType::Directory), file_type)?;
        let target = self
            .target(mount.target(), kind)
            .map_err(|source| Error::new("make the mount point", format!("/{}", mount.target()), source))?;
        let attachment = match detached {
            Some(mount) => Attachment::Mount { mount, target },
            None => Attachment::Proc { target, masks: masks()? },
        };
        let of = if matches!(mount, Mount::Bind { .. } | Mount::Device { .. }) { Of::Host } else { Of::Ours };
        self.made.push(Made { target: mount.target().to_owned(), attachment, of });
        Ok(())
    }

    /// Opens what a mount is put on. In a mapped directory it is made by the account, as its programs would make it; in
    /// our own mounts by us, and given to it.
    fn target(&self, path: &str, kind: FileType) -> io::Result<OwnedFd> {
        let account = self.guest.as_ref().map(Guest::host);
        match self.base_of(path) {
            None => {
                let system = self.guest.as_ref().and_then(Guest::system);
                make_target(self.root.as_fd(), path, kind, system)
            }
            Some((mount, Of::Ours, rest)) => make_target(mount, rest, kind, account),
            Some((mount, Of::Host, rest)) => {
                let _as_account = account.map(|ids| FileIds::of(ids.uid, ids.gid));
                make_target(mount, rest, kind, None)
            }
        }
    }

    /// Returns the innermost mount made so far that `target` lies in, what it is of, and the rest of the path.
    fn base_of<'a>(&'a self, target: &'a str) -> Option<(BorrowedFd<'a>, Of, &'a str)> {
        let within = |made: &'a Made| match &made.attachment {
            Attachment::Mount { mount, .. } => {
                let rest = target.strip_prefix(made.target.as_str())?.strip_prefix('/')?;
                Some((mount.as_fd(), made.of, rest))
            }
            Attachment::Proc { .. } => None,
        };
        self.made.iter().rev().find_map(within)
    }

    fn detached(&mut self, mount: &Mount, sources: &mut Sources) -> Result<Option<OwnedFd>> {
        match mount {
            Mount::Bind { source, access, owner, .. } => {
                let tree = clone_tree(sources.open(source)?, source)?;
                if *owner == Owner::Program {
                    self.take(&tree, source)?;
                }
                allow(tree, *access, &source.display()).map(Some)
            }
            Mount::Device { source, .. } => {
                let device = sources.open(source)?;
                if file_type(&device)? != FileType::CharacterDevice {
                    let what = io::Error::other("is no character device");
                    return Err(Error::new("map", source.display().to_string(), what));
                }
                let tree = clone_tree(device, source)?;
                restrict(tree, NODE_ONLY).context("restrict", || source.display().to_string()).map(Some)
            }
            Mount::Overlay { lower, scratch, upper, work, .. } => {
                let mut of_others = BTreeSet::new();
                let layers = lower.iter().map(|path| {
                    let tree = clone_tree(sources.open(path)?, path)?;
                    of_others.extend(self.take(&tree, path)?);
                    Ok(tree)
                });
                let layers = layers.collect::<Result<Vec<_>>>()?;
                let tree = clone_tree(sources.open(scratch)?, scratch)?;
                let owner = self.guest.as_ref().map(Guest::host);
                let subject = || format!("an overlay over {}", scratch.join(upper).display());
                let merged = Overlay::open(layers, tree, upper, work, owner)
                    .and_then(|overlay| overlay.mount())
                    .context("mount", subject)
                    .map_err(|error| error.of(Part::Overlay))?;
                give_directories(merged.as_fd(), &of_others, owner)
                    .context("give away what is in", subject)?;
                Ok(Some(merged))
            }
            Mount::Own { source, access, .. } => {
                let part = self.parts.next().expect("there is one for each such mount");
                allow(part, *access, source).map(Some)
            }
            Mount::Proc { .. } => Ok(None),
            Mount::Devpts { .. } => {
                let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
                file_system("devpts", &["ptmxmode=0666", "mode=620", PTYS], flags).map(Some)
            }
        }
    }

    /// Shows what is in a detached mount of `path` as the account's own; returns whose it is where that cannot be.
    fn take(&mut self, tree: &OwnedFd, path: &Path) -> Result<Option<Ids>> {
        let Some(guest) = &mut self.guest else { return Ok(None) };
        let stat = fstat(tree).context("inspect", || path.display().to_string())?;
        Ok(match guest.take(tree, Ids { uid: stat.st_uid, gid: stat.st_gid }, &path.display())? {
            Shown::AsOwn => None,
            Shown::As(owner) => Some(owner),
        })
    }
}

fn allow(tree: OwnedFd, access: Access, path: &impl std::fmt::Display) -> Result<OwnedFd> {
    let always = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let set = match access {
        Access::ReadOnly => always | MountAttrFlags::MOUNT_ATTR_RDONLY,
        Access::ReadWrite => always,
    };
    restrict(tree, set).context("restrict", || path.to_string())
}

/// Makes a file system of its own; `options` are `name=value`.
pub(crate) fn file_system(kind: &str, options: &[&str], attributes: MountAttrFlags) -> Result<OwnedFd> {
    let options = options.iter().map(|option| option.split_once('=').unwrap_or((option, "")));
    make_file_system(kind, options, attributes).context("mount a file system of type", || kind)
}

pub(crate) fn make_file_system<'a>(
    kind: &str,
    options: impl Iterator<Item = (&'a str, &'a str)>,
    attributes: MountAttrFlags,
) -> std::result::Result<OwnedFd, Errno> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (name, value) in options {
        match value {
            "" => fsconfig_set_flag(&context, name)?,
            value => fsconfig_set_string(&context, name, value)?,
        }
    }
    fsconfig_create(&context)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

pub(crate) fn clone_tree(source: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd> {
    copy_tree(source).context("bind", || path.display().to_string())
}

/// Copies a mount and all below it, detached.
pub(crate) fn copy_tree(source: impl AsFd) -> std::result::Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    open_tree(source, c"", flags)
}

fn file_type(fd: &impl AsFd) -> Result<FileType> {
    let stat = fstat(fd).context("inspect", || "an opened file")?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

/// Opens a path inside the sandbox: through no link, since a link there may have been put by an image.
pub(crate) fn open_inside(
    base: impl AsFd,
    path: impl AsRef<OsStr>,
    flags: OFlags,
    mode: Mode,
) -> std::result::Result<OwnedFd, Errno> {
    open_below(base, path, flags, mode, Links::Refused)
}

/// Who gets what is made in a root; who is not there leaves it to whoever makes it.
#[derive(Debug, Clone, Copy)]
struct Owners {
    program: Option<Ids>,
    system: Option<Ids>,
}

impl Owners {
    fn of(self, owner: Owner) -> Option<Ids> {
        match owner {
            Owner::Program => self.program.or(self.system),
            Owner::Host => self.system,
        }
    }
}

fn make_node(root: BorrowedFd<'_>, node: &Node, owners: Owners) -> Result<()> {
    let made = match node {
        Node::Directory { path, mode, owner } => make_directory(root, path, *mode, (*owner, owners)),
        Node::File { path, content, mode, owner } => make_file(root, path, content, *mode, (*owner, owners)),
        Node::Symlink { path, target } => {
            let parent = make_parent(root, path, owners);
            parent.and_then(|(directory, name)| Ok(symlinkat(target, directory, name)?))
        }
    };
    made.map_err(|source| Error::new("make", format!("/{}", node.path()), source))
}

fn make_directory(
    root: BorrowedFd<'_>,
    path: &str,
    mode: u32,
    (owner, owners): (Owner, Owners),
) -> io::Result<()> {
    let (parent, name) = make_parent(root, path, owners)?;
    mkdirat(&parent, name, Mode::RWXU)?;
    let directory = open_inside(&parent, name, OFlags::DIRECTORY, Mode::empty())?;
    give(&directory, owners.of(owner))?;
    Ok(rustix::fs::fchmod(directory, Mode::from_raw_mode(mode))?)
}

fn make_file(
    root: BorrowedFd<'_>,
    path: &str,
    content: &[u8],
    mode: u32,
    (owner, owners): (Owner, Owners),
) -> io::Result<()> {
    use std::io::Write as _;
    let (parent, name) = make_parent(root, path, owners)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let mut file = std::fs::File::from(open_inside(&parent, name, flags, Mode::RUSR)?);
    file.write_all(content)?;
    give(&file, owners.of(owner))?;
    Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?)
}

/// Gives a file or directory of ours away; it may be opened for its path alone.
pub(crate) fn give(file: &impl AsFd, owner: Option<Ids>) -> io::Result<()> {
    let Some(Ids { uid, gid }) = owner else { return Ok(()) };
    Ok(chownat(file, "", Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH)?)
}

/// Makes the directories above `path` and returns the last, opened, with the path's own name.
fn make_parent<'a>(root: BorrowedFd<'_>, path: &'a str, owners: Owners) -> io::Result<(OwnedFd, &'a str)> {
    match path.rsplit_once('/') {
        Some((parent, name)) => Ok((make_target(root, parent, FileType::Directory, owners.system)?, name)),
        None => Ok((root.try_clone_to_owned()?, path)),
    }
}

/// Opens what a mount is put on, making it and the directories above it where they are absent.
fn make_target(base: BorrowedFd<'_>, path: &str, kind: FileType, owner: Option<Ids>) -> io::Result<OwnedFd> {
    let open =
        |at: BorrowedFd<'_>, name: &str, flags| open_inside(at, name, flags | OFlags::PATH, Mode::empty());
    let mut directory = base.try_clone_to_owned()?;
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        let is_file = names.peek().is_none() && kind != FileType::Directory;
        let flags = if is_file { OFlags::empty() } else { OFlags::DIRECTORY };
        directory = match open(directory.as_fd(), name, flags) {
            Err(Errno::NOENT) if is_file => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
                give(&open_inside(&directory, name, flags, Mode::from_raw_mode(0o444))?, owner)?;
                open(directory.as_fd(), name, OFlags::empty())?
            }
            Err(Errno::NOENT) => {
                let mode = Mode::from_raw_mode(0o755);
                let made = match mkdirat(&directory, name, mode) {
                    Ok(()) => owner,
                    Err(Errno::EXIST) => None,
                    Err(error) => return Err(error.into()),
                };
                let opened = open(directory.as_fd(), name, flags)?;
                give(&opened, made)?;
                opened
            }
            found => found?,
        };
    }
    Ok(directory)
}

/// Opens the note for pid 1, before anything of the sandbox runs.
fn open_note(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd> {
    open_inside(root, path, OFlags::RDONLY, Mode::empty()).context("open the note", || format!("/{path}"))
}
