//! The read-only layers below a container, and its scratch layer.

use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hcs_sys::vmcompute::{self, Chain, Layer};
use hcs_sys::{Code, Guid, virtdisk};

use super::error::failed;
use super::{Deadlines, checks};
use crate::document;
use crate::engine::fit;
use crate::error::{Error, ErrorKind, Result};
use crate::refusal::refuse;
use crate::rollback::Rollback;
use crate::spec::ContainerId;
use crate::state::ids_in;

/// How often a layer is mounted before it is given up.
const TRIES: u32 = 5;

/// The disk of a scratch layer.
const DISK: &str = "sandbox.vhdx";

/// What stands before the name of a layer while it is destroyed: no container's id begins so.
const DOOMED: &str = "rm-";

/// Reads the chain that begins with the layer directory `parent`, topmost first: as the documents and as the layer
/// functions take it.
///
/// # Errors
/// `NotFound` or `InvalidSpec`, naming the directory or file.
pub(super) fn read_chain(parent: &Path) -> Result<(Vec<document::Layer>, Chain)> {
    const KEY: &str = "parent_layer_directory";
    let top = read_layer(KEY, parent)?;
    let file = parent.join("layerchain.json");
    let subject = file.display().to_string();
    let below = match fs::read_to_string(&file) {
        Ok(text) => fit::parse_chain(&text, &subject)?,
        // A base layer has none below it.
        Err(error) if error.kind() == IoKind::NotFound && checks::holds_windows(parent) => Vec::new(),
        Err(error) if error.kind() == IoKind::NotFound => {
            let what = "has no layerchain.json, and is no base layer: it holds no Windows";
            return Err(refuse(KEY, what, &top.1).with_kind(ErrorKind::NotFound));
        }
        Err(error) => return Err(Error::io("read", subject, error)),
    };
    let below = below.iter().map(|path| read_layer(&subject, Path::new(path)));
    let layers: Vec<(Guid, String)> = std::iter::once(Ok(top)).chain(below).collect::<Result<_>>()?;
    let chain = Chain::new(layers.iter().map(|(id, path)| (*id, path.as_str())));
    let chain = chain.map_err(|error| failed("name", "the layers", error))?;
    let document = |(id, path): (Guid, String)| document::Layer { id: id.to_string(), path };
    Ok((layers.into_iter().map(document).collect(), chain))
}

fn read_layer(key: &str, path: &Path) -> Result<(Guid, String)> {
    let refused = |what: &str| refuse(key, what, &path.to_string_lossy());
    if !path.is_dir() {
        return Err(refused("names a layer that is not there").with_kind(ErrorKind::NotFound));
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(name), Some(text)) = (name, path.to_str()) else {
        return Err(refused("names a layer by a path that is not Unicode, or has no name"));
    };
    let id = vmcompute::guid_of_name(name).map_err(|error| failed("name", format!("layer {text}"), error))?;
    Ok((id, text.to_owned()))
}

/// Makes the scratch layer at `path` upon `chain` and mounts it. Returns the volume that it is.
///
/// # Errors
/// The service's refusal; what was made is unmade by `rollback`.
pub(super) fn mount(
    path: &Path,
    chain: &Chain,
    deadlines: Deadlines,
    rollback: &mut Rollback,
) -> Result<String> {
    let subject = || format!("scratch layer {}", path.display());
    let layer = at(path)?;
    // Left by a launcher of the same name that was killed; we hold the name now.
    reclaim(path, deadlines)?;
    let mounted = Arc::new(AtomicBool::new(false));
    let (undone, place, is_mounted) = (layer.clone(), path.to_owned(), Arc::clone(&mounted));
    // Before it is made: what is made by half, as on a full disk, is removed as well.
    rollback.push("remove the scratch layer", move || {
        if is_mounted.load(Ordering::Relaxed) {
            // Where this fails it is not destroyed under whoever uses it: that is for `gc`.
            unmount(&undone, &place)?;
        }
        destroy(&place, deadlines).map(drop)
    });
    layer.create(chain).map_err(|error| failed("create", subject(), error))?;
    attach(&layer, chain, deadlines).map_err(|error| failed("mount", subject(), error))?;
    mounted.store(true, Ordering::Relaxed);
    let volume = layer.mount_path().map_err(|error| failed("find", subject(), error))?;
    volume.ok_or_else(|| Error::new(ErrorKind::Host, "find", subject()).reason("it has no volume"))
}

/// Takes both steps back, the second one even where the first one fails.
fn unmount(layer: &Layer, path: &Path) -> Result<()> {
    let both = [layer.unprepare(), layer.deactivate()];
    let unmounted: hcs_sys::Result<()> = both.into_iter().collect();
    unmounted.map_err(|error| failed("unmount", format!("scratch layer {}", path.display()), error))
}

