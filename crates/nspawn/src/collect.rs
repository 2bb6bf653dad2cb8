//! Clearing up after launchers that died.

use std::collections::BTreeSet;

use crate::engine::{Engine, Search};
use crate::error::{Error, Result};
use crate::spec::ContainerId;
use crate::state::{Collection, Found, State};

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
    if search == Search::Thorough {
        engine.tidy()?;
    }
    let mut collected = Collected::default();
    if ids.is_empty() {
        return Ok(collected);
    }
    let collection = state.collection()?;
    for id in ids {
        match clear(engine, search, &collection, &id) {
            Ok(Cleared::Removed) => collected.removed.push(id),
            Ok(Cleared::NotOurs) => {}
            Err(error) => collected.failed.push((id, error)),
        }
    }
    Ok(collected)
}

enum Cleared {
    Removed,
    /// Its launcher lives, or removed it since we looked.
    NotOurs,
}

fn clear(
    engine: &dyn Engine,
    search: Search,
    collection: &Collection<'_>,
    id: &ContainerId,
) -> Result<Cleared> {
    let Some(claim) = collection.claim(id)? else { return Ok(Cleared::NotOurs) };
    if claim.found() == Found::Nothing && !engine.leftovers(search)?.contains(id) {
        return claim.clear().map(|()| Cleared::NotOurs);
    }
    match engine.reclaim(id) {
        Ok(()) => claim.clear().map(|()| Cleared::Removed),
        Err(error) => {
            claim.abandon();
            Err(error)
        }
    }
}
