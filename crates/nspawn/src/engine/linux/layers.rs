//! Layers on disk: a windowsfilter layer directory and the chain below it, as docker lays them out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::opened_layer::{self, OpenedLayer};
use crate::document::Layer;
use crate::error::{Error, Result};
use crate::refusal::{quoted, refuse};

/// A layer's part that the container sees.
const FILES: &str = "Files";

/// The namespace of our layer ids. Windows' own ids come from its NameToGuid, whose algorithm is not published.
const LAYER_IDS: Uuid = Uuid::from_u128(0x6e73_7061_776e_5f6c_6179_6572_5f69_6473);

/// A chain of layers, topmost first.
#[derive(Debug)]
pub(super) struct Chain {
    /// Layers that go on top of the embedded base layer.
    pub(super) layers: Vec<OpenedLayer>,
    /// Microsoft's base layers, which the embedded one stands in for: their licence ties them to Windows hosts.
    pub(super) replaced: Vec<PathBuf>,
}

/// Reads the chain that begins with the layer directory `parent`, and opens what is in it.
///
/// # Errors
/// `NotFound`, `InvalidSpec` or `Host`, naming the file.
pub(super) fn read_chain(parent: &Path) -> Result<Chain> {
    let mut chain = Chain { layers: Vec::new(), replaced: Vec::new() };
    let ancestors = match opened_layer::read_beside(parent, "layerchain.json")? {
        Some(text) => parse_chain(&text, parent)?,
        None => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    for layer in std::iter::once(parent.to_owned()).chain(ancestors) {
        let opened = OpenedLayer::open(&layer)?;
        if !seen.insert(layer.clone()) {
            let what = "is named twice in its own chain";
            return Err(refuse("parent_layer_directory", what, &layer.to_string_lossy()));
        }
        match opened.has_any(&KERNEL)? {
            true => chain.replaced.push(layer),
            false => chain.layers.push(opened),
        }
    }
    Ok(chain)
}

/// Reads the text of a `layerchain.json`: an array of paths, nearest parent first. A path of a Windows host is taken
/// as the directory of the same name beside `layer`.
///
/// # Errors
/// `InvalidSpec` where it is something else.
pub(super) fn parse_chain(text: &str, layer: &Path) -> Result<Vec<PathBuf>> {
    let file = || layer.join("layerchain.json").display().to_string();
    let paths: Option<Vec<String>> = serde_json::from_str(text)
        .map_err(|error| Error::invalid(file(), "is no array of paths").source(error))?;
    let beside = |path: String| {
        if Path::new(&path).is_absolute() {
            return Ok(PathBuf::from(path));
        }
        let name = path.rsplit(['\\', '/']).next().unwrap_or_default();
        let sibling =
            layer.parent().filter(|_| !matches!(name, "" | "." | "..")).map(|above| above.join(name));
        sibling.ok_or_else(|| Error::invalid(file(), format!("{} names no layer", quoted(&path))))
    };
    paths.unwrap_or_default().into_iter().map(beside).collect()
}

/// A base layer of Windows is known by its kernel.
const KERNEL: [&str; 3] =
    ["Windows/System32/ntoskrnl.exe", "Windows/System32/ntdll.dll", "Windows/System32/config/SYSTEM"];

/// Returns the part of `layer` that the container sees.
pub(super) fn files(layer: impl AsRef<Path>) -> PathBuf {
    layer.as_ref().join(FILES)
}

/// Returns what the container sees of the embedded base layer, apart from other layers: its drive C.
pub(super) fn drive_of(base: impl AsRef<Path>) -> PathBuf {
    base.as_ref().join("drive_c")
}

/// Names a layer as the documents do: by an id of our own, made of its directory's name.
pub(super) fn document(path: &Path) -> Result<Layer> {
    let text = path.to_str().ok_or_else(|| {
        Error::invalid("parent_layer_directory", format!("{:?} is not UTF-8", path.to_string_lossy()))
    })?;
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    Ok(Layer { id: Uuid::new_v5(&LAYER_IDS, name).to_string(), path: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_chain_is_read_and_windows_own_base_is_set_apart() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for layer in ["app/Files", "runtime/Files", "base/Files/Windows/System32"] {
            fs::create_dir_all(at(layer)).unwrap();
        }
        fs::write(at("base/Files/Windows/System32/ntdll.dll"), "").unwrap();
        let runtime = at("runtime").display().to_string();
        let chain = serde_json::json!([runtime, r"C:\ProgramData\docker\windowsfilter\base"]);
        fs::write(at("app/layerchain.json"), chain.to_string()).unwrap();
        let chain = read_chain(&at("app")).unwrap();
        let paths: Vec<&Path> = chain.layers.iter().map(|layer| layer.path.as_path()).collect();
        assert_eq!((paths, chain.replaced), (vec![&*at("app"), &*at("runtime")], vec![at("base")]));
        fs::write(at("app/layerchain.json"), serde_json::json!([runtime, runtime]).to_string()).unwrap();
        assert!(read_chain(&at("app")).unwrap_err().one_line().contains("is named twice"));
    }

    #[test]
    fn what_is_no_chain_is_refused() {
        let layer = Path::new("/l/app");
        assert_eq!(parse_chain("null", layer).unwrap(), Vec::<PathBuf>::new());
        for text in ["", "{}", "[1]", "[\"..\"]", "[\"C:\\\\\"]", "[\"\"]", "[\"a\"] x"] {
            assert_eq!(parse_chain(text, layer).unwrap_err().kind(), ErrorKind::InvalidSpec, "{text}");
        }
        assert_eq!(read_chain(Path::new("/nope")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn ids_are_stable() {
        let id = |path: &str| document(Path::new(path)).unwrap().id;
        assert_eq!(id("/a/x"), id("/b/x"));
        assert_ne!(id("/a/x"), id("/a/y"));
    }
}
