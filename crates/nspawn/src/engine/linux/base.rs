//! The embedded base layer: a Wine prefix, made once of the installed Wine and shared, read-only, by all containers.
//!
//! ```text
//! <data>/base/lock                 held while one is made
//! <data>/base/<key>/               WINEPREFIX: drive_c, dosdevices, system.reg, user.reg, userdef.reg
//! <data>/base/<key>.partial/       one being made, or left by a launcher that was killed
//! <data>/base/<key>.libraries      the host's libraries that this Wine needs, see `libraries`
//! ```
//!
//! The key tells Wine's build, our guest programs and this recipe apart. The copies of Wine's DLLs, 695 MB, become
//! links to the originals, which every container sees at the same place.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::libraries::{self, Libraries};
use super::making::make;
use super::root::{self, StartUp};
use super::wine::Wine;
use crate::engine::Observer;
use crate::error::{Error, ErrorKind, Result};
use crate::launch::go_on;
use crate::state::{create_private, remove};

/// The first Windows process of every container.
pub(super) const AGENT: &[u8] = include_bytes!(concat!(env!("NSPAWN_GUEST_DIR"), "/nspawn_agent.exe"));
/// `ProcessPrng` for Wine versions that lack it.
pub(super) const PRNG: &[u8] = include_bytes!(concat!(env!("NSPAWN_GUEST_DIR"), "/bcryptprimitives.dll"));
/// What the registry holds beside Wine's own.
pub(super) const REGISTRY: &str = include_str!("../../../../../guest/base.reg");

/// Changes with this recipe: another number makes a new base layer.
const LAYOUT: u32 = 6;
const KEYS: Uuid = Uuid::from_u128(0x6e73_7061_776e_5f62_6173_655f_6b65_7973);

/// A base layer that is in use, and what of the host its Wine needs besides.
#[derive(Debug)]
pub(super) struct Base {
    /// Its directory.
    pub(super) layer: PathBuf,
    pub(super) libraries: Libraries,
    pub(super) start_up: StartUp,
}

/// A shared lock on a base layer's directory. Launchers hold it as long as they live, and containers die with their
/// launchers; who removes a base layer must have the lock alone.
#[derive(Debug)]
pub(super) struct Hold {
    _locked: File,
}

impl Hold {
    /// Locks a layer; `None`: it is not there.
    fn of(layer: &Path) -> Result<Option<Self>> {
        let failed = |error| Error::io("lock", layer.display().to_string(), error);
        let locked = match File::open(layer) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        locked.lock_shared().map_err(failed)?;
        // It may have been removed, and even made anew, before we had the lock.
        let inode = locked.metadata().map_err(failed)?.ino();
        let is_there = fs::metadata(layer).is_ok_and(|there| there.ino() == inode);
        Ok(is_there.then_some(Self { _locked: locked }))
    }
}

/// Returns the base layer of `wine` below `data`, making it where it is absent, and what keeps it from being removed.
///
/// # Errors
/// Wine cannot set up a prefix, or the disk refuses; nothing half-made is ever taken for a layer.
pub(super) fn ensure(
    data: &Path,
    wine: &Wine,
    system: &root::System,
    observer: &dyn Observer,
) -> Result<(Base, Hold)> {
    let bases = data.join("base");
    let layer = bases.join(key(wine)?);
    let hold = loop {
        match Hold::of(&layer)? {
            Some(hold) => break hold,
            None => ensure_layer(&bases, &layer, wine, system, observer)?,
        }
    };
    let libraries = libraries::ensure(&list_of(&layer), wine)?;
    let start_up = StartUp::of(&layer);
    Ok((Base { layer, libraries, start_up }, hold))
}

fn ensure_layer(
    bases: &Path,
    layer: &Path,
    wine: &Wine,
    system: &root::System,
    observer: &dyn Observer,
) -> Result<()> {
    create_private(bases)?;
    let path = bases.join(LOCK);
    let _lock = lock(&path, PATIENCE, observer)?;
    if layer.is_dir() {
        return Ok(()); // made by whom we waited for
    }
    observer.step(&format!("ProcessBaseImage: Making the base layer of {}, once", wine.loader.display()));
    let partial = layer.with_extension("partial");
    make(&partial, wine, system, observer).inspect_err(|_| {
        // What could not be finished is of no use; where this fails too, gc removes it.
        let _ = fs::remove_dir_all(&partial);
    })?;
    sync(&partial)?;
    fs::rename(&partial, layer).map_err(|error| Error::io("rename", partial.display().to_string(), error))?;
    observer.step(&format!("ProcessBaseImage: Base layer made, path: [{}]", layer.display()));
    Ok(())
}

/// Writes the file system to disk: a layer that is in its place is whole for ever, after a loss of power too.
fn sync(layer: &Path) -> Result<()> {
    let opened = File::open(layer).map_err(|error| Error::io("open", layer.display().to_string(), error))?;
    rustix::fs::syncfs(opened).map_err(|errno| Error::io("write to disk", layer.display().to_string(), errno))
}

fn list_of(layer: &Path) -> PathBuf {
    layer.with_extension("libraries")
}

