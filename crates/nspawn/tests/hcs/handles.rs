//! A host of many launches, such as a service that uses the library, must not run out of handles or threads.
// UNSAFETY: the system's list of handles, as Wine answers 0 to the question for their number, and of threads; and a
// standard input of our own.
#![expect(unsafe_code, reason = "NtQuerySystemInformation, Thread32Next, SetStdHandle")]

use std::io::{PipeWriter, pipe};
use std::os::windows::io::{FromRawHandle as _, IntoRawHandle as _, OwnedHandle};

use nspawn::document::Schema;
use serde_json::json;
use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SYSTEM_INFORMATION_CLASS};
use windows_sys::Win32::Foundation::{INVALID_HANDLE_VALUE, STATUS_INFO_LENGTH_MISMATCH};
use windows_sys::Win32::System::Console::{STD_INPUT_HANDLE, SetStdHandle};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};

use crate::launch::{CODE, Subject, ample};
use crate::on_both_schemas;
use crate::standin::Standin;

on_both_schemas![two_hundred_launches_keep_no_handle_and_no_thread];

/// `SystemExtendedHandleInformation`.
const HANDLES: SYSTEM_INFORMATION_CLASS = 64;

/// Launches after which all is loaded and made that is kept.
const FIRST: u32 = 5;

fn two_hundred_launches_keep_no_handle_and_no_thread(standin: &Standin, schema: Schema) {
    // Whoever reads it waits until we end.
    let _input = take_silent_input();
    let to_file = Subject::new(standin, schema, &json!({}));
    let code = CODE.to_string();
    let to_us = Subject::running(standin, schema, &["exit", &code], &json!({"stdout_filename": null}));
    let launch = |n| {
        let subject = if n % 2 == 0 { &to_file } else { &to_us };
        assert_eq!(subject.launch(ample(), &json!([])).report().exit_code, Some(CODE));
    };
    (0..FIRST).for_each(launch);
    let (handles_before, threads_before) = (handles(), threads());
    (0..200).for_each(launch);
    let (handles_after, threads_after) = (handles(), threads());
    // Not one for ten launches: a few come and go with the threads that end just now.
    let grew = |before, after| before == 0 || after >= before + 20;
    assert!(!grew(handles_before, handles_after), "{handles_before} handles became {handles_after}");
    assert!(!grew(threads_before, threads_after), "{threads_before} threads became {threads_after}");
}

/// Has our standard input be a pipe in which nothing is ever written.
fn take_silent_input() -> PipeWriter {
    let (ours, theirs) = pipe().unwrap();
    // SAFETY: the handle is open, and is never closed.
    assert_ne!(unsafe { SetStdHandle(STD_INPUT_HANDLE, ours.into_raw_handle()) }, 0);
    theirs
}

/// Counts the threads of this process.
fn threads() -> usize {
    // SAFETY: takes two numbers; the handle that it returns is ours.
    let snapshot = unsafe {
        let raw = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
        assert_ne!(raw, INVALID_HANDLE_VALUE);
        OwnedHandle::from_raw_handle(raw)
    };
    let mut entry = THREADENTRY32 { dwSize: size_of::<THREADENTRY32>() as u32, ..Default::default() };
    let raw = std::os::windows::io::AsRawHandle::as_raw_handle(&snapshot);
    let mut count = 0;
    // SAFETY: the snapshot is open, and the entry says its size.
    let mut more = unsafe { Thread32First(raw, &raw mut entry) };
    while more != 0 {
        count += usize::from(entry.th32OwnerProcessID == std::process::id());
        // SAFETY: as above.
        more = unsafe { Thread32Next(raw, &raw mut entry) };
    }
    count
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
