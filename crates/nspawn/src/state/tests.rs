use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

fn id(name: &str) -> ContainerId {
    ContainerId::parse(&format!("nspawn_{name}")).unwrap()
}

#[test]
fn a_name_is_claimed_once_and_free_again_after() {
    let place = tempfile::tempdir().unwrap();
    let state = State::new(place.path().join("run"));
    let claim = state.claim(&id("a")).unwrap();
    assert_eq!(state.claim(&id("a")).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(state.claimed().unwrap(), [id("a")]);
    drop(claim);
    assert_eq!(state.claimed().unwrap(), []);
    state.claim(&id("a")).unwrap();
}

#[test]
fn the_name_of_a_dead_launcher_can_be_claimed() {
    let place = tempfile::tempdir().unwrap();
    let state = State::new(place.path());
    state.claim(&id("a")).unwrap().abandon(); // as a SIGKILL does: the lock is freed, the files stay
    assert_eq!(state.claimed().unwrap(), [id("a")]);
    let claim = state.claim(&id("a")).unwrap();
    assert_eq!(claim.found(), Found::DeadLock);
    drop(claim);
    fs::create_dir(place.path().join("nspawn_b")).unwrap(); // killed before the lock was made
    drop(state.claim(&id("b")).unwrap());
    assert_eq!(state.claimed().unwrap(), []);
}

#[test]
fn a_name_that_is_only_being_cleared_up_is_not_refused() {
    let place = tempfile::tempdir().unwrap();
    let state = State::new(place.path());
    state.claim(&id("a")).unwrap().abandon();
    let collection = state.collection().unwrap();
    let clearing = collection.claim(&id("a")).unwrap().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| state.claim(&id("a")));
        std::thread::sleep(std::time::Duration::from_millis(50));
        clearing.clear().unwrap();
        drop(collection);
        assert_eq!(waiting.join().unwrap().unwrap().found(), Found::Nothing);
    });
}

#[test]
fn damage_is_removed_by_who_clears_up() {
    let place = tempfile::tempdir().unwrap();
    let (state, at) = (State::new(place.path()), |path: &str| place.path().join(path));
    fs::create_dir_all(at("nspawn_a/lock/below")).unwrap();
    fs::write(at("nspawn_b"), "").unwrap();
    fs::create_dir_all(at("nspawn_c/stray")).unwrap();
    fs::write(at("nspawn_c/stray/file"), "").unwrap();
    let collection = state.collection().unwrap();
    for name in ["a", "b", "c"] {
        collection.claim(&id(name)).unwrap().unwrap().clear().unwrap();
    }
    assert_eq!(state.claimed().unwrap(), []);
}

#[test]
fn a_lock_whose_name_another_file_took_does_not_count() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join(LOCK);
    let (lock, found) = open_lock(&path).unwrap();
    assert_eq!(found, Found::Nothing);
    assert!(same_file(&lock, &path));
    fs::rename(&path, place.path().join("moved")).unwrap();
    assert!(!same_file(&lock, &path));
    open_lock(&path).unwrap();
    assert!(!same_file(&lock, &path));
}

#[test]
fn of_many_that_claim_one_name_one_has_it_at_a_time() {
    let place = tempfile::tempdir().unwrap();
    let state = State::new(place.path());
    let (holders, claimed) = (AtomicU32::new(0), AtomicU32::new(0));
    let claim_and_drop = || {
        for _ in 0..100 {
            match state.claim(&id("a")) {
                Ok(claim) => {
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two have the name");
                    claimed.fetch_add(1, Ordering::SeqCst);
                    holders.fetch_sub(1, Ordering::SeqCst);
                    drop(claim);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}", error.one_line()),
            }
        }
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(claim_and_drop))));
    assert!(claimed.into_inner() > 0);
    assert_eq!(state.claimed().unwrap(), []);
}
