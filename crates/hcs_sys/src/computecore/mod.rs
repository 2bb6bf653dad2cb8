//! computecore.dll: compute systems and processes as Windows Server 2019 and later have them.
//!
//! Nearly every call carries an operation, whose result is awaited for as long as the caller says. After that the
//! error is `OPERATION_TIMEOUT`; the service goes on with the request, and its result is dropped.

mod operation;
mod process;
mod raw;
mod system;

pub use process::Process;
pub use system::{System, enumerate};

use crate::error::Result;

/// Checks that this Windows has all of the DLL that is called here.
///
/// # Errors
/// `NoLibrary` or `NoFunction`, by name.
pub fn require() -> Result<()> {
    raw::ALL.require()
}

/// The access that opening asks for: the service takes no other (`GENERIC_ALL`).
const ALL_ACCESS: u32 = 0x1000_0000;

/// `HcsEventOptionNone`: operations have results, and not callbacks.
const NO_OPTIONS: u32 = 0;
