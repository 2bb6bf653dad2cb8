//! Layers on disk: a windowsfilter layer directory and the chain below it, as docker lays them out.

use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::document::Layer;
use crate::error::{Error, ErrorKind, Result};
use crate::refusal::{quoted, refuse};

/// A layer's part that the container sees.
const FILES: &str = "Files";

/// The namespace of our layer ids. Windows' own ids come from its NameToGuid, whose algorithm is not published.
const LAYER_IDS: Uuid = Uuid::from_u128(0x6e73_7061_776e_5f6c_6179_6572_5f69_6473);

/// A chain of layers, topmost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// Directories that go on top of the embedded base layer.
    pub(super) layers: Vec<PathBuf>,
    /// Microsoft's base layers, which the embedded one stands in for: their licence ties them to Windows hosts.
    pub(super) replaced: Vec<PathBuf>,
}

/// Reads the chain that begins with the layer directory `parent`.
///
/// # Errors
/// `NotFound`, `InvalidSpec` or `Host`, naming the file.
pub(super) fn read_chain(parent: &Path) -> Result<Chain> {
    let mut chain = Chain { layers: Vec::new(), replaced: Vec::new() };
    let ancestors = match fs::read_to_string(parent.join("layerchain.json")) {
        Ok(text) => parse_chain(&text, parent)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return Err(Error::io("read", parent.join("layerchain.json").display().to_string(), error));
        }
    };
    for layer in std::iter::once(parent.to_owned()).chain(ancestors) {
        let files = layer.join(FILES);
        if !files.is_dir() {
            let what = format!("is no windowsfilter layer: it has no directory {FILES}");
            let error = refuse("parent_layer_directory", what, &layer.to_string_lossy());
            return Err(error.with_kind(ErrorKind::NotFound));
        }
        match is_microsoft_base(&files) {
            true => chain.replaced.push(layer),
            false => chain.layers.push(layer),
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
fn is_microsoft_base(files: &Path) -> bool {
    ["Windows/System32/ntoskrnl.exe", "Windows/System32/ntdll.dll", "Windows/System32/config/SYSTEM"]
        .iter()
        .any(|path| files.join(path).exists())
}

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
    use super::*;

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
        assert_eq!(chain, Chain { layers: vec![at("app"), at("runtime")], replaced: vec![at("base")] });
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
