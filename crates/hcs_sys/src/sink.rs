//! Where callbacks put what they are told: a channel. They run on threads of the service, take no lock, and do
//! nothing that can panic.
// UNSAFETY: functions that the DLLs call, with a context that we gave them.
#![expect(unsafe_code, reason = "callbacks")]

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::code::Code;
use crate::layout::Event;
use crate::notification::{Kind, Notification};
use crate::returned::text_at;

/// A channel's end that a callback can find by its address. It must live until no callback runs or can come.
#[derive(Debug, Clone)]
pub(crate) struct Sink(Arc<Sender<Notification>>);

impl Sink {
    pub(crate) fn new(sender: Sender<Notification>) -> Self {
        Self(Arc::new(sender))
    }

    /// Returns the context to register a callback with.
    pub(crate) fn context(&self) -> *mut c_void {
        Arc::as_ptr(&self.0).cast_mut().cast()
    }

    /// Keeps it for ever: a callback that could not be unregistered may still come.
    pub(crate) fn leak(&self) {
        std::mem::forget(Arc::clone(&self.0));
    }
}

/// Sends on the sink at `context`. That nobody listens any more is no failure.
///
/// # Safety
/// `context` is that of a living sink.
unsafe fn send(context: *const c_void, notification: Notification) {
    // SAFETY: the sink lives, and senders may be used from any thread.
    let sender = unsafe { &*context.cast::<Sender<Notification>>() };
    let _ = sender.send(notification);
}

/// `HCS_NOTIFICATION_CALLBACK` of vmcompute.dll.
pub(crate) unsafe extern "system" fn notified(
    kind: u32,
    context: *mut c_void,
    status: i32,
    data: *const u16,
) {
    // SAFETY: the data is null or a string that lives as long as this call; the context is a sink's.
    unsafe {
        let (kind, status, data) = (Kind::from_v1(kind), Code::from_hresult(status), text_at(data));
        send(context, Notification { kind, status, data });
    }
}

/// `HCS_EVENT_CALLBACK` of computecore.dll.
pub(crate) unsafe extern "system" fn happened(event: *const Event, context: *mut c_void) {
    // SAFETY: the event and its data live as long as this call; the context is a sink's.
    unsafe {
        let (kind, data) = (Kind::from_v2((*event).kind), text_at((*event).data));
        send(context, Notification { kind, status: Code::from_hresult(0), data });
    }
}
