//! Operations: what a request's result is fetched by, once.

use std::ptr::null_mut;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use service::call::{Call, answered};
use service::code::{Code, Failure, Family, Result};
use service::fault::Delivery;
use service::memory::put_text;
use service::process::{Information, Pipes};
use service::table::Table;
use service::watch::LATE;

use crate::system::call_void;
use crate::{Place, Raw, hresult};

/// All open operations.
static OPERATIONS: Table<Operation> = Table::new(crate::OPERATIONS);

/// How long every request takes at least: a caller that does not wait finds it pending.
const DELAY: Duration = Duration::from_millis(1);

/// What a request came to.
#[derive(Default)]
pub struct Outcome {
    /// Its result document.
    pub document: Option<String>,
    /// The process that it tells of.
    pub process: Option<(u32, Pipes)>,
}

impl Outcome {
    /// Returns that of a request with a result document.
    pub fn of(document: String) -> Self {
        Self { document: Some(document), process: None }
    }
}

enum Stage {
    Unused,
    Pending,
    Done(Result<Outcome>),
}

struct Operation {
    /// The function by which the request was made.
    of: OnceLock<String>,
    stage: Mutex<Stage>,
    done: Condvar,
}

impl Operation {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, name: &str) -> Result<()> {
        let mut stage = self.stage();
        if !matches!(*stage, Stage::Unused) {
            return Err(Failure::new(Code::OPERATION_ALREADY_STARTED, "the operation was used before"));
        }
        *stage = Stage::Pending;
        self.of.get_or_init(|| name.to_owned());
        Ok(())
    }

    fn complete(&self, outcome: Result<Outcome>) {
        *self.stage() = Stage::Done(outcome);
        self.done.notify_all();
    }

    /// Does something with the outcome, once it is there.
    fn wait<T>(
        &self,
        within: Option<Duration>,
        late: Code,
        read: impl FnOnce(&mut Outcome) -> T,
    ) -> Result<T> {
        let pending = |stage: &mut Stage| matches!(stage, Stage::Pending);
        let stage = self.stage();
        let mut stage = match within {
            None => self.done.wait_while(stage, pending).unwrap_or_else(PoisonError::into_inner),
            Some(within) => {
                self.done.wait_timeout_while(stage, within, pending).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        match &mut *stage {
            Stage::Unused => Err(Failure::new(Code::OPERATION_NOT_STARTED, "the operation was not used")),
            Stage::Pending => Err(Failure::new(late, "the operation is not done")),
            Stage::Done(Ok(outcome)) => Ok(read(outcome)),
            Stage::Done(Err(failure)) => Err(failure.clone()),
        }
    }
}

/// When a caller learns that its request is refused. That a document is, it learns when the call returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// When the call returns: it would return a handle.
    AtOnce,
    /// By the operation.
    Later,
}

/// Makes a request. What the script refuses is refused at once; either way the operation has the document. What
/// the script says of news, of a request without any it says of the operation.
pub fn request(
    name: &str,
    arguments: &Value,
    operation: Raw,
    refused: Refused,
    done: impl FnOnce(&Call) -> Result<Outcome>,
) -> i32 {
    answered(name, arguments, |call| {
        let operation = OPERATIONS.get(operation as usize);
        let begun = operation.and_then(|operation| operation.begin(name).map(|()| operation));
        let code = match begun {
            Ok(operation) => started(name, operation, refused, call, done),
            Err(failure) => hresult(&failure),
        };
        (code.cast_signed(), Some(code))
    })
}

/// Makes the request of an operation that was begun, and returns the HRESULT.
fn started(
    name: &str,
    operation: Arc<Operation>,
    refused: Refused,
    call: Result<Call>,
    done: impl FnOnce(&Call) -> Result<Outcome>,
) -> u32 {
    let at_once = |failure: Failure| {
        let code = hresult(&failure);
        operation.complete(Err(failure));
        code
    };
    let call = match call {
        Ok(call) => call,
        Err(failure) => return at_once(failure),
    };
    match done(&call) {
        Err(failure) if refused == Refused::AtOnce || failure.place.is_some() => at_once(failure),
        outcome => {
            let tells = ["HcsShutDownComputeSystem", "HcsTerminateComputeSystem", "HcsCreateProcess"];
            let delivery = if tells.contains(&name) { Delivery::Once } else { call.delivery };
            let gone = || Failure::new(Code::SERVICE_DISCONNECT, "the service went away");
            let exited = || Failure::new(Code::UNEXPECTED_EXIT, "the system exited");
            match delivery {
                Delivery::Once | Delivery::Twice | Delivery::Ignored => later(operation, DELAY, outcome),
                Delivery::Late => later(operation, LATE, outcome),
                Delivery::Early => operation.complete(outcome),
                Delivery::Disconnect | Delivery::Leaves => later(operation, DELAY, Err(gone())),
                Delivery::Exits => later(operation, DELAY, Err(exited())),
                Delivery::Refused(code) => later(operation, DELAY, Err(Failure::refused_later(code))),
                Delivery::Never => {}
            }
            0
        }
    }
}

