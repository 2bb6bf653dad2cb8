//! State that is not as we left it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::host::Host;
use crate::launch::{gc, is_one_error, launcher, run, run_config};

/// Puts something at a path.
type Put = fn(&Path);

/// What is put where.
const DAMAGE: [(&str, Put); 9] = [
    ("run/nspawn_lockdir/lock/file", |path| put(path)),
    ("run/nspawn_stray/file", |path| put(path)),
    ("run/nspawn_deep/a/b/c", |path| put(path)),
    ("run/nspawn_file", |path| put(path)),
    ("run/nspawn_link", |path| symlink("/etc", path).unwrap()),
    ("run/nspawn_linked/lock", |path| symlink("/etc/hostname", path).unwrap()),
    ("run/nspawn_empty/lock", |path| put(path)),
    ("data/scratch/nspawn_file", |path| put(path)),
    ("data/scratch/nspawn_other/prefix/file", |path| put(path)),
];

/// Names that are none of ours.
const FOREIGN: [&str; 6] =
    ["run/other/lock", "run/nspawn_", "run/nspawn_-x", "run/.hidden", "data/scratch/mine", "data/else"];

fn put(path: &Path) {
    fs::write(path, "stray").unwrap();
}

fn lay(host: &Host) {
    for (path, put) in DAMAGE.into_iter().chain(FOREIGN.map(|path| (path, put as Put))) {
        let path = host.place.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        put(&path);
    }
}

#[test]
fn gc_removes_damaged_state_and_nothing_else() {
    let Some(host) = Host::native("gc_removes_damaged_state_and_nothing_else") else { return };
    let hostname = fs::read("/etc/hostname").ok();
    lay(&host);
    let (status, output, errors) = run(&mut gc(&host));
    assert!(status.success() && errors.is_empty(), "{output}{errors}");
    for (path, _) in DAMAGE {
        let first = Path::new(path).components().take(if path.starts_with("run") { 2 } else { 3 });
        let path = host.place.root().join(first.collect::<std::path::PathBuf>());
        assert!(fs::symlink_metadata(&path).is_err(), "{} is there still", path.display());
    }
    for path in FOREIGN {
        assert!(host.place.root().join(path).exists(), "{path} is not ours");
    }
    assert_eq!(fs::read("/etc/hostname").ok(), hostname);
    assert!(Path::new("/etc/passwd").exists());
}

#[test]
fn a_run_is_not_kept_from_starting_by_damaged_state() {
    for host in Host::all("a_run_is_not_kept_from_starting_by_damaged_state") {
        lay(&host);
        let ended = run_config(&host, &host.config(&["exit", "7"]));
        assert_eq!((ended.code(), ended.errors.as_str()), (7, ""), "{:?}", host.kind);
    }
}

#[test]
fn a_state_directory_that_is_none_is_named() {
    let Some(host) = Host::native("a_state_directory_that_is_none_is_named") else { return };
    fs::create_dir_all(host.place.root()).unwrap();
    let path = host.place.root().join("run");
    put(&path);
    for mut command in [launcher(&host, &host.config(&["exit", "7"])), gc(&host)] {
        let (status, _, errors) = run(&mut command);
        assert_eq!(status.code(), Some(125), "{errors}");
        assert!(errors.contains(path.to_str().unwrap()), "{errors}");
        assert!(is_one_error(&errors), "{errors}");
    }
}
