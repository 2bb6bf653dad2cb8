//! Clearing up after launchers that died.

use std::collections::BTreeSet;

use crate::engine::{Engine, Observer, Search, Silent};
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
    /// Why some place could not be searched: what is there stays.
    pub unsearched: Vec<Error>,
}

/// Ends and removes whatever is left of containers whose launchers are gone, one by one, not stopping at a failure.
///
/// # Errors
/// Nobody can say who lives.
pub fn collect(engine: &dyn Engine, state: &State, search: Search) -> Result<Collected> {
    collect_telling(engine, state, search, &Silent)
}

/// As [`collect`], telling `observer` each step.
///
/// # Errors
/// Nobody can say who lives.
pub fn collect_telling(
    engine: &dyn Engine,
    state: &State,
    search: Search,
    observer: &dyn Observer,
) -> Result<Collected> {
    let mut collected = Collected::default();
    let mut ids: BTreeSet<ContainerId> = state.claimed()?.into_iter().collect();
    let left = engine.leftovers(search);
    ids.extend(left.ids);
    collected.unsearched.extend(left.unsearched);
    if search == Search::Thorough {
        collected.unsearched.extend(engine.tidy().err());
    }
    if ids.is_empty() {
        return Ok(collected);
    }
    let collection = state.collection()?;
    for id in ids {
        match clear(engine, search, &collection, &id, observer) {
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
    observer: &dyn Observer,
) -> Result<Cleared> {
    let Some(claim) = collection.claim(id)? else { return Ok(Cleared::NotOurs) };
    if claim.found() == Found::Nothing && !engine.leftovers(search).ids.contains(id) {
        return claim.clear().map(|()| Cleared::NotOurs);
    }
    match engine.reclaim(id, observer) {
        Ok(()) => claim.clear().map(|()| Cleared::Removed),
        Err(error) => {
            claim.abandon();
            Err(error)
        }
    }
}
