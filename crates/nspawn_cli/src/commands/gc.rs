//! `hostcompute_nspawn gc`: clears up after launchers that were killed.

use std::io::Write as _;

use nspawn::Error;
use nspawn::collect::Collected;
use nspawn::engine::{Observer, Search};
use nspawn::host::{self, Host};
use nspawn::report::{FAILED, Status};
use nspawn::spec::ContainerId;

use crate::SUCCESS;
use crate::args::Arguments;

/// Removes what is left of containers whose launchers are gone, and says so.
///
/// # Errors
/// The host cannot be asked what is left.
pub(crate) fn run(arguments: &Arguments, json: bool) -> nspawn::Result<Status> {
    let places = arguments.places()?;
    host::prepare()?;
    let host = Host::open(&places, arguments.run.unenforced());
    let collected = host.collect(Search::Thorough, &Steps { quiet: arguments.quiet })?;
    let Collected { removed, failed, unsearched } = collected;
    let status = if failed.is_empty() && unsearched.is_empty() { SUCCESS } else { FAILED };
    if json {
        let removed: Vec<&str> = removed.iter().map(ContainerId::as_str).collect();
        let failed = failed.iter().map(|(id, error)| (id.to_string(), error.one_line().into()));
        let failed: serde_json::Map<String, serde_json::Value> = failed.collect();
        let mut all = serde_json::json!({ "removed": removed, "failed": failed });
        if !unsearched.is_empty() {
            all["unsearched"] = unsearched.iter().map(Error::one_line).collect();
        }
        super::print(&all.to_string())?;
        return Ok(status);
    }
    let removed = removed.iter().map(|id| format!("removed {id}"));
    let failed = failed.iter().map(|(id, error)| format!("failed {id}: {}", error.one_line()));
    let unsearched = unsearched.iter().map(|error| format!("not searched: {}", error.one_line()));
    for line in removed.chain(failed).chain(unsearched) {
        super::print(&line)?;
    }
    Ok(status)
}

/// Prints each step on standard error. Signals end us as they like: what is left then is for the next time.
struct Steps {
    quiet: bool,
}

impl Observer for Steps {
    fn step(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}
