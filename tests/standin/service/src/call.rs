//! A call of a DLL's function: it is noted, done or failed by script, and what it returns is noted.

use serde_json::Value;

use crate::code::Result;
use crate::fault::Delivery;
use crate::store::Store;

/// A call that was noted.
#[derive(Debug)]
pub struct Call {
    /// Where the state lies.
    pub store: Store,
    /// How its news shall be told.
    pub delivery: Delivery,
}

/// Does a call. `answer` is given the failure where it fails by script or cannot be noted, and returns what the
/// function returns, and that as a code; no code where it returns nothing.
pub fn answered<T>(
    name: &str,
    arguments: &Value,
    answer: impl FnOnce(Result<Call>) -> (T, Option<u32>),
) -> T {
    let noted = Store::from_environment().and_then(|store| {
        let state = store.lock()?;
        let (line, delivery) = (state.note(name, arguments)?, state.script_of(name));
        drop(state);
        Ok((line, delivery.map(|delivery| Call { store, delivery })))
    });
    let (line, call) = match noted {
        Ok(noted) => noted,
        Err(failure) => return answer(Err(failure)).0,
    };
    let (value, code) = answer(call);
    // A test that reads the log finds it missing.
    let _ = line.end(code);
    value
}
