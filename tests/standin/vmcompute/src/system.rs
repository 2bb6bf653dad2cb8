//! Compute systems.

use serde_json::{Value, json};
use service::code::{Code, Family, Result};
use service::fault::Delivery;
use service::machine::ExitType;
use service::memory::{put_text, some_text_at, text_at};
use service::session::{self, System};
use service::table::Table;
use service::watch::Kind;

use crate::answer::{answer, raw};
use crate::{Callback, Listener, Place, Raw, Text, WATCHES};

/// All open systems.
pub static SYSTEMS: Table<System> = Table::new(crate::SYSTEMS);

/// Reads a document for the log: as JSON where it is, else as text.
pub fn logged(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_else(|_| document.into())
}

/// Returns the id of a system for the log.
pub fn id(system: Raw) -> Option<String> {
    SYSTEMS.get(system as usize).ok().map(|system| system.id().to_owned())
}

/// Does what a call shall do to an open system.
unsafe fn with(
    name: &str,
    system: Raw,
    result: Place,
    done: impl FnOnce(&System, Delivery) -> Result<Option<Code>>,
) -> i32 {
    let arguments = json!({"id": id(system)});
    // SAFETY: the place is the caller's.
    unsafe { answer(name, &arguments, result, |call| done(&*SYSTEMS.get(system as usize)?, call.delivery)) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsEnumerateComputeSystems(query: Text, systems: Place, result: Place) -> i32 {
    // SAFETY: the text and the places are the caller's.
    unsafe {
        let query = some_text_at(query);
        answer(
            "HcsEnumerateComputeSystems",
            &json!({"query": query.as_deref().map(logged)}),
            result,
            |call| {
                put_text(Family::V1, systems, &session::enumerate(call, query.as_deref())?);
                Ok(None)
            },
        )
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCreateComputeSystem(
    id: Text,
    configuration: Text,
    _identity: Raw,
    system: *mut Raw,
    result: Place,
) -> i32 {
    // SAFETY: the texts and the places are the caller's.
    unsafe {
        let (id, document) = (text_at(id), text_at(configuration));
        let arguments = json!({"id": id, "configuration": logged(&document)});
        answer("HcsCreateComputeSystem", &arguments, result, |call| {
            let created = System::create(call, Family::V1, &id, &document)?;
            created.tell(Kind::CreateCompleted, call.delivery);
            *system = raw(SYSTEMS.open(created));
            Ok(Some(Code::PENDING))
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsOpenComputeSystem(id: Text, system: *mut Raw, result: Place) -> i32 {
    // SAFETY: the text and the places are the caller's.
    unsafe {
        let id = text_at(id);
        answer("HcsOpenComputeSystem", &json!({"id": id}), result, |call| {
            *system = raw(SYSTEMS.open(System::open(call, Family::V1, &id)?));
            Ok(None)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCloseComputeSystem(system: Raw) -> i32 {
    let close = |_: &_| SYSTEMS.close(system as usize).map(|_| None);
    // SAFETY: there is no place.
    unsafe { answer("HcsCloseComputeSystem", &json!({"id": id(system)}), std::ptr::null_mut(), close) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsStartComputeSystem(system: Raw, _options: Text, result: Place) -> i32 {
    let start = |system: &System, delivery| {
        system.start(delivery)?;
        system.tell(Kind::StartCompleted, delivery);
        Ok(Some(Code::PENDING))
    };
    // SAFETY: the place is the caller's.
    unsafe { with("HcsStartComputeSystem", system, result, start) }
}

fn end(system: &System, how: ExitType, delivery: Delivery) -> Result<Option<Code>> {
    system.end(how, delivery).map(|()| Some(Code::PENDING))
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsShutdownComputeSystem(system: Raw, _options: Text, result: Place) -> i32 {
    let end = |system: &System, delivery| end(system, ExitType::GracefulExit, delivery);
    // SAFETY: the place is the caller's.
    unsafe { with("HcsShutdownComputeSystem", system, result, end) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsTerminateComputeSystem(system: Raw, _options: Text, result: Place) -> i32 {
    let end = |system: &System, delivery| end(system, ExitType::ForcedExit, delivery);
    // SAFETY: the place is the caller's.
    unsafe { with("HcsTerminateComputeSystem", system, result, end) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsGetComputeSystemProperties(
    system: Raw,
    query: Text,
    properties: Place,
    result: Place,
) -> i32 {
    // SAFETY: the text and the places are the caller's.
    unsafe {
        let query = some_text_at(query);
        with("HcsGetComputeSystemProperties", system, result, |system, _| {
            put_text(Family::V1, properties, &system.properties(query.as_deref())?);
            Ok(None)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsRegisterComputeSystemCallback(
    system: Raw,
    callback: Callback,
    context: Raw,
    registered: *mut Raw,
) -> i32 {
    let register = |system: &System, _| {
        let listener = Listener::new(callback, context);
        let watch = WATCHES.open(system.watch(move |news| listener.tell(news)));
        // SAFETY: the place is the caller's.
        unsafe { *registered = raw(watch) };
        Ok(None)
    };
    // SAFETY: there is no place of a result.
    unsafe { with("HcsRegisterComputeSystemCallback", system, std::ptr::null_mut(), register) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsUnregisterComputeSystemCallback(registered: Raw) -> i32 {
    let close = |_: &_| WATCHES.close(registered as usize).map(|_| None);
    // SAFETY: there is no place.
    unsafe { answer("HcsUnregisterComputeSystemCallback", &json!({}), std::ptr::null_mut(), close) }
}
