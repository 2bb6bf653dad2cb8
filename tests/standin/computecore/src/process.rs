//! Processes of compute systems.

use serde_json::{Value, json};
use service::call::Call;
use service::code::Result;
use service::memory::text_at;
use service::session::Process;
use service::table::Table;

use crate::operation::{Outcome, Refused, request};
use crate::system::{SYSTEMS, call, call_void, id, logged};
use crate::{Callback, Raw, Text, Watched, needs_all_access};

/// All open processes.
static PROCESSES: Table<Watched<Process>> = Table::new(crate::PROCESSES);

fn arguments(process: Raw) -> Value {
    json!({"pid": PROCESSES.get(process as usize).ok().map(|process| process.value.pid())})
}

/// Requests something of an open process.
fn with(name: &str, process: Raw, operation: Raw, done: impl FnOnce(&Process) -> Result<Outcome>) -> i32 {
    request(name, &arguments(process), operation, Refused::Later, |_| {
        done(&PROCESSES.get(process as usize)?.value)
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCreateProcess(
    system: Raw,
    parameters: Text,
    operation: Raw,
    _security: Raw,
    process: *mut Raw,
) -> i32 {
    // SAFETY: the text is the caller's.
    let document = unsafe { text_at(parameters) };
    let arguments = json!({"id": id(system), "parameters": logged(&document)});
    request("HcsCreateProcess", &arguments, operation, Refused::AtOnce, |call: &Call| {
        let system = SYSTEMS.get(system as usize)?;
        let (created, pipes) = system.value.create_process(&document, call.delivery)?;
        let told = (created.pid(), pipes);
        // SAFETY: the place is the caller's.
        unsafe { *process = PROCESSES.open(Watched::new(created)) as Raw };
        Ok(Outcome { document: None, process: Some(told) })
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsOpenProcess(system: Raw, pid: u32, access: u32, process: *mut Raw) -> i32 {
    call("HcsOpenProcess", &json!({"id": id(system), "pid": pid}), |_| {
        needs_all_access(access)?;
        let opened = SYSTEMS.get(system as usize)?.value.open_process(pid)?;
        // SAFETY: the place is the caller's.
        unsafe { *process = PROCESSES.open(Watched::new(opened)) as Raw };
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCloseProcess(process: Raw) {
    call_void("HcsCloseProcess", &arguments(process), || {
        let _ = PROCESSES.close(process as usize).inspect(|process| process.be_silent());
    });
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsTerminateProcess(process: Raw, operation: Raw, _options: Text) -> i32 {
    request("HcsTerminateProcess", &arguments(process), operation, Refused::Later, |call| {
        PROCESSES.get(process as usize)?.value.terminate(call.delivery).map(|()| Outcome::default())
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsSignalProcess(process: Raw, operation: Raw, options: Text) -> i32 {
    // SAFETY: the text is the caller's.
    let options = unsafe { text_at(options) };
    with("HcsSignalProcess", process, operation, |process| {
        process.signal(&options).map(|()| Outcome::default())
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsGetProcessInfo(process: Raw, operation: Raw) -> i32 {
    let information =
        |process: &Process| process.information().map(|told| Outcome { document: None, process: Some(told) });
    with("HcsGetProcessInfo", process, operation, information)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsGetProcessProperties(process: Raw, operation: Raw, _query: Text) -> i32 {
    let properties = |process: &Process| process.properties().map(Outcome::of);
    with("HcsGetProcessProperties", process, operation, properties)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsModifyProcess(process: Raw, operation: Raw, settings: Text) -> i32 {
    // SAFETY: the text is the caller's.
    let settings = unsafe { text_at(settings) };
    with("HcsModifyProcess", process, operation, |process| {
        process.modify(&settings).map(|()| Outcome::default())
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsSetProcessCallback(
    process: Raw,
    _options: u32,
    context: Raw,
    callback: Option<Callback>,
) -> i32 {
    call("HcsSetProcessCallback", &arguments(process), |_| {
        let process = PROCESSES.get(process as usize)?;
        process.set(callback, context, |process, listener| process.watch(move |news| listener.tell(news)))
    })
}
