//! Real Windows programs doing real work, each in a fresh container, each held against what its Linux build does
//! with the same files, arguments and input: the same exit status, the same output, the same files written.
//!
//! Where the platforms differ by nature the comparison says so: line endings are always folded to LF, and cases
//! whose output holds file names fold `\` to `/` ([`case::Text::FileNames`]). Nothing else is forgiven.
//!
//! `cargo xtask programs` fetches the programs. Where one is absent, or containers cannot be started, the test
//! writes `skipped: NAME: REASON` to stderr and passes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod case;
mod jobs;
mod run;
#[expect(dead_code, reason = "shared with xtask, which also uses what tells how to fetch the programs")]
#[path = "../../../../xtask/src/programs/table.rs"]
mod table;
