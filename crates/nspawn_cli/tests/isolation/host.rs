//! I-09: programs of the host are the same after a container tried to change them.

use std::path::PathBuf;

use serde_json::json;

use crate::case::{Case, rows};
use crate::launcher::machine::wine;
use crate::looks::Looks;
use crate::probe::{EACCES, ENOENT, EPERM, EROFS, ETXTBSY, Probe, results};

rows!(i09_programs_cannot_be_overwritten, i09_no_memory_is_written_through_proc);

/// The launcher, and Wine's loader and server.
fn programs() -> Looks {
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_hostcompute_nspawn"));
    Looks::of(std::iter::once(ours).chain(wine().into_iter().flatten()))
}

fn i09_programs_cannot_be_overwritten(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let before = programs();
    let ran = probe.run(json!({}), &["programs"]);
    let tried = results(&ran, "program");
    assert!(tried.len() >= 6, "{ran:?}");
    for (result, path) in tried {
        // The probe's own file is in a directory that it may write; the kernel keeps what is running.
        let allowed: &[i64] =
            if path.contains("probe") { &[ETXTBSY] } else { &[ETXTBSY, EROFS, EACCES, ENOENT] };
        assert!(allowed.contains(&result), "{result} {path}");
    }
    // What is mapped is opened by those alone who may look at every process of the host.
    let mapped = results(&ran, "mapped");
    assert!(mapped.len() >= 4 && mapped.iter().all(|(result, _)| *result == EPERM), "{mapped:?}");
    assert!(before == programs(), "a program of the host has changed");
}

fn i09_no_memory_is_written_through_proc(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let before = programs();
    let ran = probe.run(json!({}), &["memory"]);
    let tried = results(&ran, "memory");
    assert!(!tried.is_empty() && tried.iter().all(|(result, _)| *result == EROFS), "{ran:?}");
    assert!(before == programs(), "a program of the host has changed");
}
