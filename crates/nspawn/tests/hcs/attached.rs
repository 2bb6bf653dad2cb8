//! A scratch layer whose disk stays attached, as after a crash: it cannot be renamed until the disk is detached.

use std::fs::File;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use nspawn::document::Schema;
use nspawn::engine::hcs::Deadlines;
use serde_json::{Value, json};

use crate::launch::{CODE, Subject, ample};
use crate::on_both_schemas;
use crate::standin::Standin;

on_both_schemas![
    a_disk_that_is_attached_is_detached_first,
    a_disk_that_cannot_be_detached_is_told_and_left_to_the_next_time,
];

/// `FILE_SHARE_READ | FILE_SHARE_WRITE`.
const NOT_DELETED: u32 = 1 | 2;

/// `FILE_FLAG_BACKUP_SEMANTICS`, by which a directory is opened.
const DIRECTORY: u32 = 0x0200_0000;

/// `DeactivateLayer` fails, so that the disk stays attached.
fn kept() -> Value {
    json!({"call": "DeactivateLayer", "code": "0x80070005"})
}

/// Leaves a layer whose disk is attached, and holds it so that it cannot be renamed, as Windows does then.
fn leave_attached(subject: &Subject<'_>) -> (PathBuf, File) {
    let (report, removed) = subject.launch(ample(), &json!([kept()])).result.unwrap();
    assert_eq!((report.exit_code, removed.is_err()), (Some(CODE), true));
    let scratch = subject.place.scratch(subject.id.as_str());
    let held = File::options().read(true).share_mode(NOT_DELETED).custom_flags(DIRECTORY).open(&scratch);
    (scratch, held.unwrap())
}

fn a_disk_that_is_attached_is_detached_first(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    let (scratch, held) = leave_attached(&subject);
    let watching = standin.clone();
    let is_detached = |standin: &Standin| standin.calls().iter().any(|call| call.name == "DetachVirtualDisk");
    let free = thread::spawn(move || {
        while !is_detached(&watching) {
            thread::sleep(Duration::from_millis(2));
        }
        drop(held);
    });
    let patient = Deadlines { busy: Duration::from_secs(20), ..ample() };
    let collected = subject.collect_within(patient, &json!([kept()]));
    assert_eq!(collected.removed, [subject.id.clone()], "{collected:?}");
    free.join().unwrap();
    assert!(!scratch.exists());
    assert_eq!(subject.left(), [""; 0], "the disk is attached no longer");
}

fn a_disk_that_cannot_be_detached_is_told_and_left_to_the_next_time(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    let (scratch, held) = leave_attached(&subject);
    let faults = json!([kept(), {"call": "DetachVirtualDisk", "code": "0x80070005"}]);
    let collected = subject.collect_despite(&faults);
    let [(id, error)] = &collected.failed[..] else { panic!("{collected:?}") };
    assert_eq!((id, &collected.removed[..]), (&subject.id, &[][..]));
    let (said, more) = (error.one_line(), error.events().join("; "));
    assert!(said.starts_with(&format!("cannot rename scratch layer {}", scratch.display())), "{said}");
    let disk = scratch.join("sandbox.vhdx");
    let wanted = format!("cannot detach {}: DetachVirtualDisk: access is denied", disk.display());
    assert!(more.starts_with(&wanted), "{more}");
    let calls = standin.calls();
    let tries = calls.iter().filter(|call| call.name == "DetachVirtualDisk").count();
    assert_eq!(tries, 1, "{calls:?}");
    assert!(calls.iter().all(|call| call.name != "DestroyLayer"), "{calls:?}");
    drop(held);
    assert_eq!(subject.collect().removed, [subject.id.clone()]);
    assert_eq!(subject.left(), [""; 0]);
}
