//! Sandboxes of a plain user: he is root of a user namespace, and of nothing else.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::OnceLock;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::{Context, Error, Part, Result};
use crate::plan::Ids;
use crate::raw;
use crate::subordinate::{Pair, SECOND};
use crate::user::Namespace;

/// Whether this process is in the host's first user namespace, in which root is root of everything.
///
/// # Errors
/// The kernel does not tell.
pub fn is_host_namespace() -> io::Result<bool> {
    // user_namespaces(7): there, all ids are themselves.
    let map = fs::read_to_string("/proc/self/uid_map")?;
    Ok(map.split_whitespace().eq(["0", "0", "4294967295"]))
}

/// Who this process has become root for, and the second id that it then has.
static OWN_ROOT: OnceLock<Option<Ids>> = OnceLock::new();

/// Whether this process is root of a namespace that it made for itself, see [`become_own_root`]: its root is the plain user
/// who started it. Whoever is root otherwise is it of the host, or of a namespace with other users.
pub fn is_own_root() -> bool {
    OWN_ROOT.get().is_some()
}

/// Returns another than root, whom the namespace that this process made for itself has too.
pub fn second_ids() -> Option<Ids> {
    OWN_ROOT.get().copied().flatten()
}

/// The ids in a plain user's own namespace.
#[derive(Debug)]
pub enum OwnIds {
    /// His own, who is root there, and a subordinate one of his: see [`second_ids`].
    Two,
    /// His own alone, and why there is no other.
    One(Error),
}

/// Makes this process root of a user namespace of its own, with mounts of its own: what sandboxes take can then be made
/// without being root. Only while the process has one thread.
///
/// # Errors
/// The host does not allow it, or the process has other threads.
pub fn become_own_root() -> Result<OwnIds> {
    let ids = match Pair::find().and_then(enter) {
        Ok(()) => OwnIds::Two,
        Err(why) => become_only_root().map(|()| OwnIds::One(why))?,
    };
    // A security module may let the namespace be made, and make it of no use: Ubuntu's does, since 23.10, for programs
    // that it has no profile of.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change(c"/", private).map_err(|errno| failed(errno.into()))?;
    let _ = OWN_ROOT.set(matches!(ids, OwnIds::Two).then_some(SECOND));
    Ok(ids)
}

fn failed(error: io::Error) -> Error {
    Error::new("create", "a user namespace", error).of(Part::UserNamespace)
}

/// Enters a namespace of two ids. Where that fails nothing has changed, or what comes after it fails as well.
fn enter(pair: Pair) -> Result<()> {
    // From outside of it: within, the two programs that write the maps would be nobody.
    let namespace = Namespace::mapped_by(|pid| pair.map(pid))?;
    move_into_link_name_space(namespace.opened.as_fd(), Some(LinkNameSpaceType::User))
        .context("enter", || "a user namespace")?;
    raw::unshare(libc::CLONE_NEWNS).context("create", || "a mount namespace")
}

/// Enters one of a single id.
fn become_only_root() -> Result<()> {
    let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
    raw::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS).map_err(failed)?;
    let set = |file: &str, line: String| {
        fs::write(format!("/proc/self/{file}"), line).context("write", || format!("/proc/self/{file}"))
    };
    set("setgroups", "deny".to_owned())?;
    set("gid_map", format!("0 {} 1", gid.as_raw()))?;
    set("uid_map", format!("0 {} 1", uid.as_raw()))
}
