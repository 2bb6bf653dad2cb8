//! A host of many launches, such as a service that uses the library, must not run out of handles.
// UNSAFETY: the system's list of handles; Wine answers 0 to the question for their number.
#![expect(unsafe_code, reason = "NtQuerySystemInformation")]

use nspawn::document::Schema;
use serde_json::json;
use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SYSTEM_INFORMATION_CLASS};
use windows_sys::Win32::Foundation::STATUS_INFO_LENGTH_MISMATCH;

use crate::launch::{CODE, Subject, ample};
use crate::on_both_schemas;
use crate::standin::Standin;

on_both_schemas![two_hundred_launches_keep_no_handle];

/// `SystemExtendedHandleInformation`.
const HANDLES: SYSTEM_INFORMATION_CLASS = 64;

/// Launches after which all is loaded and made that is kept.
const FIRST: u32 = 5;

fn two_hundred_launches_keep_no_handle(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    let launch = |_| assert_eq!(subject.launch(ample(), &json!([])).report().exit_code, Some(CODE));
    (0..FIRST).for_each(launch);
    let before = handles();
    (0..200).for_each(launch);
    let after = handles();
    // Not one for ten launches: a few come and go with the threads that end just now.
    assert!(before > 0 && after < before + 20, "{before} handles became {after}");
}

/// Counts the open handles of this process.
fn handles() -> usize {
    let mut words = vec![0_usize; 1 << 16];
    loop {
        let mut needed = 0;
        let length = u32::try_from(size_of_val(words.as_slice())).unwrap();
        // SAFETY: the buffer is ours and has that length.
        let status =
            unsafe { NtQuerySystemInformation(HANDLES, words.as_mut_ptr().cast(), length, &raw mut needed) };
        match status {
            0 => break,
            STATUS_INFO_LENGTH_MISMATCH => words.resize(words.len() * 2, 0),
            status => panic!("NtQuerySystemInformation: {status:#x}"),
        }
    }
    // Their number, a reserved word, and five words for each: the object, the process, the handle, and two of flags.
    let own = std::process::id() as usize;
    words[2..].chunks(5).take(words[0]).filter(|handle| handle[1] == own).count()
}
