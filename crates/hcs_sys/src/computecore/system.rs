//! Compute systems.
// UNSAFETY: calls functions that take handles and addresses.
#![expect(unsafe_code, reason = "functions of computecore.dll")]

use std::ptr::{null, null_mut};
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::operation::Operation;
use super::process::Process;
use super::{ALL_ACCESS, NO_OPTIONS, raw};
use crate::code::Code;
use crate::error::{Error, Result};
use crate::handle::{Handle, Raw};
use crate::notification::Notification;
use crate::sink::{Sink, happened};
use crate::started::Started;
use crate::wide::Wide;

/// An open compute system. Closing its last handle ends it, where its document says so.
#[derive(Debug)]
pub struct System {
    // Dropped in this order: closing waits for the callback, which needs the sink.
    handle: Handle,
    sink: Option<Sink>,
}

/// Returns the systems that `query` (JSON) asks for, as a JSON array.
///
/// # Errors
/// The service's refusal.
pub fn enumerate(query: &str, within: Duration) -> Result<String> {
    let query = Wide::new(query)?;
    // SAFETY: the text outlives the call; the operation is open.
    let request = |operation| unsafe { raw::HcsEnumerateComputeSystems(query.as_ptr(), operation) };
    Operation::run(within, request).map(Option::unwrap_or_default)
}

impl System {
    /// Makes a compute system of `configuration` (JSON), and tells besides whether it was made: where that takes too
    /// long there is a system to be ended.
    ///
    /// # Errors
    /// The service does not take the request: there is no system.
    pub fn create(id: &str, configuration: &str, within: Duration) -> Result<(Self, Result<()>)> {
        let (id, configuration) = (Wide::new(id)?, Wide::new(configuration)?);
        let (operation, mut system) = (Operation::new()?, null_mut());
        // SAFETY: the texts outlive the call; the operation is open; without a descriptor the default holds.
        let answer = unsafe {
            raw::HcsCreateComputeSystem(
                id.as_ptr(),
                configuration.as_ptr(),
                operation.raw(),
                null_mut(),
                &raw mut system,
            )
        }?;
        // Owned before the result is awaited, so that a handle beside a failure is closed.
        let handle = Handle::own(system, close);
        let (function, code) = (answer.function, answer.code);
        let made = operation.finish(answer, within).map(drop);
        match handle {
            Some(handle) => Ok((Self { handle, sink: None }, made)),
            None => Err(made.err().unwrap_or(Error::Refused { function, code, document: None })),
        }
    }

    /// Opens the compute system of that id.
    ///
    /// # Errors
    /// The service's refusal; `SYSTEM_NOT_FOUND` where there is none.
    pub fn open(id: &str) -> Result<Self> {
        let (id, mut system) = (Wide::new(id)?, null_mut());
        // SAFETY: the text outlives the call.
        let answer = unsafe { raw::HcsOpenComputeSystem(id.as_ptr(), ALL_ACCESS, &raw mut system) }?;
        let handle = Handle::own(system, close);
        let (function, code) = (answer.function, answer.code);
        answer.check(None)?;
        let handle = handle.ok_or(Error::Refused { function, code, document: None })?;
        Ok(Self { handle, sink: None })
    }

    /// Sends what happens to it on `sender` from now on. A handle can be watched once.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn watch(&mut self, sender: Sender<Notification>) -> Result<()> {
        let sink = Sink::new(sender);
        let (system, context) = (self.handle.raw(), sink.context());
        // SAFETY: the handle is open; the context lives until the handle is closed.
        unsafe { raw::HcsSetComputeSystemCallback(system, NO_OPTIONS, context, happened) }?.check(None)?;
        if let Some(earlier) = self.sink.replace(sink) {
            // The service would have refused; were it not so, the first callback might still run.
            earlier.leak();
        }
        Ok(())
    }

    /// Starts it.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn start(&self, within: Duration) -> Result<()> {
        let request = |operation| {
            // SAFETY: the handle and the operation are open; there need not be options.
            unsafe { raw::HcsStartComputeSystem(self.handle.raw(), operation, null()) }
        };
        Operation::run(within, request).map(drop)
    }

    /// Asks it to shut down, and does not wait: a notification tells when it has.
    ///
    /// # Errors
    /// The service does not take the request.
    pub fn shut_down(&self) -> Result<()> {
        // The options are documented to be null. Since schema 2.5 (Windows Server 2022) they are a document, and a
        // Windows 11 was seen to refuse null as one that is invalid; it takes an object without fields.
        match self.shut_down_with(null()) {
            Err(error) if error.code() == Some(Code::INVALID_JSON) => {
                self.shut_down_with(Wide::new("{}")?.as_ptr())
            }
            asked => asked,
        }
    }

    fn shut_down_with(&self, options: *const u16) -> Result<()> {
        let operation = Operation::new()?;
        // SAFETY: the handle and the operation are open; the caller keeps the options, or there are none.
        let answer = unsafe { raw::HcsShutDownComputeSystem(self.handle.raw(), operation.raw(), options) }?;
        operation.accepted(answer).map(drop)
    }

    /// Ends it by force.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn terminate(&self, within: Duration) -> Result<()> {
        let request = |operation| {
            // SAFETY: the handle and the operation are open; there need not be options.
            unsafe { raw::HcsTerminateComputeSystem(self.handle.raw(), operation, null()) }
        };
        Operation::run(within, request).map(drop)
    }

    /// Returns the properties that `query` (JSON) asks for, as JSON.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn properties(&self, query: &str, within: Duration) -> Result<String> {
        let query = Wide::new(query)?;
        let request = |operation| {
            // SAFETY: the handle and the operation are open; the text outlives the call.
            unsafe { raw::HcsGetComputeSystemProperties(self.handle.raw(), operation, query.as_ptr()) }
        };
        Operation::run(within, request).map(Option::unwrap_or_default)
    }

    /// Runs a process in it, as `parameters` (JSON) say. On Windows Server 2022 the process may be there although what
    /// was started cannot be told: [`Process::started`] then asks once more.
    ///
    /// # Errors
    /// The service's refusal: there is no process.
    pub fn create_process(&self, parameters: &str, within: Duration) -> Result<(Process, Result<Started>)> {
        let parameters = Wide::new(parameters)?;
        let (operation, mut process) = (Operation::new()?, null_mut());
        // SAFETY: the handle and the operation are open; the text outlives the call; without a descriptor the default
        // holds.
        let answer = unsafe {
            raw::HcsCreateProcess(
                self.handle.raw(),
                parameters.as_ptr(),
                operation.raw(),
                null_mut(),
                &raw mut process,
            )
        }?;
        let process = Process::own(process);
        let started = operation.finish_with_process(answer, within);
        match (process, started) {
            (Some(process), started) => Ok((process, started)),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(Error::last("HcsCreateProcess")),
        }
    }

    /// Opens a process of it.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn open_process(&self, pid: u32) -> Result<Process> {
        let mut process = null_mut();
        // SAFETY: the handle is open.
        let answer = unsafe { raw::HcsOpenProcess(self.handle.raw(), pid, ALL_ACCESS, &raw mut process) }?;
        let process = Process::own(process);
        let (function, code) = (answer.function, answer.code);
        answer.check(None)?;
        process.ok_or(Error::Refused { function, code, document: None })
    }
}

fn close(system: Raw) {
    // SAFETY: the handle was ours, and nothing uses it any more.
    let _ = unsafe { raw::HcsCloseComputeSystem(system) };
}
