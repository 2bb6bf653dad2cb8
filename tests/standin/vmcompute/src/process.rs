//! Processes of compute systems.

use std::ptr::null_mut;

use serde_json::{Value, json};
use service::code::{Code, Family, Result};
use service::memory::{put_text, text_at};
use service::process::Information;
use service::session::Process;
use service::table::Table;

use crate::answer::{answer, raw};
use crate::system::{SYSTEMS, id, logged};
use crate::{Callback, Listener, Place, Raw, Text, WATCHES};

/// All open processes.
static PROCESSES: Table<Process> = Table::new(crate::PROCESSES);

fn arguments(process: Raw) -> Value {
    json!({"pid": PROCESSES.get(process as usize).ok().map(|process| process.pid())})
}

/// Does what a call shall do to an open process.
///
/// # Safety
/// `result` is null or may be written.
pub unsafe fn with(
    name: &str,
    process: Raw,
    result: Place,
    done: impl FnOnce(&Process) -> Result<Option<Code>>,
) -> i32 {
    // SAFETY: the place is the caller's.
    unsafe { answer(name, &arguments(process), result, |_| done(&*PROCESSES.get(process as usize)?)) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCreateProcess(
    system: Raw,
    parameters: Text,
    information: *mut Information,
    process: *mut Raw,
    result: Place,
) -> i32 {
    // SAFETY: the text and the places are the caller's.
    unsafe {
        let document = text_at(parameters);
        let arguments = json!({"id": id(system), "parameters": logged(&document)});
        answer("HcsCreateProcess", &arguments, result, |call| {
            let system = SYSTEMS.get(system as usize)?;
            let (created, pipes) = system.create_process(&document, call.delivery)?;
            *information = Information::new(created.pid(), pipes);
            *process = raw(PROCESSES.open(created));
            Ok(None)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsOpenProcess(system: Raw, pid: u32, process: *mut Raw, result: Place) -> i32 {
    // SAFETY: the places are the caller's.
    unsafe {
        answer("HcsOpenProcess", &json!({"id": id(system), "pid": pid}), result, |_| {
            *process = raw(PROCESSES.open(SYSTEMS.get(system as usize)?.open_process(pid)?));
            Ok(None)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCloseProcess(process: Raw) -> i32 {
    let close = |_: &_| PROCESSES.close(process as usize).map(|_| None);
    // SAFETY: there is no place.
    unsafe { answer("HcsCloseProcess", &arguments(process), null_mut(), close) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsTerminateProcess(process: Raw, result: Place) -> i32 {
    // SAFETY: the place is the caller's.
    unsafe {
        answer("HcsTerminateProcess", &arguments(process), result, |call| {
            PROCESSES.get(process as usize)?.terminate(call.delivery).map(|()| None)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsGetProcessProperties(process: Raw, properties: Place, result: Place) -> i32 {
    // SAFETY: the places are the caller's.
    unsafe {
        with("HcsGetProcessProperties", process, result, |process| {
            put_text(Family::V1, properties, &process.properties()?);
            Ok(None)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsModifyProcess(process: Raw, settings: Text, result: Place) -> i32 {
    // SAFETY: the text and the place are the caller's.
    unsafe {
        let settings = text_at(settings);
        with("HcsModifyProcess", process, result, |process| process.modify(&settings).map(|()| None))
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsRegisterProcessCallback(
    process: Raw,
    callback: Callback,
    context: Raw,
    registered: *mut Raw,
) -> i32 {
    let register = |process: &Process| {
        let listener = Listener::new(callback, context);
        let watch = WATCHES.open(process.watch(move |news| listener.tell(news)));
        // SAFETY: the place is the caller's.
        unsafe { *registered = raw(watch) };
        Ok(None)
    };
    // SAFETY: there is no place of a result.
    unsafe { with("HcsRegisterProcessCallback", process, null_mut(), register) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsUnregisterProcessCallback(registered: Raw) -> i32 {
    let close = |_: &_| WATCHES.close(registered as usize).map(|_| None);
    // SAFETY: there is no place.
    unsafe { answer("HcsUnregisterProcessCallback", &json!({}), null_mut(), close) }
}
