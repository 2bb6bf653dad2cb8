//! Stands in for computecore.dll: compute systems and processes of schema v2. What the functions do is in `service`;
//! here is how they are called. There are those that the launcher calls, and no others.
#![cfg(windows)]
// UNSAFETY: functions that a caller finds by name and gives addresses.
#![expect(unsafe_code, reason = "functions of a DLL")]

mod operation;
mod process;
mod system;

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::{Mutex, PoisonError};

use service::code::{Code, Failure, Family, Result};
use service::memory::wide;
use service::watch::{Kind, News, Watch};

/// A text of the caller.
type Text = *const u16;
/// Where the caller wants a text.
type Place = *mut *mut u16;
/// A handle.
type Raw = *mut c_void;
/// A function of the caller that is told news.
type Callback = unsafe extern "system" fn(*const Event, Raw);

/// The access that opening must ask for: `GENERIC_ALL`.
const ALL_ACCESS: u32 = 0x1000_0000;

/// `HCS_EVENT`.
#[repr(C)]
struct Event {
    kind: u32,
    data: Text,
    operation: Raw,
}

/// What a handle stands for, with its callback. Closing the handle ends the callback first.
struct Watched<T> {
    watch: Mutex<Option<Watch>>,
    value: T,
}

impl<T> Watched<T> {
    fn new(value: T) -> Self {
        Self { watch: Mutex::new(None), value }
    }

    /// Sets its callback.
    fn set(&self, start: impl FnOnce(&T) -> Watch) -> Result<()> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.is_some() {
            return Err(Failure::new(Code::CALLBACK_ALREADY_SET, "the handle has a callback"));
        }
        *watch = Some(start(&self.value));
        Ok(())
    }
}

/// Returns what tells news to the caller: addresses that it keeps until it closes the handle.
fn listener(callback: Callback, context: Raw) -> impl Fn(&News) + Send + 'static {
    let context = context as usize;
    move |news| {
        let kind = match news.kind {
            Kind::SystemExited => 1,
            Kind::ProcessExited => 0x0001_0000,
            Kind::Disconnect => 0x0200_0000,
            // Operations tell these.
            Kind::CreateCompleted | Kind::StartCompleted => return,
        };
        let data = news.data.as_deref().map(wide);
        let data = data.as_ref().map_or(null(), |data| data.as_ptr());
        let event = Event { kind, data, operation: null_mut() };
        // SAFETY: the caller keeps function and context until it closes the handle; the event outlives the call.
        unsafe { callback(&raw const event, context as Raw) }
    }
}

fn hresult(failure: &Failure) -> i32 {
    failure.code.hresult(Family::V2).cast_signed()
}

fn needs_all_access(access: u32) -> Result<()> {
    match access {
        ALL_ACCESS => Ok(()),
        _ => Err(Failure::new(Code::INVALID_ARGUMENT, "the access is not GENERIC_ALL")),
    }
}
