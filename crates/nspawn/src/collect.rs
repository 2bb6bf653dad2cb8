//! Clearing up after launchers that died.

use std::collections::BTreeSet;

use crate::engine::{Engine, Found, Search};
use crate::error::{Error, Result};
use crate::spec::ContainerId;
use crate::state::{Standing, State};

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
    if ids.is_empty() {
        return Ok(collected);
    }
    let exclusive = state.exclusive()?;
    for id in ids {
        let standing = exclusive.take_over(&id);
        let reclaimed = match &standing {
            Ok(Standing::Alive) => continue,
            Ok(Standing::Dead(_) | Standing::Absent) => engine.reclaim(&id),
            Err(_) => Ok(Found::Nothing),
        };
        match (standing, reclaimed) {
            (Err(error), _) => collected.failed.push((id, error)),
            (Ok(Standing::Dead(claim)), Err(error)) => {
                claim.abandon();
                collected.failed.push((id, error));
            }
            (Ok(_), Err(error)) => collected.failed.push((id, error)),
            // It ended by itself between our looking and our taking.
            (Ok(Standing::Absent), Ok(Found::Nothing)) => {}
            (Ok(_), Ok(_)) => collected.removed.push(id),
        }
    }
    Ok(collected)
}
