//! Processes of compute systems.
// UNSAFETY: calls functions that take handles and addresses.
#![expect(unsafe_code, reason = "functions of computecore.dll")]

use std::ptr::null;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::operation::Operation;
use super::{NO_OPTIONS, raw};
use crate::error::Result;
use crate::handle::{Handle, Raw};
use crate::notification::Notification;
use crate::sink::{Sink, happened};
use crate::started::Started;
use crate::wide::Wide;

/// An open process. Closing it does not end it.
#[derive(Debug)]
pub struct Process {
    // Dropped in this order: closing waits for the callback, which needs the sink.
    handle: Handle,
    sink: Option<Sink>,
}

impl Process {
    pub(super) fn own(process: Raw) -> Option<Self> {
        Handle::own(process, close).map(|handle| Self { handle, sink: None })
    }

    /// Sends what happens to it on `sender` from now on. A handle can be watched once.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn watch(&mut self, sender: Sender<Notification>) -> Result<()> {
        let sink = Sink::new(sender);
        let (process, context) = (self.handle.raw(), sink.context());
        // SAFETY: the handle is open; the context lives until the handle is closed.
        unsafe { raw::HcsSetProcessCallback(process, NO_OPTIONS, context, happened) }?.check(None)?;
        if let Some(earlier) = self.sink.replace(sink) {
            // The service would have refused; were it not so, the first callback might still run.
            earlier.leak();
        }
        Ok(())
    }

    /// Returns its number and new handles of its pipes.
    ///
    /// # Errors
    /// The service's refusal; `PROCESS_ALREADY_STOPPED` where it has ended.
    pub fn started(&self, within: Duration) -> Result<Started> {
        let operation = Operation::new()?;
        // SAFETY: the handle and the operation are open.
        let answer = unsafe { raw::HcsGetProcessInfo(self.handle.raw(), operation.raw()) }?;
        operation.finish_with_process(answer, within)
    }

    /// Ends it by force.
    ///
    /// # Errors
    /// The service's refusal; `ACCESS_DENIED` and `PROCESS_ALREADY_STOPPED` where it has ended.
    pub fn terminate(&self, within: Duration) -> Result<()> {
        let request = |operation| {
            // SAFETY: the handle and the operation are open; there need not be options.
            unsafe { raw::HcsTerminateProcess(self.handle.raw(), operation, null()) }
        };
        Operation::run(within, request).map(drop)
    }

    /// Sends it the signal of `options` (JSON). May block until the process ends (Server Core).
    ///
    /// # Errors
    /// The service's refusal.
    pub fn signal(&self, options: &str, within: Duration) -> Result<()> {
        let options = Wide::new(options)?;
        let request = |operation| {
            // SAFETY: the handle and the operation are open; the text outlives the call.
            unsafe { raw::HcsSignalProcess(self.handle.raw(), operation, options.as_ptr()) }
        };
        Operation::run(within, request).map(drop)
    }

    /// Returns how it stands, as JSON.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn properties(&self, within: Duration) -> Result<String> {
        let request = |operation| {
            // SAFETY: the handle and the operation are open; there need not be a query.
            unsafe { raw::HcsGetProcessProperties(self.handle.raw(), operation, null()) }
        };
        Operation::run(within, request).map(Option::unwrap_or_default)
    }

    /// Changes it as `settings` (JSON) say.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn modify(&self, settings: &str, within: Duration) -> Result<()> {
        let settings = Wide::new(settings)?;
        let request = |operation| {
            // SAFETY: the handle and the operation are open; the text outlives the call.
            unsafe { raw::HcsModifyProcess(self.handle.raw(), operation, settings.as_ptr()) }
        };
        Operation::run(within, request).map(drop)
    }
}

fn close(process: Raw) {
    // SAFETY: the handle was ours, and nothing uses it any more.
    let _ = unsafe { raw::HcsCloseProcess(process) };
}
