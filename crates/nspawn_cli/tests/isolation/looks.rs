//! How files look from outside: what must be the same after a container tried to change them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{lgetxattr, llistxattr};

/// Everything of a file but the times at which it was read and at which its owner was set.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    mode: u32,
    owner: (u32, u32),
    changed: (i64, i64),
    content: Vec<u8>,
    attributes: Vec<u8>,
}

/// How some files look.
#[derive(Debug, PartialEq, Eq)]
pub struct Looks(BTreeMap<PathBuf, Look>);

impl Looks {
    /// Looks at files, and at directories with all that is in them.
    pub fn of(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut looks = Self(BTreeMap::new());
        paths.into_iter().for_each(|path| looks.add(path));
        looks
    }

    fn add(&mut self, path: PathBuf) {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mut content = Vec::new();
        if metadata.is_file() {
            content = fs::read(&path).unwrap();
        } else if metadata.is_dir() {
            fs::read_dir(&path).unwrap().for_each(|entry| self.add(entry.unwrap().path()));
        }
        let look = Look {
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
            content,
            attributes: attributes(&path),
        };
        self.0.insert(path, look);
    }
}

/// Returns the names and values of extended attributes.
fn attributes(path: &Path) -> Vec<u8> {
    let mut names = vec![0; 4096];
    let length = llistxattr(path, &mut names).unwrap();
    names.truncate(length);
    let mut all = names.clone();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 4096];
        let length = lgetxattr(path, name, &mut value).unwrap();
        all.extend_from_slice(&value[..length]);
    }
    all
}
