//! User namespaces that know one user and one group.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space, set_thread_groups};
use rustix::thread::{set_thread_res_gid, set_thread_res_uid};

use crate::error::{Context, Error, Result};
use crate::plan::{Account, Ids, Ownership};
use crate::raw::{self, Clone, Mask};

const MAP_OWNERS: &str = "map the owner of";
const MAP_IDS: &str = "map";

/// Whether an error says that this host cannot have the account as it is: its file systems or this kernel cannot show
/// files as another's, or we may not use the host's ids.
pub fn is_refused_account(error: &Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(error.op(), MAP_OWNERS | MAP_IDS)
        && matches!(error.io().kind(), InvalidInput | PermissionDenied | Unsupported)
}

/// The account of a sandbox being made, and the namespaces that show files as its own.
#[derive(Debug)]
pub(crate) struct Guest {
    account: Account,
    namespace: OwnedFd,
    shown: BTreeMap<Ids, OwnedFd>,
}

impl Guest {
    pub(crate) fn new(account: Account) -> Result<Self> {
        let namespace = namespace(account.inside, account.host)?;
        Ok(Self { account, namespace, shown: BTreeMap::new() })
    }

    /// Returns who the account is on the host.
    pub(crate) fn host(&self) -> Ids {
        self.account.host
    }

    /// Returns what pid 1 and the program need to become the account.
    pub(crate) fn into_identity(self) -> Identity {
        Identity { namespace: self.namespace, inside: self.account.inside }
    }

    /// Shows what is `owner`'s in a detached mount as the account's own.
    pub(crate) fn take(&mut self, mount: &OwnedFd, owner: Ids, path: &dyn std::fmt::Display) -> Result<()> {
        let host = self.account.host;
        if owner == host {
            return Ok(());
        }
        let shown = match self.shown.entry(owner) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(place) => place.insert(namespace(owner, host)?),
        };
        match raw::map_owners(mount, shown.as_fd()) {
            Err(_) if self.account.ownership == Ownership::WherePossible => Ok(()),
            done => done.context(MAP_OWNERS, || path.to_string()),
        }
    }
}

/// How a process becomes the account.
#[derive(Debug)]
pub(crate) struct Identity {
    namespace: OwnedFd,
    inside: Ids,
}

impl Identity {
    /// Becomes the account, with every capability over its namespace, and none over anything else.
    pub(crate) fn assume(&self) -> std::result::Result<(), Errno> {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::User))?;
        match set_thread_groups(&[]) {
            // A plain user's namespace may have to keep the groups that he is in.
            Ok(()) | Err(Errno::PERM) => {}
            Err(errno) => return Err(errno),
        }
        let (uid, gid) =
            (rustix::fs::Uid::from_raw(self.inside.uid), rustix::fs::Gid::from_raw(self.inside.gid));
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)
    }
}

impl AsFd for Identity {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.namespace.as_fd()
    }
}

/// Makes a namespace in which `inside` is `outside`, and opens it. A process must be in it until then: it waits at a
/// pipe, so that it ends with us too.
fn namespace(inside: Ids, outside: Ids) -> Result<OwnedFd> {
    let failed = |error: io::Error| Error::new("create", "a user namespace", error);
    let (wait, go) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
    let blocked = raw::block_signals(Mask::All);
    let cloned = raw::clone_into(libc::CLONE_NEWUSER);
    if matches!(cloned, Ok(Clone::Child)) {
        raw::close(go.as_raw_fd());
        // Nothing is ever written: the end of the pipe is what is awaited.
        while rustix::io::read(&wait, &mut [0]) == Err(Errno::INTR) {}
        raw::exit(0);
    }
    blocked.restore();
    let Clone::Parent { pid, .. } = cloned.map_err(failed)? else { raw::exit(125) };
    let opened = map(pid, inside, outside);
    drop(go);
    raw::wait_for(pid).map_err(failed)?;
    opened.map_err(|error| {
        let subject = format!("uid {} of a sandbox to uid {} of the host", inside.uid, outside.uid);
        Error::new(MAP_IDS, subject, error)
    })
}

fn map(pid: i32, inside: Ids, outside: Ids) -> io::Result<OwnedFd> {
    let set = |file: &str, line: String| {
        OpenOptions::new().write(true).open(format!("/proc/{pid}/{file}"))?.write_all(line.as_bytes())
    };
    set("gid_map", format!("{} {} 1", inside.gid, outside.gid))?;
    set("uid_map", format!("{} {} 1", inside.uid, outside.uid))?;
    Ok(File::open(format!("/proc/{pid}/ns/user"))?.into())
}
