//! Compute systems.

use serde_json::{Value, json};
use service::build;
use service::call::{Call, answered};
use service::code::{Family, Result};
use service::document;
use service::machine::ExitType;
use service::memory::{some_text_at, text_at};
use service::session::{self, System};
use service::table::Table;

use crate::operation::{Outcome, Refused, request};
use crate::{Callback, Raw, Text, Watched, hresult, needs_all_access};

/// All open systems.
pub static SYSTEMS: Table<Watched<System>> = Table::new(crate::SYSTEMS);

/// Reads a document for the log: as JSON where it is, else as text.
pub fn logged(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_else(|_| document.into())
}

/// Returns the id of a system for the log.
pub fn id(system: Raw) -> Option<String> {
    SYSTEMS.get(system as usize).ok().map(|system| system.value.id().to_owned())
}

/// Requests something of an open system.
fn with(
    name: &str,
    system: Raw,
    operation: Raw,
    done: impl FnOnce(&System, &Call) -> Result<Outcome>,
) -> i32 {
    request(name, &json!({"id": id(system)}), operation, Refused::Later, |call| {
        done(&SYSTEMS.get(system as usize)?.value, call)
    })
}

/// Does a call without an operation.
pub fn call(name: &str, arguments: &Value, done: impl FnOnce(&Call) -> Result<()>) -> i32 {
    answered(name, arguments, |call| {
        let done = call.and_then(|call| done(&call));
        let code = done.map_or_else(|failure| hresult(&failure), |()| 0);
        (code.cast_signed(), Some(code))
    })
}

/// Does a call that returns nothing, so that a fault by script is none.
pub fn call_void(name: &str, arguments: &Value, done: impl FnOnce()) {
    answered(name, arguments, |_| (done(), None));
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsEnumerateComputeSystems(query: Text, operation: Raw) -> i32 {
    // SAFETY: the text is the caller's.
    let query = unsafe { some_text_at(query) };
    let arguments = json!({"query": query.as_deref().map(logged)});
    request("HcsEnumerateComputeSystems", &arguments, operation, Refused::Later, |call| {
        session::enumerate(call, query.as_deref()).map(Outcome::of)
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCreateComputeSystem(
    id: Text,
    configuration: Text,
    operation: Raw,
    _security: Raw,
    system: *mut Raw,
) -> i32 {
    // SAFETY: the texts are the caller's.
    let (id, document) = unsafe { (text_at(id), text_at(configuration)) };
    let arguments = json!({"id": id, "configuration": logged(&document)});
    request("HcsCreateComputeSystem", &arguments, operation, Refused::AtOnce, |call| {
        let created = System::create(call, Family::V2, &id, &document)?;
        // SAFETY: the place is the caller's.
        unsafe { *system = SYSTEMS.open(Watched::new(created)) as Raw };
        Ok(Outcome::default())
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsOpenComputeSystem(id: Text, access: u32, system: *mut Raw) -> i32 {
    // SAFETY: the text is the caller's.
    let id = unsafe { text_at(id) };
    call("HcsOpenComputeSystem", &json!({"id": id}), |call| {
        needs_all_access(access)?;
        let opened = System::open(call, Family::V2, &id)?;
        // SAFETY: the place is the caller's.
        unsafe { *system = SYSTEMS.open(Watched::new(opened)) as Raw };
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCloseComputeSystem(system: Raw) {
    call_void("HcsCloseComputeSystem", &json!({"id": id(system)}), || {
        let _ = SYSTEMS.close(system as usize).inspect(|system| system.be_silent());
    });
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsStartComputeSystem(system: Raw, operation: Raw, _options: Text) -> i32 {
    let start = |system: &System, call: &Call| system.start(call.delivery).map(|()| Outcome::default());
    with("HcsStartComputeSystem", system, operation, start)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsShutDownComputeSystem(system: Raw, operation: Raw, options: Text) -> i32 {
    // SAFETY: the text is the caller's.
    let options = unsafe { some_text_at(options) };
    let arguments = json!({"id": id(system), "options": options});
    request("HcsShutDownComputeSystem", &arguments, operation, Refused::Later, |call| {
        document::shutdown(build::of_this_windows(), options.as_deref())?;
        let system = SYSTEMS.get(system as usize)?;
        system.value.end(ExitType::GracefulExit, call.delivery).map(|()| Outcome::default())
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsTerminateComputeSystem(system: Raw, operation: Raw, _options: Text) -> i32 {
    let end = |system: &System, call: &Call| {
        system.end(ExitType::ForcedExit, call.delivery).map(|()| Outcome::default())
    };
    with("HcsTerminateComputeSystem", system, operation, end)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsGetComputeSystemProperties(system: Raw, operation: Raw, query: Text) -> i32 {
    // SAFETY: the text is the caller's.
    let query = unsafe { some_text_at(query) };
    let properties = |system: &System, _: &Call| system.properties(query.as_deref()).map(Outcome::of);
    with("HcsGetComputeSystemProperties", system, operation, properties)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsSetComputeSystemCallback(
    system: Raw,
    _options: u32,
    context: Raw,
    callback: Option<Callback>,
) -> i32 {
    call("HcsSetComputeSystemCallback", &json!({"id": id(system)}), |_| {
        let system = SYSTEMS.get(system as usize)?;
        system.set(callback, context, |system, listener| system.watch(move |news| listener.tell(news)))
    })
}
