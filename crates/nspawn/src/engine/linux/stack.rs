//! The layers of one container, opened and looked at, and the scratch layer on top of them.

use std::fs::{self, File};
use std::path::Path;

use linux_sandbox::Sources;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::layers::{self, Chain};
use super::merge::{self, Merge, Merged, Place, Spellings};
use super::opened_layer::OpenedLayer;
use super::remove_scratch;
use crate::document::Layer;
use crate::engine::Observer;
use crate::error::{Error, Result};
use crate::rollback::Rollback;
use crate::spec::ContainerPath;
use crate::state::create_private;

/// The layers below a container's scratch layer.
#[derive(Debug)]
pub(super) struct Stack {
    /// As the documents name them, topmost first, the base layer last. A native program has none.
    pub(super) layers: Vec<Layer>,
    pub(super) merged: Merged,
}

impl Stack {
    /// Opens what the container sees of each layer, and finds how they merge. `destinations` are mapped over them.
    ///
    /// # Errors
    /// A layer is none, or cannot be read.
    pub(super) fn open<'a>(
        chain: Chain,
        base: Option<&Path>,
        destinations: impl Iterator<Item = &'a ContainerPath>,
        sources: &mut Sources,
        observer: &dyn Observer,
    ) -> Result<Self> {
        for replaced in &chain.replaced {
            let path = replaced.display();
            observer.step(&format!("Base layer of Windows replaced by the embedded one, path: [{path}]"));
        }
        let all = chain.layers.iter().map(|layer| layer.path.as_path()).chain(base);
        let layers: Vec<Layer> = all.map(layers::document).collect::<Result<_>>()?;
        let Some(base) = base else { return Ok(Self { layers, merged: Merged::default() }) };
        let mut opened = chain.layers;
        opened.push(OpenedLayer::open_base(base)?);
        let list = |place: &Place| opened[place.layer].list(&place.path);
        // The base layer alone is the prefix's own overlay, of which nothing is to be merged.
        let merge = if opened.len() > 1 { merge::merge(opened.len(), &list)? } else { Merge::default() };
        let spellings = Spellings::of(destinations, opened.len(), &list)?;
        for Place { layer, path } in merge.seams.iter().flat_map(|seam| &seam.lower) {
            let layer = &opened[*layer];
            sources.insert(layer.root.join(path), layer.directory(path)?);
        }
        for layer in opened {
            sources.insert(layer.root.clone(), layer.directory("")?);
        }
        Ok(Self { layers, merged: Merged { merge, spellings } })
    }

    /// Makes the scratch layer at `path`.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn make_scratch(
        &self,
        path: &Path,
        sources: &mut Sources,
        rollback: &mut Rollback,
    ) -> Result<()> {
        if self.layers.is_empty() {
            // Nothing is written there, but the documents name it, and storage limits are those of its device.
            let above = path.parent().unwrap_or(path);
            create_private(above)?;
            let opened =
                File::open(above).map_err(|error| Error::io("open", above.display().to_string(), error))?;
            sources.insert(path, opened.into());
            return Ok(());
        }
        let undone = path.to_owned();
        rollback.push("remove the scratch layer", move || remove_scratch(&undone));
        // Left by a launcher of the same name that was killed; we hold the name now.
        remove_scratch(path)?;
        create_private(path)?;
        for name in upper_directories(self.layers.len(), self.merged.merge.seams.len()) {
            make_directory(&path.join(&name))?;
            make_directory(&path.join(format!("{name}.work")))?;
        }
        for hidden in &self.merged.merge.hidden {
            hide(&path.join(upper_of(hidden.overlay)), &hidden.path)?;
        }
        Ok(())
    }
}

/// The directory of the scratch layer that takes the changes of drive C, or of the seam with this number.
pub(super) fn upper_of(overlay: usize) -> String {
    if overlay == 0 { "drive_c".to_owned() } else { format!("seam{overlay}") }
}

fn upper_directories(layers: usize, seams: usize) -> impl Iterator<Item = String> {
    let overlays = if layers > 1 { seams + 1 } else { 0 };
    std::iter::once("prefix".to_owned()).chain((0..overlays).map(upper_of))
}

/// Hides a name of lower layers: the kernel takes a character device 0:0 for "there is none".
fn hide(upper: &Path, path: &str) -> Result<()> {
    let path = upper.join(path);
    let failed = |error| Error::io("make", path.display().to_string(), error);
    if let Some(above) = path.parent() {
        fs::create_dir_all(above).map_err(failed)?;
    }
    mknodat(CWD, &path, FileType::CharacterDevice, Mode::empty(), 0).map_err(|errno| failed(errno.into()))
}

fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir(path).map_err(|error| Error::io("make", path.display().to_string(), error))
}
