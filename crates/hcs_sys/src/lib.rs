//! Windows as the launcher needs it: its functions, safe.
#![cfg(windows)]

pub mod console;
