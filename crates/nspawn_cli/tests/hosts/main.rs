//! Hosts that lack one thing each: a clear error before anything runs, with nothing left, or all walls that were
//! promised. The launcher runs in mounts of its own, and on a kernel that lacks some calls, as far as a filter can say so.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "shared with tests that use more of it")]
#[path = "../launcher/case.rs"]
mod case;
mod doctor;
mod filling;
mod lacking;
#[expect(dead_code, reason = "shared with tests that use more of it")]
#[path = "../launcher/mod.rs"]
mod launcher;
mod start;
mod table;
