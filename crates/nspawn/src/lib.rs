//! Launches Windows containers without a daemon.
//!
//! ```text
//! config.json -> Spec -> Request (HCS documents, extras, grants) -> Engine -> Created -> Running -> Stopped
//! ```
#![forbid(unsafe_code)]

pub mod cmdline;
pub mod config;
pub mod document;
pub mod error;
pub mod names;
pub mod paths;
pub mod program;
mod refusal;
pub mod spec;

pub use error::{Error, ErrorKind, Result};
