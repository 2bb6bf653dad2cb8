//! Stands in for vmcompute.dll: compute systems and processes of schema v1, and layers. What the functions do is in
//! `service`; here is how they are called. There are those that the launcher calls, and no others; and of these, without
//! the feature `signals`, those that Windows Server 2016 has.
#![cfg(windows)]
// UNSAFETY: functions that a caller finds by name and gives addresses.
#![expect(unsafe_code, reason = "functions of a DLL")]
#![expect(clippy::missing_safety_doc, reason = "the caller gives what the real DLL demands")]

mod answer;
mod layer;
mod process;
#[cfg(feature = "signals")]
mod signal;
mod system;

use std::ffi::c_void;
use std::ptr::null;

use service::code::Family;
use service::memory::wide;
use service::table::{NEXT_TABLE, OF_VMCOMPUTE, Table};
use service::watch::{Kind, News, Watch};

/// A text of the caller.
type Text = *const u16;
/// Where the caller wants a text.
type Place = *mut *mut u16;
/// A handle.
type Raw = *mut c_void;
/// A function of the caller that is told news: kind, context, status, document.
type Callback = unsafe extern "system" fn(u32, Raw, i32, Text);

/// Where the handles of systems begin.
const SYSTEMS: usize = OF_VMCOMPUTE + NEXT_TABLE;
/// Where the handles of processes begin.
const PROCESSES: usize = OF_VMCOMPUTE + 2 * NEXT_TABLE;

/// All registered callbacks.
static WATCHES: Table<Watch> = Table::new(OF_VMCOMPUTE);

/// What news is told with: addresses of the caller, which it keeps until it unregisters.
struct Listener {
    callback: Callback,
    context: usize,
}

impl Listener {
    fn new(callback: Callback, context: Raw) -> Self {
        Self { callback, context: context as usize }
    }

    fn tell(&self, news: &News) {
        let number = match news.kind {
            Kind::SystemExited => 1,
            Kind::CreateCompleted => 2,
            Kind::StartCompleted => 3,
            Kind::ProcessExited => 0x0001_0000,
            Kind::Disconnect => 0x0100_0000,
        };
        let status = news.status.map_or(0, |code| code.hresult(Family::V1).cast_signed());
        let data = news.data.as_deref().map(wide);
        // SAFETY: the caller keeps function and context until it unregisters; the document outlives the call.
        unsafe {
            (self.callback)(
                number,
                self.context as Raw,
                status,
                data.as_ref().map_or(null(), |data| data.as_ptr()),
            )
        }
    }
}
