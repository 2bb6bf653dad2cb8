//! Limits hold against a program that tries to pass them, native and Windows, and the report tells how far; a limit
//! that cannot be held is refused before start. What each promises stands in docs/limits.md.
//!
//! Processor time is held against upper bounds, storage against lower ones: other work on the machine only helps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../launcher/case.rs"]
mod case;
mod hog;
#[expect(dead_code, reason = "shared with tests that use more of it")]
#[path = "../launcher/mod.rs"]
mod launcher;
mod memory;
mod processes;
mod processors;
mod storage;
mod together;
mod unenforced;
