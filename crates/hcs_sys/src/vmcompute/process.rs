//! Processes of compute systems.
// UNSAFETY: calls functions that take handles and addresses.
#![expect(unsafe_code, reason = "functions of vmcompute.dll")]

use std::sync::mpsc::Sender;

use super::registration::Registration;
use super::{document, raw};
use crate::error::{Error, Result};
use crate::handle::{Handle, Raw};
use crate::library::Answer;
use crate::notification::Notification;
use crate::wide::Wide;

/// An open process. Closing it does not end it.
#[derive(Debug)]
pub struct Process {
    // Dropped in this order: the callback goes before the handle that it belongs to.
    registration: Option<Registration>,
    handle: Handle,
}

impl Process {
    pub(super) fn own(process: Raw, answer: Answer, result: Option<String>) -> Result<Self> {
        // Owned before the answer is looked at, so that a handle beside a failure is closed.
        let handle = Handle::own(process, close);
        let (function, code) = (answer.function, answer.code);
        answer.check(result)?;
        let handle = handle.ok_or(Error::Refused { function, code, document: None })?;
        Ok(Self { registration: None, handle })
    }

    /// Sends what happens to it on `sender` from now on.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn watch(&mut self, sender: Sender<Notification>) -> Result<()> {
        self.registration = Some(Registration::of_process(&self.handle, sender)?);
        Ok(())
    }

    /// Ends it by force.
    ///
    /// # Errors
    /// The service's refusal; `ACCESS_DENIED` and `PROCESS_ALREADY_STOPPED` where it has ended.
    pub fn terminate(&self) -> Result<()> {
        let mut result = document();
        // SAFETY: the handle is open; what it returns is ours.
        let answer = unsafe { raw::HcsTerminateProcess(self.handle.raw(), result.place()) }?;
        answer.check(result.text())
    }

    /// Sends it the signal of `options` (JSON). May block until the process ends (Server Core). Windows Server 2019.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn signal(&self, options: &str) -> Result<()> {
        let (options, mut result) = (Wide::new(options)?, document());
        // SAFETY: the handle is open; the text outlives the call; what it returns is ours.
        let answer = unsafe { raw::HcsSignalProcess(self.handle.raw(), options.as_ptr(), result.place()) }?;
        answer.check(result.text())
    }

    /// Returns how it stands, as JSON.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn properties(&self) -> Result<String> {
        let (mut properties, mut result) = (document(), document());
        // SAFETY: the handle is open; what it returns is ours.
        let answer =
            unsafe { raw::HcsGetProcessProperties(self.handle.raw(), properties.place(), result.place()) }?;
        answer.check(result.text())?;
        Ok(properties.text().unwrap_or_default())
    }

    /// Changes it as `settings` (JSON) say.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn modify(&self, settings: &str) -> Result<()> {
        let (settings, mut result) = (Wide::new(settings)?, document());
        // SAFETY: the handle is open; the text outlives the call; what it returns is ours.
        let answer = unsafe { raw::HcsModifyProcess(self.handle.raw(), settings.as_ptr(), result.place()) }?;
        answer.check(result.text())
    }
}

fn close(process: Raw) {
    // SAFETY: the handle was ours, and nothing uses it any more.
    let _ = unsafe { raw::HcsCloseProcess(process) };
}
