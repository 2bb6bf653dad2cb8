//! User namespaces: the one that the programs are in, and those that say how mounts show owners.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space, set_thread_groups};
use rustix::thread::{set_thread_res_gid, set_thread_res_uid};

use crate::error::{Context, Error, Part, Result};
use crate::plan::{Account, Ids, Ownership};
use crate::raw::{self, Clone, Mask};

/// The account of a sandbox being made, and the namespaces that show files as its own.
#[derive(Debug)]
pub(crate) struct Guest {
    account: Account,
    groups: Groups,
    namespace: Namespace,
    shown: BTreeMap<Ids, Namespace>,
}

impl Guest {
    pub(crate) fn new(account: Account) -> Result<Self> {
        let groups = Groups::of_this_process()?;
        let namespace = Namespace::of_account(&account)?;
        Ok(Self { account, groups, namespace, shown: BTreeMap::new() })
    }

    /// Returns who the account is on the host.
    pub(crate) fn host(&self) -> Ids {
        self.account.host
    }

    /// Returns whose on the host all else is that the sandbox's own memory file system holds.
    ///
    /// For that file system alone, never for a disk: whoever is root of nothing but his own namespace could not remove
    /// there what is not his, and had to make a namespace that has the same subordinate ids first, if he still can.
    pub(crate) fn system(&self) -> Option<Ids> {
        self.account.system.map(|other| other.host)
    }

    /// Returns what pid 1 and the program need to become the account.
    pub(crate) fn into_identity(self) -> Identity {
        Identity { namespace: self.namespace.opened, inside: self.account.inside, groups: self.groups }
    }

    /// Shows what is `owner`'s in a detached mount as the account's own.
    pub(crate) fn take(
        &mut self,
        mount: &OwnedFd,
        owner: Ids,
        path: &dyn std::fmt::Display,
    ) -> Result<Shown> {
        if owner == self.account.host {
            return Ok(Shown::AsOwn);
        }
        match self.map_owners(mount, owner, path) {
            Ok(()) => Ok(Shown::AsOwn),
            // A plain user's namespace does not know others, and not every file system can show them as others.
            Err(error) if self.account.ownership == Ownership::WherePossible && error.refuses_account() => {
                Ok(Shown::As(owner))
            }
            Err(error) => Err(error),
        }
    }

    fn map_owners(&mut self, mount: &OwnedFd, owner: Ids, path: &dyn std::fmt::Display) -> Result<()> {
        let shown = match self.shown.entry(owner) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(place) => place.insert(Namespace::of_owner(owner, self.account.host)?),
        };
        raw::map_owners(mount, shown.opened.as_fd())
            .context("map the owner of", || path.to_string())
            .map_err(|error| error.of(Part::Account))
    }
}

/// How a mount shows what is its owner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As the account's own.
    AsOwn,
    /// As his.
    As(Ids),
}

/// How a process becomes the account.
#[derive(Debug)]
pub(crate) struct Identity {
    namespace: OwnedFd,
    inside: Ids,
    groups: Groups,
}

/// What becomes of the groups that whoever makes a sandbox is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Groups {
    /// They are left.
    Left,
    /// They have to be kept, and are his who is the account: so it is in a plain user's namespace, and in those in it.
    Kept,
}

impl Groups {
    fn of_this_process() -> Result<Self> {
        const FILE: &str = "/proc/self/setgroups";
        Ok(Self::of(&fs::read_to_string(FILE).context("read", || FILE)?))
    }

    /// Returns what a namespace's setgroups file says (user_namespaces(7)): its word is for good once ids are mapped.
    fn of(setgroups: &str) -> Self {
        if setgroups.trim_end() == "deny" { Self::Kept } else { Self::Left }
    }
}

impl Identity {
    /// Becomes the account, with every capability over its namespace, and none over anything else.
    pub(crate) fn assume(&self) -> std::result::Result<(), Errno> {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::User))?;
        match self.groups {
            Groups::Left => set_thread_groups(&[])?,
            Groups::Kept => {}
        }
        let (uid, gid) =
            (rustix::fs::Uid::from_raw(self.inside.uid), rustix::fs::Gid::from_raw(self.inside.gid));
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)
    }
}

/// A namespace, and the process that was needed to make it.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) opened: OwnedFd,
    _maker: Maker,
}

/// A process that ends when its pipe does. It is awaited late: by then it has ended.
#[derive(Debug)]
struct Maker(i32);