/// Attaches the layer's disk and the filter upon it: both, or neither.
fn attach(layer: &Layer, chain: &Chain, deadlines: Deadlines) -> hcs_sys::Result<()> {
    let once = || {
        layer.activate()?;
        layer.prepare(chain).inspect_err(|_| {
            // The failure that led here is the one that counts.
            let _ = layer.deactivate();
        })
    };
    // The disk may not be there yet when it has just been attached (seen by hcsshim on build 17763).
    let passing = [Code::NOT_READY, Code::DEVICE_NOT_CONNECTED];
    for _ in 1..TRIES {
        match once() {
            Err(error) if is_any(&error, &passing) => std::thread::sleep(deadlines.retry),
            done => return done,
        }
    }
    once()
}

fn is_any(error: &hcs_sys::Error, codes: &[Code]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

/// Returns the containers whose scratch layers are in `directory`, whole or half destroyed.
///
/// # Errors
/// The directory cannot be read.
pub(super) fn left(directory: &Path) -> Result<Vec<ContainerId>> {
    ids_in(directory, |name| ContainerId::parse(name.strip_prefix(DOOMED).unwrap_or(name)))
}

/// Unmounts and destroys the scratch layer at `path`, which may be gone or in any state; tells whether it was there.
///
/// # Errors
/// It cannot be destroyed.
pub(super) fn reclaim(path: &Path, deadlines: Deadlines) -> Result<bool> {
    if path.exists() {
        let layer = at(path)?;
        // How far it was mounted is not known: what is not there cannot be undone, and says so.
        let _ = layer.unprepare();
        let _ = layer.deactivate();
    }
    destroy(path, deadlines)
}

/// Destroys the scratch layer at `path`, which is unmounted or gone; tells whether it was there.
///
/// It is renamed first, as docker and containerd do: that fails at once while somebody uses it, and what is left of a
/// layer whose destruction was broken off never passes for a whole one.
fn destroy(path: &Path, deadlines: Deadlines) -> Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let doomed = path.with_file_name(format!("{DOOMED}{name}"));
    let begun = erase(&doomed, deadlines)?;
    if !path.exists() {
        return Ok(begun);
    }
    set_aside(path, &doomed, deadlines)?;
    erase(&doomed, deadlines)
}

/// Renames a layer. Where its disk is still attached, as after a crash, that is refused: then the disk is detached.
fn set_aside(path: &Path, doomed: &Path, deadlines: Deadlines) -> Result<()> {
    let in_use = |error: &std::io::Error| {
        matches!(error.kind(), IoKind::PermissionDenied | IoKind::ResourceBusy)
            || error.raw_os_error().is_some_and(|number| SHARING_VIOLATION == number)
    };
    let mut detached = None;
    let rename = || {
        fs::rename(path, doomed).inspect_err(|error| {
            if in_use(error) {
                detached.get_or_insert_with(|| detach(&path.join(DISK)));
            }
        })
    };
    let renamed = deadlines.while_busy(in_use, rename);
    renamed.map_err(|error| {
        let mut failure = Error::io("rename", format!("scratch layer {}", path.display()), error);
        if let Some(Err(error)) = detached {
            failure.attach(failed("detach", path.join(DISK).display().to_string(), error).one_line());
        }
        failure
    })
}

/// `ERROR_SHARING_VIOLATION`.
const SHARING_VIOLATION: i32 = 32;

fn detach(disk: &Path) -> hcs_sys::Result<()> {
    virtdisk::detach(&disk.to_string_lossy())
}

/// Destroys a layer that was set aside; tells whether it was there. Something may look at its files for a moment
/// (virus scanners, indexers), so a refusal for that is not the last word.
fn erase(doomed: &Path, deadlines: Deadlines) -> Result<bool> {
    if !doomed.exists() {
        return Ok(false);
    }
    let layer = at(doomed)?;
    let in_use = |error: &hcs_sys::Error| is_any(error, &[Code::SHARING_VIOLATION]);
    let erased = deadlines.while_busy(in_use, || layer.destroy());
    erased.map_err(|error| failed("destroy", format!("scratch layer {}", doomed.display()), error))?;
    Ok(true)
}

fn at(path: &Path) -> Result<Layer> {
    let text = path.to_str().ok_or_else(|| Error::invalid("--root", "is not Unicode"))?;
    Layer::at(text).map_err(|error| failed("name", format!("scratch layer {text}"), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_that_is_being_destroyed_is_its_containers() {
        let place = tempfile::tempdir().unwrap();
        for name in ["nspawn_a", "rm-nspawn_b", "rm-rm-nspawn_c", "other", "rm-other"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let mut found = left(place.path()).unwrap();
        found.sort();
        assert_eq!(found, ["nspawn_a", "nspawn_b"].map(|id| ContainerId::parse(id).unwrap()));
        assert_eq!(left(&place.path().join("absent")).unwrap(), []);
    }

    #[test]
    fn what_is_not_there_is_destroyed_already() {
        let place = tempfile::tempdir().unwrap();
        let absent = place.path().join("nspawn_a");
        assert!(!reclaim(&absent, Deadlines::default()).unwrap());
    }
}
