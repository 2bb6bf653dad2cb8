//! What the stand-in DLLs share: a small Host Compute Service. Its state lies on disk, so that both DLLs in several
//! processes see the same systems and layers:
//!
//! ```text
//! %NSPAWN_STANDIN%/
//!   lock                       held while anything below is read or changed
//!   calls.jsonl                one line for each call, what it returned included (see `log`)
//!   faults.json                optional, by the test: which calls fail, and how (see `fault`)
//!   account                    optional, by the test: SYSTEM where that is whose calls these shall be
//!   layers.json                which layers are attached, and how far
//!   systems/<id>/
//!     document.json            as it was given
//!     record.json              state, exit, processes
//!     holders/<number>         one for each open handle; locked by the process that has it
//! ```
//!
//! What decides is pure and tested everywhere ([`judge`], [`machine`], [`layer`], [`path`], [`fault`]). What runs
//! processes and talks to callers is for Windows alone.

pub mod call;
pub mod code;
pub mod document;
pub mod fault;
pub mod guid;
pub mod judge;
pub mod layer;
pub mod log;
pub mod machine;
pub mod path;
pub mod store;
pub mod table;
pub mod watch;

#[cfg(windows)]
pub mod build;
#[cfg(windows)]
mod job;
#[cfg(windows)]
pub mod memory;
#[cfg(windows)]
pub mod process;
#[cfg(windows)]
pub mod session;
#[cfg(windows)]
pub mod signal;

pub use code::{Code, Failure, Family, Result};