impl Drop for Maker {
    fn drop(&mut self) {
        let _ = raw::wait_for(self.0);
    }
}

impl Namespace {
    /// Makes a namespace, has `map` write the maps of the process in it, by its pid, and opens it. A process must be in
    /// it until then: it waits at a pipe for a byte, or for the pipe's end, which is ours.
    pub(crate) fn mapped_by(map: impl FnOnce(i32) -> Result<()>) -> Result<Self> {
        let failed =
            |error: io::Error| Error::new("create", "a user namespace", error).of(Part::UserNamespace);
        let (wait, go) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let blocked = raw::block_signals(Mask::All);
        let cloned = raw::clone_into(libc::CLONE_NEWUSER);
        if matches!(cloned, Ok(Clone::Child)) {
            // It has copies of the pipes that other threads make at the same time: two such processes, each with the
            // other's, would never see an end.
            raw::close_all_but(&[wait.as_raw_fd()]);
            while rustix::io::read(&wait, &mut [0]) == Err(Errno::INTR) {}
            raw::exit(0);
        }
        blocked.restore();
        let Clone::Parent { pid, .. } = cloned.map_err(failed)? else { raw::exit(125) };
        // Awaited however this ends.
        let maker = Maker(pid);
        let opened = map(pid).and_then(|()| {
            let path = format!("/proc/{pid}/ns/user");
            File::open(&path).map(OwnedFd::from).context("open", || path)
        });
        // Said, and not only closed: a process that another thread made meanwhile may keep a copy. Where the other end is
        // gone, so is who waited there.
        let _ = rustix::io::write(&go, &[0]);
        drop(go);
        Ok(Self { opened: opened?, _maker: maker })
    }

    /// Makes a namespace with these maps.
    fn new(uids: &str, gids: &str, mapped: impl FnOnce() -> String) -> Result<Self> {
        Self::mapped_by(|pid| {
            map(pid, uids, gids).context("map", mapped).map_err(|error| error.of(Part::Account))
        })
    }

    /// A namespace that knows the account, and the other one of its sandbox where there is one.
    fn of_account(account: &Account) -> Result<Self> {
        let Account { inside, host, system, .. } = account;
        let lines = |of: fn(&Ids) -> u32| {
            let other = system.map(|other| format!("\n{} {} 1", of(&other.inside), of(&other.host)));
            format!("{} {} 1{}", of(inside), of(host), other.unwrap_or_default())
        };
        let (uids, gids) = (lines(|ids| ids.uid), lines(|ids| ids.gid));
        Self::new(&uids, &gids, || format!("uid {} of a sandbox to uid {} of the host", inside.uid, host.uid))
    }

    /// A namespace for mounts: whoever is `owner` on the disk is `host`, the other way round too, and all others are
    /// who they are.
    fn of_owner(owner: Ids, host: Ids) -> Result<Self> {
        let (uids, gids) = (swapped(owner.uid, host.uid), swapped(owner.gid, host.gid));
        Self::new(&uids, &gids, || format!("uid {} of a disk to uid {}", owner.uid, host.uid))
    }
}

/// Returns the map of all ids to themselves, but for two that are each other.
fn swapped(one: u32, other: u32) -> String {
    let (low, high) = (one.min(other), one.max(other));
    // (inside, outside, how many), of which the kernel takes 340; the last number of all is no id.
    let extents = match low == high {
        true => vec![(0, 0, u32::MAX)],
        false => vec![
            (0, 0, low),
            (low, high, 1),
            (low + 1, low + 1, high - low - 1),
            (high, low, 1),
            (high + 1, high + 1, u32::MAX - high - 1),
        ],
    };
    let lines = extents.into_iter().filter(|(_, _, count)| *count > 0);
    lines.map(|(inside, outside, count)| format!("{inside} {outside} {count}\n")).collect()
}

