//! The life of a container, by the built launcher: how it ends, what it passes on, and that nothing is left of it,
//! whatever is done to the launcher.
//!
//! Each test has a place of its own on the host, `--root` included. Most run a native program, which starts in
//! milliseconds, and a Windows one; a part that cannot run here is skipped by name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collecting;
mod damage;
mod ending;
mod host;
mod input;
mod killed;
mod launch;
mod output;
mod parallel;
mod signals;
#[path = "../../../nspawn/tests/support/mod.rs"]
mod support;
mod surroundings;
mod traced;
