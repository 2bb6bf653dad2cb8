//! Finding groups by name, so that clean-up needs no record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::group::Dir;
use super::host::{Mode, Own};
use super::{Error, Group, Host, files};

/// How far to look for groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Directly below the launcher's own group and each group above it: where a launcher in this session makes
    /// groups. A few directories are read.
    Near,
    /// Everywhere in the mounted hierarchies: also what launchers of other sessions and services have left.
    Everywhere,
}

impl Host {
    /// Finds the groups whose names begin with `prefix`, sorted by name; the directories of one name in several
    /// hierarchies are one group. They may be alive: the caller knows by the name whom to ask before
    /// [`Group::destroy`].
    pub fn leftovers(&self, prefix: &str, reach: Reach) -> Result<Vec<Group>, Error> {
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for hierarchy in self.hierarchies.iter().filter(|h| h.mode == Mode::Writable) {
            let mut found = Vec::new();
            match (&hierarchy.own, reach) {
                (Own::At(_), Reach::Near) => {
                    for group in hierarchy.chain() {
                        found.extend(files::children(&group)?.into_iter().filter(|p| named(p, prefix)));
                    }
                }
                (Own::Hidden(_), Reach::Near) => {}
                (_, Reach::Everywhere) => search(&hierarchy.mount_point, prefix, &mut found)?,
            }
            for path in found {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let group = groups.entry(name.clone()).or_insert_with(|| Group { name, dirs: Vec::new() });
                group.dirs.push(Dir { path, version: hierarchy.version });
            }
        }
        Ok(groups.into_values().collect())
    }
}

fn named(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
}

/// Collects the groups that match; those inside of one that matches belong to it.
fn search(path: &Path, prefix: &str, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    for child in files::children(path)? {
        match named(&child, prefix) {
            true => found.push(child),
            false => search(&child, prefix, found)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::create_dir_all;

    fn names(groups: &[Group]) -> Vec<(String, usize)> {
        groups.iter().map(|group| (group.name().to_owned(), group.paths().count())).collect()
    }

    #[test]
    fn groups_are_found_by_name_in_all_hierarchies() {
        let root = tempfile::tempdir().expect("a directory");
        let top = root.path().display();
        let mounts = format!(
            "1 0 0:1 / {top}/memory rw - cgroup cgroup rw,memory\n2 0 0:2 / {top}/cpu rw - cgroup cgroup rw,cpu\n\
             3 0 0:3 / {top}/pids ro - cgroup cgroup rw,pids\n"
        );
        let host = Host::parse(&mounts, "3:memory:/own/deep\n2:cpu:/\n1:pids:/\n");
        for dir in [
            "memory/own/deep/nspawn_a/nspawn_inner",
            "memory/own/nspawn_b",
            "memory/other/nspawn_c",
            "memory/own/deep/mine",
            "cpu/nspawn_a",
            "cpu/xnspawn_d",
            "pids/nspawn_read_only",
        ] {
            create_dir_all(root.path().join(dir)).expect("directories");
        }
        let near = host.leftovers("nspawn_", Reach::Near).expect("readable");
        assert_eq!(names(&near), [("nspawn_a".to_owned(), 2), ("nspawn_b".to_owned(), 1)]);
        let all = host.leftovers("nspawn_", Reach::Everywhere).expect("readable");
        assert_eq!(names(&all)[2], ("nspawn_c".to_owned(), 1));
        assert_eq!(all.len(), 3);
    }
}