/// Removes base layers that no container uses, unless they are of the Wine that is installed, and what launchers left
/// half-made that were killed. Where one is being made, another time will do.
///
/// # Errors
/// The disk's refusal.
pub(super) fn remove_unused(data: &Path, installed: Option<&Wine>) -> Result<()> {
    let current = installed.map(key).transpose()?;
    remove_all_but(&data.join("base"), current.as_deref())
}

fn remove_all_but(bases: &Path, current: Option<&str>) -> Result<()> {
    let Ok(lock) = File::open(bases.join(LOCK)) else { return Ok(()) };
    if lock.try_lock().is_err() {
        return Ok(());
    }
    let failed = |error| Error::io("clear up", bases.display().to_string(), error);
    for entry in fs::read_dir(bases).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is = |extension| path.extension().is_some_and(|own| own == extension);
        let of_current = current.is_some_and(|current| path.file_stem().is_some_and(|stem| stem == current));
        if is("partial") {
            remove(&path).map_err(failed)?;
        } else if path.is_dir() && !of_current {
            remove_layer(&path).map_err(failed)?;
        }
    }
    Ok(())
}

/// Removes a layer that nobody uses, and the list beside it.
fn remove_layer(layer: &Path) -> std::io::Result<()> {
    let opened = File::open(layer)?;
    match opened.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
        Ok(()) => {}
    }
    // In one step for whoever looks for it; who waits for the lock sees then that it is gone.
    let partial = layer.with_extension("partial");
    remove(&partial)?;
    fs::rename(layer, &partial)?;
    remove(&list_of(layer))?;
    remove(&partial)
}

/// Held while a base layer is made, or one is removed.
const LOCK: &str = "lock";

/// How long another launcher may take to make a base layer: longer than its steps may together.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How often it is looked whether it has, and whether we were told to end.
const WATCH: Duration = Duration::from_millis(50);

/// Takes the lock on making base layers; says once that it waits.
///
/// # Errors
/// `Timeout` where another launcher keeps it; we were told to end; the disk's.
fn lock(path: &Path, patience: Duration, observer: &dyn Observer) -> Result<File> {
    let failed = |error| Error::io("lock", path.display().to_string(), error);
    let file = File::create(path).map_err(failed)?;
    let (began, mut is_told) = (Instant::now(), false);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if began.elapsed() >= patience => {
                let reason = format!("another launcher has kept it for {} s", patience.as_secs());
                let hint = format!("find it, and end it where it hangs: fuser {}", path.display());
                return Err(Error::new(ErrorKind::Timeout, "lock", path.display().to_string())
                    .reason(reason)
                    .with_hint(hint));
            }
            Err(TryLockError::WouldBlock) => {}
        }
        if !is_told {
            observer.step("ProcessBaseImage: Waiting for another launcher, which makes a base layer");
            is_told = true;
        }
        go_on(observer)?;
        std::thread::sleep(WATCH);
    }
}

fn key(wine: &Wine) -> Result<String> {
    let mut text = format!("{LAYOUT};{}", wine.fingerprint()?).into_bytes();
    for part in [AGENT, PRNG, REGISTRY.as_bytes()] {
        text.extend(Uuid::new_v5(&KEYS, part).as_bytes());
    }
    Ok(format!("wine_{}", Uuid::new_v5(&KEYS, &text).simple()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Silent;

    fn names(bases: &Path) -> Vec<String> {
        let entries = fs::read_dir(bases).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn whoever_keeps_the_lock_is_not_waited_for_without_end() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(LOCK);
        let kept = lock(&path, Duration::ZERO, &Silent).unwrap();
        let error = lock(&path, Duration::from_millis(60), &Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        drop(kept);
        lock(&path, Duration::ZERO, &Silent).unwrap();
    }

    #[test]
    fn what_no_container_uses_is_removed_when_it_is_not_of_this_wine() {
        let place = tempfile::tempdir().unwrap();
        let bases = place.path();
        fs::write(bases.join(LOCK), "").unwrap();
        for layer in ["wine_now", "wine_old", "wine_used", "wine_half.partial"] {
            fs::create_dir_all(bases.join(layer).join("drive_c")).unwrap();
        }
        for list in
            ["wine_now.libraries", "wine_old.libraries", "wine_used.libraries", "x.libraries.1.partial"]
        {
            fs::write(bases.join(list), "").unwrap();
        }
        let used = Hold::of(&bases.join("wine_used")).unwrap().unwrap();
        let also_used = Hold::of(&bases.join("wine_used")).unwrap().unwrap();
        remove_all_but(bases, Some("wine_now")).unwrap();
        let of_both = ["lock", "wine_now", "wine_now.libraries", "wine_used", "wine_used.libraries"];
        assert_eq!(names(bases), of_both);
        drop(used);
        remove_all_but(bases, Some("wine_now")).unwrap();
        assert_eq!(names(bases), of_both, "another container uses it");
        drop(also_used);
        let making = File::open(bases.join(LOCK)).unwrap();
        making.lock().unwrap();
        remove_all_but(bases, Some("wine_now")).unwrap();
        assert_eq!(names(bases), of_both, "a base layer is being made");
        drop(making);
        remove_all_but(bases, Some("wine_now")).unwrap();
        assert_eq!(names(bases), ["lock", "wine_now", "wine_now.libraries"]);
        assert!(Hold::of(&bases.join("wine_used")).unwrap().is_none());
        remove_all_but(bases, None).unwrap();
        assert_eq!(names(bases), ["lock"]);
    }
}