/// Writes each map whole, as the kernel takes it once.
fn map(pid: i32, uids: &str, gids: &str) -> io::Result<()> {
    let set = |file: &str, lines: &str| {
        OpenOptions::new().write(true).open(format!("/proc/{pid}/{file}"))?.write_all(lines.as_bytes())
    };
    set("gid_map", gids)?;
    set("uid_map", uids)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use rustix::fs::{Mode, OFlags};

    use super::*;

    fn own() -> Ids {
        Ids { uid: rustix::process::getuid().as_raw(), gid: rustix::process::getgid().as_raw() }
    }

    #[test]
    fn owners_are_kept_where_the_host_refuses_and_not_where_it_lacks_something() {
        const NAME: &str = "owners_are_kept_where_the_host_refuses_and_not_where_it_lacks_something";
        // No mount, and a namespace that is opened for its path alone: the kernel has then no such descriptor.
        let file = || OwnedFd::from(File::open("/dev/null").unwrap());
        let path_alone = || rustix::fs::open("/proc/self/ns/user", OFlags::PATH, Mode::empty()).unwrap();
        let other = Ids { uid: 7, gid: 7 };
        for ownership in [Ownership::Required, Ownership::WherePossible] {
            let account = Account { inside: own(), host: own(), system: None, ownership };
            let mut guest = match Guest::new(account) {
                Ok(guest) => guest,
                Err(error) => return skipped(NAME, &error),
            };
            let refused = guest.take(&file(), other, &"a file");
            match ownership {
                Ownership::Required => assert!(refused.unwrap_err().refuses_account()),
                Ownership::WherePossible => assert_eq!(refused.unwrap(), Shown::As(other)),
            }
            let mut unreadable = Namespace::mapped_by(|_| Ok(())).unwrap();
            unreadable.opened = path_alone();
            guest.shown.insert(other, unreadable);
            let error = guest.take(&file(), other, &"a file").unwrap_err();
            assert_eq!(Errno::from_io_error(error.io()), Some(Errno::BADF), "{ownership:?}");
        }
    }

    #[test]
    fn groups_are_kept_only_where_that_was_known() {
        const NAME: &str = "groups_are_kept_only_where_that_was_known";
        for (said, groups) in [("deny\n", Groups::Kept), ("allow\n", Groups::Left), ("", Groups::Left)] {
            assert_eq!(Groups::of(said), groups, "{said:?}");
        }
        // In a namespace as a plain user's, whether or not it was known to be one.
        for (groups, status_wanted) in [(Groups::Kept, 0), (Groups::Left, libc::EPERM)] {
            let map_denied = |pid| {
                let path = format!("/proc/{pid}/setgroups");
                fs::write(&path, "deny").context("write", || path)?;
                let line = |id| format!("0 {id} 1");
                map(pid, &line(own().uid), &line(own().gid)).context("map", || "ids")
            };
            let namespace = match Namespace::mapped_by(map_denied) {
                Ok(namespace) => namespace,
                Err(error) => return skipped(NAME, &error),
            };
            let identity = Identity { namespace: namespace.opened, inside: Ids { uid: 0, gid: 0 }, groups };
            let Clone::Parent { pid, .. } = raw::clone_into(0).unwrap() else {
                raw::exit(identity.assume().map_or_else(Errno::raw_os_error, |()| 0));
            };
            let (status, _) = raw::wait_for(pid).unwrap();
            assert_eq!(libc::WEXITSTATUS(status), status_wanted, "{groups:?}");
        }
    }

    fn skipped(name: &str, why: &Error) {
        // Not `eprintln!`: the test harness would keep it from whoever counts skipped tests.
        let _ = writeln!(io::stderr(), "skipped: user::tests::{name}: {why}");
    }

    #[test]
    fn threads_make_namespaces_at_once() {
        const THREADS: usize = 8;
        let account = Account { inside: own(), host: own(), system: None, ownership: Ownership::Required };
        if let Err(error) = Namespace::of_account(&account) {
            return skipped("threads_make_namespaces_at_once", &error);
        }
        let (sender, made) = channel();
        for _ in 0..THREADS {
            let sender = sender.clone();
            thread::spawn(move || {
                (0..20).for_each(|_| sender.send(Namespace::of_account(&account).map(drop)).unwrap());
            });
        }
        for _ in 0..THREADS * 20 {
            made.recv_timeout(Duration::from_secs(30)).expect("none of them waits for another").unwrap();
        }
    }

    #[test]
    fn two_ids_are_swapped_and_the_others_stay() {
        for (one, other, lines) in [
            (0, 9, "0 9 1\n1 1 8\n9 0 1\n10 10 4294967285\n"),
            (9, 0, "0 9 1\n1 1 8\n9 0 1\n10 10 4294967285\n"),
            (5, 6, "0 0 5\n5 6 1\n6 5 1\n7 7 4294967288\n"),
            (5, 5, "0 0 4294967295\n"),
            (0, 4_294_967_294, "0 4294967294 1\n1 1 4294967293\n4294967294 0 1\n"),
        ] {
            assert_eq!(swapped(one, other), lines, "{one} {other}");
        }
    }
}
