//! A registered callback of vmcompute.dll.
// UNSAFETY: calls functions that take handles and addresses.
#![expect(unsafe_code, reason = "registers callbacks")]

use std::ptr::null_mut;
use std::sync::mpsc::Sender;

use crate::error::Result;
use crate::handle::{Handle, Raw};
use crate::library::Answer;
use crate::notification::Notification;
use crate::sink::{Sink, notified};
use crate::vmcompute::raw;

/// Notifications go to a channel until this is dropped, which waits for the callback that runs.
#[derive(Debug)]
pub(super) struct Registration {
    handle: Option<Handle>,
    unregister: unsafe fn(Raw) -> Result<Answer>,
    sink: Sink,
}

impl Registration {
    pub(super) fn of_system(system: &Handle, sender: Sender<Notification>) -> Result<Self> {
        let sink = Sink::new(sender);
        let mut registered = null_mut();
        // SAFETY: the handle is open; the context lives until the callback is unregistered.
        unsafe {
            raw::HcsRegisterComputeSystemCallback(system.raw(), notified, sink.context(), &raw mut registered)
        }?
        .check(None)?;
        Ok(Self::new(registered, raw::HcsUnregisterComputeSystemCallback, sink))
    }

    pub(super) fn of_process(process: &Handle, sender: Sender<Notification>) -> Result<Self> {
        let sink = Sink::new(sender);
        let mut registered = null_mut();
        // SAFETY: the handle is open; the context lives until the callback is unregistered.
        unsafe {
            raw::HcsRegisterProcessCallback(process.raw(), notified, sink.context(), &raw mut registered)
        }?
        .check(None)?;
        Ok(Self::new(registered, raw::HcsUnregisterProcessCallback, sink))
    }

    fn new(registered: Raw, unregister: unsafe fn(Raw) -> Result<Answer>, sink: Sink) -> Self {
        // Closing it is done below, where the sink is at hand.
        Self { handle: Handle::own(registered, |_| ()), unregister, sink }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Some(handle) = &self.handle else { return };
        // SAFETY: the registration is ours, and is ended once.
        let ended = unsafe { (self.unregister)(handle.raw()) }.and_then(|answer| answer.check(None));
        if ended.is_err() {
            self.sink.leak();
        }
    }
}
