//! Compute systems.
// UNSAFETY: calls functions that take handles and addresses.
#![expect(unsafe_code, reason = "functions of vmcompute.dll")]

use std::ptr::null_mut;
use std::sync::mpsc::Sender;

use super::process::Process;
use super::registration::Registration;
use super::{Progress, document, raw};
use crate::error::Result;
use crate::handle::{Handle, Raw};
use crate::layout::ProcessInformation;
use crate::library::Answer;
use crate::notification::Notification;
use crate::started::Started;
use crate::wide::Wide;

/// An open compute system. Closing its last handle ends it, where its document says so.
#[derive(Debug)]
pub struct System {
    // Dropped in this order: the callback goes before the handle that it belongs to.
    registration: Option<Registration>,
    handle: Handle,
}

type Ask = unsafe fn(Raw, *const u16, *mut *mut u16) -> Result<Answer>;

/// Returns the systems that `query` (JSON) asks for, as a JSON array.
///
/// # Errors
/// The service's refusal.
pub fn enumerate(query: &str) -> Result<String> {
    let query = Wide::new(query)?;
    let (mut systems, mut result) = (document(), document());
    // SAFETY: the text outlives the call; what it returns is ours.
    let answer = unsafe { raw::HcsEnumerateComputeSystems(query.as_ptr(), systems.place(), result.place()) }?;
    answer.check(result.text())?;
    Ok(systems.text().unwrap_or_default())
}

impl System {
    /// Makes a compute system of `configuration` (JSON).
    ///
    /// # Errors
    /// The service's refusal.
    pub fn create(id: &str, configuration: &str) -> Result<(Self, Progress)> {
        let (id, configuration) = (Wide::new(id)?, Wide::new(configuration)?);
        let (mut system, mut result) = (null_mut(), document());
        // SAFETY: the texts outlive the call; no other user is impersonated; what it returns is ours.
        let answer = unsafe {
            raw::HcsCreateComputeSystem(
                id.as_ptr(),
                configuration.as_ptr(),
                null_mut(),
                &raw mut system,
                result.place(),
            )
        }?;
        Self::own(system, answer, result.text())
    }

    /// Opens the compute system of that id.
    ///
    /// # Errors
    /// The service's refusal; `SYSTEM_NOT_FOUND` where there is none.
    pub fn open(id: &str) -> Result<Self> {
        let id = Wide::new(id)?;
        let (mut system, mut result) = (null_mut(), document());
        // SAFETY: the text outlives the call; what it returns is ours.
        let answer = unsafe { raw::HcsOpenComputeSystem(id.as_ptr(), &raw mut system, result.place()) }?;
        Self::own(system, answer, result.text()).map(|(system, _)| system)
    }

    fn own(system: Raw, answer: Answer, result: Option<String>) -> Result<(Self, Progress)> {
        // Owned before the answer is looked at, so that a handle beside a failure is closed.
        let handle = Handle::own(system, close);
        let (function, code) = (answer.function, answer.code);
        let progress = answer.progress(result)?;
        let handle = handle.ok_or(crate::Error::Refused { function, code, document: None })?;
        Ok((Self { registration: None, handle }, progress))
    }

    /// Sends what happens to it on `sender` from now on, and what happened to it before nobody was told.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn watch(&mut self, sender: Sender<Notification>) -> Result<()> {
        self.registration = Some(Registration::of_system(&self.handle, sender)?);
        Ok(())
    }

    /// Starts it.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn start(&self) -> Result<Progress> {
        self.ask(raw::HcsStartComputeSystem)
    }

    /// Asks it to shut down.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn shut_down(&self) -> Result<Progress> {
        self.ask(raw::HcsShutdownComputeSystem)
    }

    /// Ends it by force.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn terminate(&self) -> Result<Progress> {
        self.ask(raw::HcsTerminateComputeSystem)
    }

    fn ask(&self, function: Ask) -> Result<Progress> {
        let (options, mut result) = (Wide::new("")?, document());
        // SAFETY: the handle is open; the text outlives the call; what it returns is ours.
        let answer = unsafe { function(self.handle.raw(), options.as_ptr(), result.place()) }?;
        answer.progress(result.text())
    }

    /// Returns the properties that `query` (JSON) asks for, as JSON.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn properties(&self, query: &str) -> Result<String> {
        let query = Wide::new(query)?;
        let (mut properties, mut result) = (document(), document());
        let (system, place) = (self.handle.raw(), properties.place());
        // SAFETY: the handle is open; the text outlives the call; what it returns is ours.
        let answer =
            unsafe { raw::HcsGetComputeSystemProperties(system, query.as_ptr(), place, result.place()) }?;
        answer.check(result.text())?;
        Ok(properties.text().unwrap_or_default())
    }

    /// Runs a process in it, as `parameters` (JSON) say.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn create_process(&self, parameters: &str) -> Result<(Process, Started)> {
        let parameters = Wide::new(parameters)?;
        let (mut information, mut process) = (ProcessInformation::empty(), null_mut());
        let mut result = document();
        // SAFETY: the handle is open; the text outlives the call; what it returns is ours.
        let answer = unsafe {
            raw::HcsCreateProcess(
                self.handle.raw(),
                parameters.as_ptr(),
                &raw mut information,
                &raw mut process,
                result.place(),
            )
        }?;
        // Owned before the answer is looked at, so that handles beside a failure are closed.
        let started = information.started();
        Ok((Process::own(process, answer, result.text())?, started))
    }

    /// Opens a process of it.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn open_process(&self, pid: u32) -> Result<Process> {
        let (mut process, mut result) = (null_mut(), document());
        // SAFETY: the handle is open; what it returns is ours.
        let answer =
            unsafe { raw::HcsOpenProcess(self.handle.raw(), pid, &raw mut process, result.place()) }?;
        Process::own(process, answer, result.text())
    }
}

fn close(system: Raw) {
    // SAFETY: the handle was ours, and nothing uses it any more.
    let _ = unsafe { raw::HcsCloseComputeSystem(system) };
}
