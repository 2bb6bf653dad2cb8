//! Tests that need what a machine lacks say so by name.

use std::io::Write as _;

/// Says that a test does not run here. Past the test harness, which keeps the output of tests that pass; at once, as tests
/// run side by side.
pub(crate) fn skip(test: &str, reason: &str) {
    let _ = std::io::stderr().write_all(format!("skipped: {test}: {reason}\n").as_bytes());
}

/// Tells whether root runs the tests; says where not that `test` is skipped.
pub(crate) fn is_root(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip(test, "needs root");
    }
    is_root
}
