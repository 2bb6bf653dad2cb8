//! vmcompute.dll: compute systems and processes as Windows Server 2016 has them, and layers on every Windows.
//!
//! Making, starting and ending a system may be answered with [`Progress::Pending`]: a notification then says how it
//! went. That of making is kept until a callback is registered. All else is done when the call returns.

mod layer;
mod process;
mod raw;
mod registration;
mod system;

pub use layer::{Chain, Layer, guid_of_name};
pub use process::Process;
pub use system::{System, enumerate};

use crate::code::Code;
use crate::error::Result;
use crate::library::Answer;
use crate::returned::{Free, Returned};

/// Checks that this Windows has what layers take.
///
/// # Errors
/// `NoLibrary` or `NoFunction`, by name.
pub fn require_layers() -> Result<()> {
    raw::LAYERS.require()
}

/// Checks that this Windows has what compute systems and their processes take.
///
/// # Errors
/// `NoLibrary` or `NoFunction`, by name.
pub fn require_systems() -> Result<()> {
    raw::SYSTEMS.require()
}

/// How far a call got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// All is done.
    Done,
    /// A notification will say how it went.
    Pending,
}

/// A place for a result document of this DLL.
fn document() -> Returned {
    Returned::new(Free::CoTaskMem)
}

impl Answer {
    /// As [`Answer::check`], for a call that may go on after it returned.
    fn progress(self, document: Option<String>) -> Result<Progress> {
        if self.code == Code::PENDING {
            return Ok(Progress::Pending);
        }
        self.check(document).map(|()| Progress::Done)
    }
}
