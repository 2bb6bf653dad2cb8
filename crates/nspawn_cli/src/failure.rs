//! Failures, for people: one line that says what failed on what and why, and where there is one, a line that says what
//! to do next.

use std::io::Write as _;

use nspawn::host::ELEVATE;
use nspawn::report::{Status, status_of_failure};
use nspawn::{Error, ErrorKind};

/// Prints a failure and returns the status it ends us with.
pub(crate) fn report(error: &Error) -> Status {
    say("error", &error.one_line());
    error.events().iter().for_each(|event| say("note", event));
    if let Some(hint) = error.hint().or_else(|| hint(error.kind())) {
        say("hint", hint);
    }
    status_of_failure(error.kind())
}

/// Prints a failure that does not end us.
pub(crate) fn warn(error: &Error) {
    say("warning", &error.one_line());
}

fn hint(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Denied => Some(ELEVATE),
        ErrorKind::Corrupt => Some("remove the damaged file, or run: hostcompute_nspawn gc"),
        _ => None,
    }
}

fn say(what: &str, line: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{what}: {line}");
}
