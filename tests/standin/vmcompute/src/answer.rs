//! How a function answers: a call is noted, done, and its failure told as code and document.

use serde_json::Value;
use service::call::{Call, answered};
use service::code::{Code, Family, Result};
use service::memory::put_text;

use crate::{Place, Raw};

/// Does a call, and returns its HRESULT: 0 for no code. `result` is null or where a failure's document goes.
///
/// # Safety
/// `result` is null or may be written.
pub unsafe fn answer(
    name: &str,
    arguments: &Value,
    result: Place,
    done: impl FnOnce(&Call) -> Result<Option<Code>>,
) -> i32 {
    if !result.is_null() {
        // SAFETY: it may be written.
        unsafe { *result = std::ptr::null_mut() };
    }
    answered(name, arguments, |call| {
        let code = match call.and_then(|call| done(&call)) {
            Ok(code) => code.map_or(0, |code| code.hresult(Family::V1)),
            Err(failure) => {
                // SAFETY: it is null or may be written.
                unsafe { put_text(Family::V1, result, &failure.document(Family::V1)) };
                failure.code.hresult(Family::V1)
            }
        };
        (code.cast_signed(), Some(code))
    })
}

/// Returns a handle of a table as the caller knows it.
pub fn raw(handle: usize) -> Raw {
    handle as Raw
}
