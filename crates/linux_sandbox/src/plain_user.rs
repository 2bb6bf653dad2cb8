//! Sandboxes of a plain user: he is root of a user namespace, and of nothing else.

use std::fs;
use std::io;

use crate::error::{Context, Error, Result};
use crate::raw;

/// Whether this process is in the host's first user namespace, in which root is root of everything.
pub fn is_host_namespace() -> bool {
    // user_namespaces(7): there, all ids are themselves.
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Makes this process root of a user namespace of its own, in which its user is the only one, with mounts of its own:
/// what sandboxes take can then be made without being root. Only while the process has one thread.
///
/// # Errors
/// The host does not allow it, or the process has other threads.
pub fn become_own_root() -> Result<()> {
    let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
    let failed = |error: io::Error| Error::new("create", "a user namespace", error);
    // With it, the namespace is made, and is then of no use.
    if fs::read_to_string(APPARMOR).is_ok_and(|restricted| restricted.trim() == "1") {
        return Err(failed(io::Error::from_raw_os_error(libc::EACCES)));
    }
    raw::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS).map_err(failed)?;
    let set = |file: &str, line: String| {
        fs::write(format!("/proc/self/{file}"), line).context("write", || format!("/proc/self/{file}"))
    };
    set("setgroups", "deny".to_owned())?;
    set("gid_map", format!("0 {} 1", gid.as_raw()))?;
    set("uid_map", format!("0 {} 1", uid.as_raw()))
}

/// Ubuntu's switch, since 23.10.
const APPARMOR: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
