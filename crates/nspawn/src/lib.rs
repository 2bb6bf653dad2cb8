//! Launches Windows containers without a daemon.
//!
//! ```text
//! config.json -> Spec -> Request (HCS documents, extras, grants) -> Engine -> Created -> Running -> Stopped
//! ```
#![forbid(unsafe_code)]

pub mod cmdline;
pub mod collect;
pub mod config;
#[cfg(windows)]
pub mod console;
pub mod doctor;
pub mod document;
pub mod engine;
pub mod error;
#[cfg(all(target_os = "linux", any(test, fuzzing)))]
pub mod fuzzing;
pub mod host;
pub mod launch;
pub mod names;
mod ntstatus;
pub mod paths;
pub mod program;
mod refusal;
pub mod report;
pub mod rollback;
pub mod spec;
pub mod state;

pub use error::{Error, ErrorKind, Result};
