//! Clearing up after launchers that died.

use std::collections::BTreeSet;

use crate::engine::{Engine, Search};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::ContainerId;
use crate::state::State;

/// What became of the containers that nobody owned.
#[derive(Debug, Default)]
pub struct Collected {
    /// Those that are gone now.
    pub removed: Vec<ContainerId>,
    /// Those of which something could not be removed; the next command tries again.
    pub failed: Vec<(ContainerId, Error)>,
}

/// Ends and removes whatever is left of containers whose launchers are gone, one by one, not stopping at a failure.
///
/// # Errors
/// The host cannot be asked what is left.
pub fn collect(engine: &dyn Engine, state: &State, search: Search) -> Result<Collected> {
    let mut ids: BTreeSet<ContainerId> = state.claimed()?.into_iter().collect();
    ids.extend(engine.leftovers(search)?);
    let mut collected = Collected::default();
    for id in ids {
        let claim = match state.claim(&id) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue, // its launcher lives
            Err(error) => {
                collected.failed.push((id, error));
                continue;
            }
            Ok(claim) => claim,
        };
        match engine.reclaim(&id) {
            Ok(()) => {
                drop(claim);
                collected.removed.push(id);
            }
            Err(error) => {
                claim.abandon();
                collected.failed.push((id, error));
            }
        }
    }
    Ok(collected)
}
