//! Operations: what a request's result is fetched by.
// UNSAFETY: calls functions that take handles and addresses.
#![expect(unsafe_code, reason = "functions of computecore.dll")]

use std::ptr::null_mut;
use std::time::Duration;

use super::raw;
use crate::error::{Error, Result};
use crate::handle::{Handle, Raw};
use crate::layout::ProcessInformation;
use crate::library::Answer;
use crate::returned::{Free, Returned};
use crate::started::Started;

/// One operation, for one request. It may be closed before the request is done.
#[derive(Debug)]
pub(super) struct Operation(Handle);

impl Operation {
    pub(super) fn new() -> Result<Self> {
        // SAFETY: without a callback the context is never used.
        let raw = unsafe { raw::HcsCreateOperation(null_mut(), null_mut()) }?;
        Handle::own(raw, close).map(Self).ok_or_else(|| Error::last("HcsCreateOperation"))
    }

    /// Makes a request, waits for it and returns its result document.
    pub(super) fn run(
        within: Duration,
        request: impl FnOnce(Raw) -> Result<Answer>,
    ) -> Result<Option<String>> {
        let operation = Self::new()?;
        let answer = request(operation.raw())?;
        operation.finish(answer, within)
    }

    pub(super) fn raw(&self) -> Raw {
        self.0.raw()
    }

    /// Waits for the request that was answered with `answer`, and returns its result document.
    pub(super) fn finish(&self, answer: Answer, within: Duration) -> Result<Option<String>> {
        let function = self.accepted(answer)?;
        let mut result = document();
        // SAFETY: the operation is open; what it returns is ours.
        let answer =
            unsafe { raw::HcsWaitForOperationResult(self.raw(), milliseconds(within), result.place()) }?;
        Answer { function, ..answer }.check(result.text())?;
        Ok(result.text())
    }

    /// As [`Operation::finish`], for a request that tells of a process.
    pub(super) fn finish_with_process(&self, answer: Answer, within: Duration) -> Result<Started> {
        let function = self.accepted(answer)?;
        let (mut information, mut result) = (ProcessInformation::empty(), document());
        // SAFETY: the operation is open; what it returns is ours.
        let answer = unsafe {
            raw::HcsWaitForOperationResultAndProcessInfo(
                self.raw(),
                milliseconds(within),
                &raw mut information,
                result.place(),
            )
        }?;
        // Owned before the answer is looked at, so that handles beside a failure are closed.
        let started = information.started();
        Answer { function, ..answer }.check(result.text())?;
        Ok(started)
    }

    /// Returns whose request it is, where that was accepted; the record of a refusal is in the operation.
    pub(super) fn accepted(&self, answer: Answer) -> Result<&'static str> {
        let function = answer.function;
        if !answer.code.is_failure() {
            return Ok(function);
        }
        let mut result = document();
        // SAFETY: the operation is open; what it returns is ours.
        let _ = unsafe { raw::HcsGetOperationResult(self.raw(), result.place()) };
        answer.check(result.text()).map(|()| function)
    }
}

fn document() -> Returned {
    Returned::new(Free::Local)
}

/// Returns a wait as the DLL takes it, in whole milliseconds; the largest number would be for ever.
fn milliseconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).min(u32::MAX - 1)
}

fn close(operation: Raw) {
    // SAFETY: the operation was ours, and nothing uses it any more.
    let _ = unsafe { raw::HcsCloseOperation(operation) };
}
