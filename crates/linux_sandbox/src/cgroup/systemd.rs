//! Control groups of version 2 belong to systemd where it runs: what a group passes on is its to change, and it switches
//! controllers off that its own units do not need, with the limits of whoever else relied on them (seen with systemd 252:
//! when a unit with `CPUWeight` stops). What it leaves alone is what it was asked to delegate.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_peercred;

use super::host::SELF_CGROUP;
use super::{Error, ErrorKind, dbus};

const UID_MAP: &str = "/proc/self/uid_map";
/// Is there where systemd is the system's first process (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// How long the launcher's move may take, once it was promised.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether systemd is the system's first process.
pub(super) fn is_booted() -> bool {
    Path::new(BOOTED).is_dir()
}

/// The manager that makes scopes for this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manager {
    socket: PathBuf,
    /// Whose it is, in the host's numbers.
    uid: u32,
}

impl Manager {
    /// Finds root's, which is the system's first process, or a user's own. `None` where systemd does not run.
    pub(super) fn find() -> Option<Self> {
        // A plain user is root by now, of a user namespace.
        let uid = host_uid(&fs::read_to_string(UID_MAP).ok()?, rustix::process::geteuid().as_raw())?;
        let runtime = match (uid, std::env::var_os("XDG_RUNTIME_DIR")) {
            (0, _) => PathBuf::from("/run"),
            (_, Some(runtime)) => PathBuf::from(runtime),
            // Where it is, when nobody says so: `su` and services do not.
            (_, None) => PathBuf::from(format!("/run/user/{uid}")),
        };
        let socket = runtime.join("systemd/private");
        (is_booted() && socket.exists()).then_some(Self { socket, uid })
    }

    fn connect(&self) -> Result<UnixStream, Error> {
        dbus::connect(&self.socket, self.uid)
            .map_err(|error| Error::io("ask systemd by", &self.socket, error))
    }

    /// Returns the kernel's name of the group that the manager has for itself and its units: what it has, it can
    /// delegate.
    pub(super) fn group(&self) -> Result<String, Error> {
        let failed = |error: io::Error| Error::io("look at systemd behind", &self.socket, error);
        let peer = socket_peercred(self.connect()?).map_err(|errno| failed(errno.into()))?;
        let text = fs::read_to_string(format!("/proc/{}/cgroup", peer.pid.as_raw_pid())).map_err(failed)?;
        let own = own_group(&text).unwrap_or("/");
        // It keeps its own process in a group below.
        Ok(own.strip_suffix("/init.scope").unwrap_or(own).to_owned())
    }

    /// Moves this process into a scope of its own, delegated to it, that ends with its last process.
    pub(super) fn scope(&self, name: &str) -> Result<(), Error> {
        let scope = scope_name(name, std::process::id());
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Occupied, "have systemd make", scope.clone()).because(error.to_string())
        };
        dbus::call(&mut self.connect()?, &START, &scope_of(&scope, std::process::id())).map_err(failed)?;
        let deadline = Instant::now() + PATIENCE;
        while !fs::read_to_string(SELF_CGROUP).map_err(failed)?.lines().any(|line| line.ends_with(&scope)) {
            if Instant::now() > deadline {
                return Err(failed(io::Error::other("it promised, and did not")));
            }
            sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// Returns the host's number of the user `uid` of a namespace with this map: lines of its first number, the host's
/// first, and how many there are (user_namespaces(7)).
pub(super) fn host_uid(map: &str, uid: u32) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().ok());
        let (inside, host, count) = (numbers.next()??, numbers.next()??, numbers.next()??);
        uid.checked_sub(inside).filter(|offset| *offset < count)?.checked_add(host)
    })
}

/// Returns the group of version 2 in a text of /proc/PID/cgroup.
pub(super) fn own_group(text: &str) -> Option<&str> {
    text.split('\n').find_map(|line| line.strip_prefix("0::"))
}

/// Returns a name that no group of a sandbox has, and no scope of another launcher.
fn scope_name(name: &str, pid: u32) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    format!("{SCOPE}{}-{pid}.scope", name.chars().map(plain).take(150).collect::<String>())
}

/// Tells whether a group's name is that of a scope which this launcher, `pid`, asked for.
pub(super) fn is_own_scope(name: &str, pid: u32) -> bool {
    name.starts_with(SCOPE) && name.ends_with(&format!("-{pid}.scope"))
}

/// What the names of launchers' scopes begin with.
const SCOPE: &str = "launcher-";

const START: dbus::Method = dbus::Method {
    object: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
    member: "StartTransientUnit",
    signature: "ssa(sv)a(sa(sv))",
};

/// Returns the arguments that start a delegated scope around a process.
fn scope_of(scope: &str, pid: u32) -> dbus::Values {
    let mut arguments = dbus::Values::default();
    arguments.text(scope);
    arguments.text("fail");
    arguments.array(8, |properties| {
        properties.property("Description", "s", |value| value.text("Launcher of a container"));
        properties.property("PIDs", "au", |value| value.array(4, |pids| pids.u32(pid)));
        properties.property("Delegate", "b", |value| value.u32(1));
        properties.property("CollectMode", "s", |value| value.text("inactive-or-failed"));
    });
    arguments.array(8, |_| {});
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_names_that_systemd_takes() {
        assert_eq!(scope_name("nspawn_a.b@c/d", 7), "launcher-nspawn_a.b-c-d-7.scope");
        assert!(scope_name(&"x".repeat(255), u32::MAX).len() < 200);
    }

    #[test]
    fn a_launcher_knows_its_own_scope() {
        assert!(is_own_scope(&scope_name("nspawn_a", 17), 17));
        for (name, pid) in
            [("launcher-nspawn_a-17.scope", 7), ("run-17.scope", 17), ("launcher-a-17", 17), ("", 17)]
        {
            assert!(!is_own_scope(name, pid), "{name} {pid}");
        }
    }

    #[test]
    fn users_are_asked_for_by_the_host_s_number() {
        for (map, uid, host) in [
            ("         0          0 4294967295\n", 0, Some(0)),
            ("0 1000 1\n", 0, Some(1000)),
            ("0 1000 1\n1 100000 65536\n", 7, Some(100_006)),
            ("0 1000 1\n", 1, None),
            ("", 0, None),
        ] {
            assert_eq!(host_uid(map, uid), host, "{map:?} {uid}");
        }
    }

    #[test]
    fn the_group_of_a_manager_is_above_its_process() {
        assert_eq!(own_group("1:name=systemd:/x\n0::/user.slice/a\n"), Some("/user.slice/a"));
        assert_eq!(own_group("1:cpu:/\n"), None);
    }
}
