//! `hostcompute_nspawn gc`: clears up after launchers that were killed.

use nspawn::engine::Search;
use nspawn::host::Host;
use nspawn::report::{FAILED, Status};

use crate::SUCCESS;
use crate::args::Arguments;

/// Removes what is left of containers whose launchers are gone, and says so.
///
/// # Errors
/// The host cannot be asked what is left.
pub(crate) fn run(arguments: &Arguments, json: bool) -> nspawn::Result<Status> {
    let host = Host::open(&arguments.places()?, arguments.run.unenforced());
    let collected = host.collect(Search::Thorough)?;
    let status = if collected.failed.is_empty() { SUCCESS } else { FAILED };
    if json {
        let removed: Vec<&str> = collected.removed.iter().map(nspawn::spec::ContainerId::as_str).collect();
        let failed = collected.failed.iter().map(|(id, error)| (id.to_string(), error.one_line().into()));
        let failed: serde_json::Map<String, serde_json::Value> = failed.collect();
        super::print(&serde_json::json!({ "removed": removed, "failed": failed }).to_string())?;
        return Ok(status);
    }
    let removed = collected.removed.iter().map(|id| format!("removed {id}"));
    let failed = collected.failed.iter().map(|(id, error)| format!("failed {id}: {}", error.one_line()));
    for line in removed.chain(failed) {
        super::print(&line)?;
    }
    Ok(status)
}
