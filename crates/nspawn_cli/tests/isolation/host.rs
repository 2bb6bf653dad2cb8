//! I-05 and I-09: the host's own files are the same after a container tried to change them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;

use crate::both::on_both;
use crate::launcher::machine::wine;
use crate::launcher::programs::Target;
use crate::launcher::run::run;
use crate::probe::{EACCES, ENOENT, EROFS, ETXTBSY, Probe, results};

on_both!(i09_programs_cannot_be_overwritten);

/// What of a file must not change.
type Looks = BTreeMap<PathBuf, (u32, u32, i64, Vec<u8>)>;

fn looks_of(paths: impl IntoIterator<Item = PathBuf>) -> Looks {
    let look = |path: PathBuf| {
        let metadata = fs::metadata(&path).unwrap();
        let content = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        (path, (metadata.mode(), metadata.uid(), metadata.mtime_nsec(), content))
    };
    paths.into_iter().map(look).collect()
}

fn i09_programs_cannot_be_overwritten(name: &str, target: Target) {
    let Some(probe) = Probe::ready(name, target, &[]) else { return };
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_hostcompute_nspawn"));
    let files = || std::iter::once(ours.clone()).chain(wine().into_iter().flatten());
    let before = looks_of(files());
    let ran = probe.run(json!({}), &["programs"]);
    let tried = results(&ran, "program");
    assert!(tried.len() >= 6, "{ran:?}");
    for (result, path) in tried {
        // The probe's own file is in a directory that it may write; the kernel keeps what is running.
        let allowed: &[i64] =
            if path.contains("probe") { &[ETXTBSY] } else { &[ETXTBSY, EROFS, EACCES, ENOENT] };
        assert!(allowed.contains(&result), "{result} {path}");
    }
    let after = looks_of(files());
    assert!(before == after, "a program of the host has changed");
}

/// How often containers are started while their directories are swapped for links.
const STARTS: usize = 200;

#[test]
fn i05_links_swapped_during_starts() {
    let Some(probe) = Probe::ready("host::i05_links_swapped_during_starts", Target::Native, &[]) else {
        return;
    };
    let (work, victim) = (probe.place.work(), probe.place.at("victim"));
    for directory in [work.join("logs"), work.join("bin"), victim.clone()] {
        fs::create_dir(directory).unwrap();
    }
    fs::copy(work.join("probe"), work.join("bin/probe")).unwrap();
    fs::write(victim.join("kept"), "kept").unwrap();
    // What would run, or be written, if a link were followed.
    fs::write(victim.join("probe"), "no program").unwrap();
    fs::write(victim.join("out.txt"), "").unwrap();
    symlink("../victim", work.join("logs_link")).unwrap();
    symlink("../victim", work.join("bin_link")).unwrap();
    let paths = || ["", "kept", "probe", "out.txt"].map(|name| victim.join(name));
    let before = looks_of(paths());

    probe
        .place
        .configure("bin/probe", json!({"process_arguments": ["network"], "stdout_filename": "logs/out.txt"}));
    let stop = AtomicBool::new(false);
    let statuses = thread::scope(|scope| {
        for name in ["logs", "bin"] {
            scope.spawn(|| swap(&work, name, &stop));
        }
        let starts = (0..STARTS).map(|_| run(&mut probe.place.launcher(&probe.place.root())));
        let statuses: Vec<_> = starts.map(|ran| ran.status).collect();
        stop.store(true, Ordering::Relaxed);
        statuses
    });
    // Refused where a link was met; 127 where the name was a link when the container's own kernel looked.
    let known = [Some(0), Some(125), Some(126), Some(127)];
    assert!(statuses.iter().all(|status| known.contains(status)), "{statuses:?}");
    assert!(statuses.contains(&Some(0)), "{statuses:?}");
    assert!(
        looks_of(paths()) == before && fs::read_dir(&victim).unwrap().count() == 3,
        "a link was followed"
    );
}

/// Swaps a directory and the link beside it until it is told to stop; the directory stands there at the end.
fn swap(work: &Path, name: &str, stop: &AtomicBool) {
    let (directory, link) = (work.join(name), work.join(format!("{name}_link")));
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..2 {
            renameat_with(CWD, &directory, CWD, &link, RenameFlags::EXCHANGE).unwrap();
        }
    }
}
