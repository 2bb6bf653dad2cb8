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
use std::sync::{Mutex, MutexGuard, PoisonError};

use service::code::{Code, Failure, Family, Result};
use service::memory::wide;
use service::table::{NEXT_TABLE, OF_COMPUTECORE};
use service::watch::{Kind, News, Watch};

/// A text of the caller.
type Text = *const u16;
/// Where the caller wants a text.
type Place = *mut *mut u16;
/// A handle.
type Raw = *mut c_void;
/// A function of the caller that is told news.
type Callback = unsafe extern "system" fn(*const Event, Raw);
/// Where the handles of operations begin.
const OPERATIONS: usize = OF_COMPUTECORE;
/// Where the handles of systems begin.
const SYSTEMS: usize = OF_COMPUTECORE + NEXT_TABLE;
/// Where the handles of processes begin.
const PROCESSES: usize = OF_COMPUTECORE + 2 * NEXT_TABLE;

/// The access that opening must ask for: `GENERIC_ALL`.
const ALL_ACCESS: u32 = 0x1000_0000;

/// `HCS_EVENT`.
#[repr(C)]
struct Event {
    kind: u32,
    data: Text,
    operation: Raw,
}

/// What a handle stands for, with its callback.
struct Watched<T> {
    watch: Mutex<Option<Watch>>,
    value: T,
}

impl<T> Watched<T> {
    fn new(value: T) -> Self {
        Self { watch: Mutex::new(None), value }
    }

    fn watch(&self) -> MutexGuard<'_, Option<Watch>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets its callback, or takes it away, where there is none.
    fn set(
        &self,
        callback: Option<Callback>,
        context: Raw,
        start: impl FnOnce(&T, Listener) -> Watch,
    ) -> Result<()> {
        let Some(callback) = callback else {
            self.be_silent();
            return Ok(());
        };
        let mut watch = self.watch();
        if watch.is_some() {
            return Err(Failure::new(Code::CALLBACK_ALREADY_SET, "the handle has a callback"));
        }
        *watch = Some(start(&self.value, Listener { callback, context: context as usize }));
        Ok(())
    }

    /// Waits for a callback that runs, and lets none come after. Another call may be at work with the handle still, so
    /// that what it stands for is not dropped here.
    fn be_silent(&self) {
        let watch = self.watch().take();
        // Not under the lock: the callback that is waited for may call with this handle.
        drop(watch);
    }
}

/// What news is told with: addresses of the caller, which it keeps until it closes the handle.
struct Listener {
    callback: Callback,
    context: usize,
}

impl Listener {
    fn tell(&self, news: &News) {
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
        unsafe { (self.callback)(&raw const event, self.context as Raw) }
    }
}

fn hresult(failure: &Failure) -> u32 {
    failure.code.hresult(Family::V2)
}

fn needs_all_access(access: u32) -> Result<()> {
    match access {
        ALL_ACCESS => Ok(()),
        _ => Err(Failure::new(Code::INVALID_ARGUMENT, "the access is not GENERIC_ALL")),
    }
}
