//! One sandbox's group: made, ended and removed.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::host::Hierarchy;
use super::systemd::Manager;
use super::{Controller, Error, ErrorKind, Host, Limits, Version, files, kill, v1, v2};

/// The directories of one sandbox, one in each hierarchy that limits it. Dropping it leaves them where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) name: String,
    pub(super) dirs: Vec<Dir>,
}

/// A group's directory in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dir {
    pub path: PathBuf,
    pub version: Version,
}

impl Host {
    /// Makes the group `name` with these limits, ready to be entered. What cannot be limited is an error, and then
    /// nothing is left of the group (on version 2, controllers that were switched on in a parent stay on). Limits
    /// that ask for nothing give a group without directories.
    ///
    /// Kinds of failure: [`ErrorKind::Absent`], [`ErrorKind::ReadOnly`], [`ErrorKind::Denied`] and
    /// [`ErrorKind::Occupied`] by the host, before anything is made; [`ErrorKind::Exists`] and
    /// [`ErrorKind::Refused`] by name and value.
    ///
    /// Where systemd has to be asked, this process moves into a scope of its own first.
    pub fn create(&self, name: &str, limits: &Limits) -> Result<Group, Error> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        check_name(name)?;
        if self.manager(limits)?.is_none() {
            return self.make(name, limits);
        }
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manager) = Self::detect()?.manager(limits)? {
            manager.scope(name)?;
        }
        Self::detect()?.make(name, limits)
    }

    /// Returns the systemd that has to be asked before, if it has to.
    fn manager(&self, limits: &Limits) -> Result<Option<Manager>, Error> {
        for (hierarchy, controllers) in self.shares(limits)? {
            if let Some(manager) = hierarchy.manager(&controllers)? {
                return Ok(Some(manager));
            }
        }
        Ok(None)
    }

    fn make(&self, name: &str, limits: &Limits) -> Result<Group, Error> {
        let mut made = Made(Vec::new());
        for part in self.parts(limits)? {
            let settings = match part.hierarchy.version {
                Version::V1 => v1::settings(&part.controllers, limits, &part.place.parent)?,
                Version::V2 => v2::settings(&part.controllers, limits, &part.place.parent)?,
            };
            v2::enable(&part.place)?;
            let path = part.place.parent.join(name);
            files::make(&path)?;
            made.0.push(Dir { path: path.clone(), version: part.hierarchy.version });
            settings.iter().try_for_each(|setting| setting.apply(&path))?;
        }
        Ok(Group { name: name.to_owned(), dirs: made.keep() })
    }

    /// Finds the hierarchies and places for all limits, before anything is made.
    fn parts(&self, limits: &Limits) -> Result<Vec<Part<'_>>, Error> {
        let shares = self.shares(limits)?.into_iter();
        shares
            .map(|(hierarchy, controllers)| {
                Ok(Part { place: hierarchy.place(&controllers)?, hierarchy, controllers })
            })
            .collect()
    }

    /// Returns which hierarchy holds which of the limits.
    fn shares(&self, limits: &Limits) -> Result<Vec<(&Hierarchy, Vec<Controller>)>, Error> {
        let mut shares: Vec<(&Hierarchy, Vec<Controller>)> = Vec::new();
        for controller in limits.controllers() {
            let hierarchy = self.with(controller)?;
            match shares.iter_mut().find(|(known, _)| std::ptr::eq(*known, hierarchy)) {
                Some((_, controllers)) => controllers.push(controller),
                None => shares.push((hierarchy, vec![controller])),
            }
        }
        Ok(shares)
    }

    /// Opens the group whose directories were recorded with [`Group::paths`], by another process perhaps. Fails with
    /// [`ErrorKind::Absent`] where a path is in no hierarchy of this host or is gone.
    pub fn open(&self, paths: &[PathBuf]) -> Result<Group, Error> {
        let mut group = Group { name: String::new(), dirs: Vec::new() };
        for path in paths {
            let absent = |reason| {
                Err(Error::new(ErrorKind::Absent, "open control group", path.display().to_string())
                    .because(reason))
            };
            let hierarchy = self.hierarchies.iter().find(|h| path.starts_with(&h.mount_point));
            let (Some(hierarchy), Some(name)) = (hierarchy, path.file_name()) else {
                return absent("no control group file system is mounted there");
            };
            if path.components().any(|part| part == std::path::Component::ParentDir) || !path.is_dir() {
                return absent("there is no such directory");
            }
            group.name = name.to_string_lossy().into_owned();
            group.dirs.push(Dir { path: path.clone(), version: hierarchy.version });
        }
        Ok(group)
    }
}

