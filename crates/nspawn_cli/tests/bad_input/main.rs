//! Bad input through the built launcher: whatever a configuration holds, the answer is one line that names the key
//! and the reason, at once, with nothing touched. What is nearly bad, but legal, runs.
//!
//! Names of tests begin with the group of cases they belong to: b01 wrong types, b02 numbers, b03 duplicate keys, b04
//! unknown keys, b05 encodings, b06 traversal, b07 directories, b08 reserved names, b09 case, b10 lengths; a01 to a06
//! arguments; x05 executables.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arguments;
mod encodings;
mod executables;
mod keys;
#[expect(dead_code, reason = "shared with tests that use more of it")]
#[path = "../launcher/mod.rs"]
mod launcher;
mod lengths;
mod names;
mod numbers;
mod oracle;
mod paths;
mod quoting;
mod types;
