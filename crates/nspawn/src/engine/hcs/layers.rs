//! The scratch layer of a container, and the read-only layers below it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hcs_sys::vmcompute::{self, Chain, Layer};
use hcs_sys::{Code, Guid};

use super::error::failed;
use crate::document;
use crate::error::{Error, ErrorKind, Result};
use crate::refusal::refuse;
use crate::rollback::Rollback;

/// How often a layer is mounted before it is given up.
const TRIES: u32 = 5;

/// Reads the chain that begins with the layer directory `parent`, topmost first: as the documents and as the layer
/// functions take it.
///
/// # Errors
/// `NotFound` or `InvalidSpec`, naming the directory or file.
pub(super) fn read_chain(parent: &Path) -> Result<(Vec<document::Layer>, Chain)> {
    let file = parent.join("layerchain.json");
    let subject = file.display().to_string();
    let ancestors: Option<Vec<PathBuf>> = match fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|error| Error::invalid(subject, "is no array of paths").source(error))?,
        // A base layer has none below it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::io("read", subject, error)),
    };
    let paths = std::iter::once(parent.to_owned()).chain(ancestors.unwrap_or_default());
    let layers: Vec<(Guid, String)> = paths.map(|path| read_layer(&path)).collect::<Result<_>>()?;
    let chain = Chain::new(layers.iter().map(|(id, path)| (*id, path.as_str())));
    let chain = chain.map_err(|error| failed("name", "the layers", error))?;
    let document = |(id, path): (Guid, String)| document::Layer { id: id.to_string(), path };
    Ok((layers.into_iter().map(document).collect(), chain))
}

fn read_layer(path: &Path) -> Result<(Guid, String)> {
    let refused = |what: &str| refuse("parent_layer_directory", what, &path.to_string_lossy());
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
pub(super) fn mount(path: &Path, chain: &Chain, retry: Duration, rollback: &mut Rollback) -> Result<String> {
    let subject = || format!("scratch layer {}", path.display());
    let layer = at(path)?;
    // Left by a launcher of the same name that was killed; we hold the name now.
    reclaim(path)?;
    layer.create(chain).map_err(|error| failed("create", subject(), error))?;
    let (undone, place) = (layer.clone(), subject());
    rollback.push("destroy the scratch layer", move || {
        undone.destroy().map_err(|error| failed("destroy", place, error))
    });
    attach(&layer, chain, retry).map_err(|error| failed("mount", subject(), error))?;
    let (undone, place) = (layer.clone(), subject());
    rollback.push("unmount the scratch layer", move || {
        let both = [undone.unprepare(), undone.deactivate()];
        both.into_iter().collect::<hcs_sys::Result<()>>().map_err(|error| failed("unmount", place, error))
    });
    let volume = layer.mount_path().map_err(|error| failed("find", subject(), error))?;
    volume.ok_or_else(|| Error::new(ErrorKind::Host, "find", subject()).reason("it has no volume"))
}

/// Attaches the layer's disk and the filter upon it: both, or neither.
fn attach(layer: &Layer, chain: &Chain, retry: Duration) -> hcs_sys::Result<()> {
    let once = || {
        layer.activate()?;
        layer.prepare(chain).inspect_err(|_| {
            // The failure that led here is the one that counts.
            let _ = layer.deactivate();
        })
    };
    // The disk may not be there yet when it has just been attached (seen by hcsshim on build 17763).
    let passing = |error: &hcs_sys::Error| matches!(error.code(), Some(code) if [Code::NOT_READY, Code::DEVICE_NOT_CONNECTED].contains(&code));
    for _ in 1..TRIES {
        match once() {
            Err(error) if passing(&error) => std::thread::sleep(retry),
            done => return done,
        }
    }
    once()
}

/// Unmounts and destroys the scratch layer at `path`, which may be gone or in any state.
///
/// # Errors
/// It cannot be destroyed.
pub(super) fn reclaim(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let layer = at(path)?;
    // How far it was mounted is not known: what is not there cannot be undone, and says so.
    let _ = layer.unprepare();
    let _ = layer.deactivate();
    layer.destroy().map_err(|error| failed("destroy", format!("scratch layer {}", path.display()), error))
}

fn at(path: &Path) -> Result<Layer> {
    let text = path.to_str().ok_or_else(|| Error::invalid("--root", "is not Unicode"))?;
    Layer::at(text).map_err(|error| failed("name", format!("scratch layer {text}"), error))
}