/// What has to be made in one hierarchy.
struct Part<'a> {
    hierarchy: &'a Hierarchy,
    controllers: Vec<Controller>,
    place: v2::Place,
}

impl Group {
    /// Returns the group's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the group's directories, for a record from which [`Host::open`] finds them again.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.dirs.iter().map(|dir| &*dir.path)
    }

    /// Sends SIGKILL to every process in the group and in the groups below it, and does not wait. May be repeated.
    pub fn kill(&self) -> Result<(), Error> {
        first_error(self.dirs.iter().map(|dir| kill::kill(&dir.path, dir.version)))
    }

    /// Removes the group and the groups below it, and waits up to `patience` for the kernel to let go of processes
    /// that have ended. Fails with [`ErrorKind::Busy`] where one lives on. May be repeated: what is gone is no error.
    pub fn remove(&self, patience: Duration) -> Result<(), Error> {
        self.retry(patience, || Ok(()))
    }

    /// Kills what is in the group and removes it, again and again up to `patience`: for a group whose owner is gone.
    pub fn destroy(&self, patience: Duration) -> Result<(), Error> {
        self.retry(patience, || self.kill())
    }

    fn retry(&self, patience: Duration, before: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let start = Instant::now();
        let mut pause = Duration::from_micros(50);
        loop {
            let prepared = before();
            match first_error(self.dirs.iter().rev().map(|dir| remove_tree(&dir.path))) {
                Err(error) if error.kind() == ErrorKind::Busy && start.elapsed() < patience => {
                    sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(5));
                }
                // A failed kill is the reason why the group is busy still.
                Err(error) => return prepared.and(Err(error)),
                Ok(()) => return Ok(()),
            }
        }
    }
}

/// Removes the groups below `path`, then the one at `path`.
fn remove_tree(path: &Path) -> Result<(), Error> {
    match files::unmake(path) {
        // Groups below make a directory busy just as processes do.
        Err(error) if error.kind() == ErrorKind::Busy => {
            first_error(files::children(path)?.iter().map(|child| remove_tree(child)))?;
            files::unmake(path)
        }
        done => done,
    }
}

/// Does all of it, and returns the first failure.
pub(super) fn first_error(results: impl Iterator<Item = Result<(), Error>>) -> Result<(), Error> {
    results.fold(Ok(()), Result::and)
}

/// Directories made so far; dropped before [`Made::keep`], it removes them, last first.
struct Made(Vec<Dir>);

impl Made {
    fn keep(mut self) -> Vec<Dir> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for dir in self.0.iter().rev() {
            // Nothing has entered it yet, so this cannot fail but by an error that the next collection will meet
            // and report, too.
            let _ = files::unmake(&dir.path);
        }
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let refuse = |reason| {
        Err(Error::new(ErrorKind::Refused, "make control group", format!("{name:?}")).because(reason))
    };
    match name {
        "" | "." | ".." => refuse("it is no name"),
        // The kernel forbids the newline, since /proc/PID/cgroup has one group a line.
        _ if name.contains(['/', '\n', '\0']) => refuse("a name has no slash, newline or zero byte"),
        _ if name.len() > 255 => refuse("a name has at most 255 bytes"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_directory_are_refused() {
        let host = Host::parse("", "");
        for name in ["", ".", "..", "a/b", "/a", "a\nb", "a\0b", &"x".repeat(256)] {
            let error = host.create(name, &Limits::default()).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Refused, "{name:?}");
        }
    }

    #[test]
    fn no_limits_need_no_control_groups() {
        let group = Host::parse("", "").create("nspawn_x", &Limits::default()).expect("nothing to make");
        assert_eq!(group.paths().count(), 0);
        group.remove(Duration::ZERO).expect("nothing to remove");
    }

    #[test]
    fn a_limit_without_control_groups_is_an_error() {
        let limits = Limits { processes: std::num::NonZeroU64::new(5), ..Limits::default() };
        let error = Host::parse("", "").create("nspawn_x", &limits).expect_err("no hierarchy");
        assert_eq!((error.kind(), error.controller()), (ErrorKind::Absent, Some(Controller::Pids)));
    }

    #[test]
    fn a_recorded_path_outside_of_the_hierarchies_is_not_opened() {
        let host = Host::parse("33 31 0:28 / /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/\n");
        for path in ["/etc", "/sys/fs/cgroup/../../../etc", "/sys/fs/cgroup/nspawn_not_there"] {
            let error = host.open(&[path.into()]).expect_err(path);
            assert_eq!(error.kind(), ErrorKind::Absent, "{path}");
        }
    }
}
