//! Compute systems of ours that are there although nobody holds them, found by the service itself.
//!
//! A system ends with its last handle, so this is for what the service is slow or fails to end, and for what was made
//! to outlive its maker. Systems are the computer's, while launchers keep their state wherever they are told: that one
//! lives is known by the name it holds ([`Presence`](hcs_sys::presence::Presence)), and by nothing on disk.

use std::collections::BTreeSet;

use hcs_schema::properties::{Properties, State};
use hcs_sys::version::Version;
use hcs_sys::{Code, presence};

use super::compute::{Api, Compute};
use super::error::failed;
use super::{Deadlines, SERVER_2019, checks};
use crate::document::OWNER;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::ContainerId;

/// The first build on which systems can be listed while another one ends (Windows Server, version 1709; docker).
const LISTS_ALWAYS: u32 = 16_299;

/// Returns the name that the launcher of a container holds.
pub(super) fn name_of_launcher(id: &ContainerId) -> String {
    format!("{OWNER}_{id}")
}

/// Returns the DLLs that can hold systems. Which one made a system is not told: each is asked.
fn apis(windows: Version) -> &'static [Api] {
    match windows.build >= SERVER_2019 {
        true => &[Api::V2, Api::V1],
        false => &[Api::V1],
    }
}

/// Returns the containers of ours whose systems are there and whose launchers are not, as each DLL of this Windows
/// knows them; or why it cannot be asked.
pub(super) fn left(windows: Version, deadlines: Deadlines) -> Vec<Result<Vec<ContainerId>>> {
    let unheld = |api: &Api| {
        let mut ids = known_to(*api, windows, deadlines)?;
        ids.retain(|id| !is_held(id));
        Ok(ids)
    };
    apis(windows).iter().map(unheld).collect()
}

/// Tells how many systems of ours there are.
///
/// # Errors
/// A DLL or a function of it is missing, or the service does not answer.
pub(super) fn answer(windows: Version, deadlines: Deadlines) -> Result<String> {
    let mut all = BTreeSet::new();
    for api in apis(windows) {
        checks::service(api.schema())?;
        // Both may know one.
        all.extend(known_to(*api, windows, deadlines)?);
    }
    Ok(format!("it answers, with {} systems of ours", all.len()))
}

/// Asks one DLL for our systems.
fn known_to(api: Api, windows: Version, deadlines: Deadlines) -> Result<Vec<ContainerId>> {
    let query = serde_json::json!({ "Owners": [OWNER] }).to_string();
    let passing = |error: &hcs_sys::Error| {
        let codes = [Code::INVALID_STATE, Code::ACCESS_DENIED];
        windows.build < LISTS_ALWAYS && error.code().is_some_and(|code| codes.contains(&code))
    };
    let once = || api.enumerate(&query, deadlines.ask);
    let subject = || format!("compute systems by {}", api.library());
    let listed = deadlines.while_busy(passing, once).map_err(|error| failed("list", subject(), error))?;
    ours(&listed)
}

/// Reads which of the listed systems are ours and have not ended.
fn ours(listed: &str) -> Result<Vec<ContainerId>> {
    // Nothing at all stands for an empty list.
    let listed = if listed.trim().is_empty() { "[]" } else { listed };
    let systems: Option<Vec<Properties>> = serde_json::from_str(listed)
        .map_err(|error| Error::new(ErrorKind::Host, "read", "the list of compute systems").source(error))?;
    let is_ours = |system: &Properties| {
        let owner = system.owner.as_deref().is_some_and(|owner| owner.eq_ignore_ascii_case(OWNER));
        owner && !system.stopped && system.state != Some(State::Stopped)
    };
    let systems = systems.unwrap_or_default().into_iter().filter(is_ours);
    Ok(systems.filter_map(|system| ContainerId::parse(&system.id)).collect())
}

/// Tells whether the launcher of a container lives. Where that cannot be told, it is taken to live.
fn is_held(id: &ContainerId) -> bool {
    presence::is_announced(&name_of_launcher(id)).unwrap_or(true)
}

/// Ends the system of a container that nobody holds; tells whether there was one.
///
/// # Errors
/// As [`end_unheld`].
pub(super) fn end(id: &ContainerId, windows: Version, deadlines: Deadlines) -> Result<bool> {
    if is_held(id) { Ok(false) } else { end_unheld(id, windows, deadlines) }
}

/// Ends the system of a container of which the caller knows that nobody holds it; tells whether there was one. Where
/// one DLL fails the other one is tried, as it may be the one that made the system.
///
/// # Errors
/// The first refusal of the service, where no DLL ended it; or it did not end in time.
pub(super) fn end_unheld(id: &ContainerId, windows: Version, deadlines: Deadlines) -> Result<bool> {
    let mut first = None;
    for api in apis(windows) {
        match end_by(*api, id, deadlines) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => first = first.or(Some(error)),
        }
    }
    first.map_or(Ok(false), Err)
}

fn end_by(api: Api, id: &ContainerId, deadlines: Deadlines) -> Result<bool> {
    match Compute::open(id, api, deadlines)? {
        Some(system) => system.force().map(|()| true),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_of_others_and_ended_ones_are_not_ours() {
        let id = |name: &str| ContainerId::parse(name).unwrap();
        let system = |id: &str, owner: &str, more: &str| {
            format!(r#"{{"Id": "{id}", "SystemType": "Container", "Owner": "{owner}"{more}}}"#)
        };
        let listed = [
            system("nspawn_a", OWNER, r#", "State": "Running""#),
            system("nspawn_b", "HostCompute_nspawn", ""),
            system("nspawn_c", "docker", ""),
            system("b7d1", OWNER, ""),
            system("nspawn_d", OWNER, r#", "State": "Stopped""#),
            system("nspawn_e", OWNER, r#", "Stopped": true"#),
            r#"{"Id": "nspawn_f", "SystemType": "Container"}"#.to_owned(),
        ];
        let listed = format!("[{}]", listed.join(","));
        assert_eq!(ours(&listed).unwrap(), [id("nspawn_a"), id("nspawn_b")]);
        for nothing in ["", "[]", "null"] {
            assert_eq!(ours(nothing).unwrap(), []);
        }
        assert_eq!(ours("{}").unwrap_err().kind(), ErrorKind::Host);
    }
}