fn later(operation: Arc<Operation>, delay: Duration, outcome: Result<Outcome>) {
    thread::spawn(move || {
        thread::sleep(delay);
        operation.complete(outcome);
    });
}

/// Reads an operation's outcome: what a failure's document says, or what is there.
///
/// # Safety
/// `document` is null or may be written.
unsafe fn fetch(
    name: &str,
    operation: Raw,
    patience: Patience,
    document: Place,
    read: impl FnOnce(&mut Outcome) -> Result<()>,
) -> i32 {
    let waited_for = OPERATIONS.get(operation as usize);
    let of = waited_for.as_ref().ok().and_then(|operation| operation.of.get());
    answered(name, &patience.arguments(of), |call| {
        let done = call.and_then(|_| {
            let read = |outcome: &mut Outcome| read(outcome).map(|()| outcome.document.clone());
            waited_for.as_ref().map_err(Clone::clone)?.wait(patience.within(), patience.late(), read)?
        });
        let (text, code) = match done {
            Ok(text) => (text, 0),
            Err(failure) => (Some(failure.document(Family::V2)), hresult(&failure)),
        };
        // SAFETY: the place is the caller's.
        unsafe {
            if !document.is_null() {
                *document = null_mut();
            }
            text.inspect(|text| put_text(Family::V2, document, text));
        }
        (code.cast_signed(), Some(code))
    })
}

/// How long a caller waits for an outcome.
#[derive(Clone, Copy)]
enum Patience {
    /// Not at all.
    None,
    /// So many milliseconds; all bits set, for ever.
    Milliseconds(u32),
}

impl Patience {
    /// Returns the arguments of the call for the log: what is waited for, and how long; null is for ever.
    fn arguments(self, of: Option<&String>) -> Value {
        match self {
            Self::None => json!({"of": of}),
            Self::Milliseconds(_) => {
                json!({"of": of, "milliseconds": self.within().map(|within| within.as_millis() as u64)})
            }
        }
    }

    fn within(self) -> Option<Duration> {
        match self {
            Self::None => Some(Duration::ZERO),
            Self::Milliseconds(u32::MAX) => None,
            Self::Milliseconds(milliseconds) => Some(Duration::from_millis(milliseconds.into())),
        }
    }

    /// The code of what is not there by then.
    fn late(self) -> Code {
        match self {
            Self::None => Code::OPERATION_PENDING,
            Self::Milliseconds(_) => Code::OPERATION_TIMEOUT,
        }
    }
}

/// Makes an operation that is waited for: there are none with a callback here.
#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCreateOperation(_context: Raw, completion: Raw) -> Raw {
    answered("HcsCreateOperation", &json!({}), |call| {
        let wanted = call.and_then(|_| match completion.is_null() {
            true => Ok(()),
            false => Err(Failure::new(Code::NOT_SUPPORTED, "operations with callbacks are not stood in for")),
        });
        let operation = || {
            let stage = Mutex::new(Stage::Unused);
            OPERATIONS.open(Operation { of: OnceLock::new(), stage, done: Condvar::new() }) as Raw
        };
        match wanted {
            Ok(()) => (operation(), Some(0)),
            Err(failure) => (null_mut(), Some(hresult(&failure))),
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsCloseOperation(operation: Raw) {
    call_void("HcsCloseOperation", &json!({}), || drop(OPERATIONS.close(operation as usize)));
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsGetOperationResult(operation: Raw, document: Place) -> i32 {
    // SAFETY: the place is the caller's.
    unsafe { fetch("HcsGetOperationResult", operation, Patience::None, document, |_| Ok(())) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsWaitForOperationResult(
    operation: Raw,
    milliseconds: u32,
    document: Place,
) -> i32 {
    let patience = Patience::Milliseconds(milliseconds);
    // SAFETY: the place is the caller's.
    unsafe { fetch("HcsWaitForOperationResult", operation, patience, document, |_| Ok(())) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsWaitForOperationResultAndProcessInfo(
    operation: Raw,
    milliseconds: u32,
    information: *mut Information,
    document: Place,
) -> i32 {
    let name = "HcsWaitForOperationResultAndProcessInfo";
    let read = |outcome: &mut Outcome| {
        let none = || Failure::new(Code::INVALID_ARGUMENT, "the operation tells of no process");
        let (process_id, pipes) = outcome.process.take().ok_or_else(none)?;
        // SAFETY: the place is the caller's.
        unsafe { *information = Information::new(process_id, pipes) };
        Ok(())
    };
    // SAFETY: the place is the caller's.
    unsafe { fetch(name, operation, Patience::Milliseconds(milliseconds), document, read) }
}
