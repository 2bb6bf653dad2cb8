//! Fuzz targets: what the contained program can write, what layers hold, and what the host's loader reads. See
//! [`crate::fuzzing`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use linux_sandbox::mount_text;

use super::elf::Uses;
use super::host_mounts::kernels_in;
use super::layers;
use super::loader_cache::LoaderCache;
use super::merge::{Entry, Place, merge};
use super::orders::Note;
use crate::engine::fit;
use crate::fuzzing::is_told_well;
use crate::program::Width;

/// Notes of the agent, which the contained program can forge: one that lacks numbers says what it does with zeros in
/// their place, and every failure has its words.
pub fn agent_notes(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len() / 4 * 4];
    let note = Note::parse(bytes);
    assert_eq!(Note::parse(&[bytes, &[0; 16]].concat()), note);
    if let Note::Failed(step, win32) = note {
        is_told_well(&step.failure(win32));
    }
}

/// What is mounted on the host: what is found of the kernel's is in or around the directory, and what is in it is found.
pub fn host_mounts(bytes: &[u8]) {
    let text = mount_text(bytes);
    let directory = Path::new("/srv/my root");
    let found = kernels_in(&text, directory);
    if let Some(found) = &found {
        assert!(found.place.starts_with(directory) || directory.starts_with(&found.place), "{found:?}");
    }
    // The mount point is the fifth field, the type the one after the hyphen (proc_pid_mountinfo(5)).
    let is_below = |line: &str| {
        line.split(' ').nth(4).is_some_and(|place| place.starts_with("/srv/my\\040root/"))
            && line.split_once(" - ").is_some_and(|(_, kind)| kind.starts_with("proc "))
            && line.split(' ').next().is_some_and(|id| id.parse::<u64>().is_ok())
            && line.split(' ').position(|field| field == "-").is_some_and(|hyphen| hyphen > 5)
    };
    assert!(found.is_some() || !text.lines().any(is_below), "it is not found");
}

/// Programs and libraries: all names stand in the file.
pub fn elf_libraries(bytes: &[u8]) {
    let Some(Uses { needed, named }) = Uses::of(bytes) else { return };
    // An entry of 8 bytes, of a 32-bit one, makes a name of at most 255.
    assert!(needed.iter().map(String::len).sum::<usize>() <= 32 * bytes.len(), "{} names", needed.len());
    assert!(named.iter().map(String::len).sum::<usize>() <= bytes.len());
    let texts: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    let stands = |name: &String| texts.iter().any(|text| text.ends_with(name.as_bytes()));
    assert!(needed.iter().take(64).chain(named.iter().take(64)).all(stands));
}

/// Caches of the loader: no more than the file holds, and each name has a path.
pub fn loader_caches(bytes: &[u8]) {
    for width in [Width::Bits64, Width::Bits32] {
        let Some(LoaderCache { libraries, .. }) = LoaderCache::parse(bytes, width) else { return };
        let length = |(name, path): (&String, &PathBuf)| name.len() + path.as_os_str().len();
        // An entry of 24 bytes makes a name and a path of at most 4095.
        assert!(libraries.iter().map(length).sum::<usize>() <= 342 * bytes.len(), "{}", libraries.len());
        assert!(libraries.len() <= bytes.len() / 24);
    }
}

/// Names in layers, a line a layer and a word a path: whatever layers hold, what is mounted over another is a
/// directory of some of them, and no place is named twice.
pub fn layer_names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let layers: Vec<Vec<&str>> = text.lines().take(8).map(|line| line.split(' ').collect()).collect();
    let below = |place: &Place| {
        let above = if place.path.is_empty() { String::new() } else { format!("{}/", place.path) };
        let paths = layers[place.layer].iter().filter_map(move |path| path.strip_prefix(&*above));
        let named = |path: &str| match path.split_once('/') {
            Some((name, _)) => Entry { name: name.to_owned(), is_directory: true },
            None => Entry { name: path.to_owned(), is_directory: false },
        };
        let mut entries: Vec<Entry> = paths.map(named).filter(|entry| !entry.name.is_empty()).collect();
        // A directory has each name once.
        entries.sort_by(|one, other| (&one.name, other.is_directory).cmp(&(&other.name, one.is_directory)));
        entries.dedup_by(|one, other| one.name == other.name);
        entries
    };
    let merge = match merge(layers.len(), &|place: &Place| Ok(below(place))) {
        Ok(merge) => merge,
        Err(error) => return is_told_well(&error),
    };
    let is_directory = |place: &Place| {
        let (above, name) = place.path.rsplit_once('/').unwrap_or(("", &place.path));
        let above = Place { layer: place.layer, path: above.to_owned() };
        below(&above).iter().any(|entry| entry.name == name && entry.is_directory)
    };
    assert!(merge.seams.iter().all(|seam| !seam.lower.is_empty() && seam.lower.iter().all(is_directory)));
    let targets: BTreeSet<&str> = merge.seams.iter().map(|seam| &*seam.target).collect();
    assert_eq!(targets.len(), merge.seams.len());
    assert!(merge.hidden.iter().all(|hidden| hidden.overlay <= merge.seams.len() && !hidden.path.is_empty()));
}

/// Chains of layers, as Linux and as Windows read them: each path is absolute, or lies right beside the layer.
pub fn layer_chains(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match layers::parse_chain(text, Path::new("/layers/app")) {
        Err(error) => is_told_well(&error),
        Ok(paths) => {
            let named: Vec<String> =
                serde_json::from_str::<Option<_>>(text).ok().flatten().unwrap_or_default();
            assert_eq!(paths.len(), named.len());
            for (path, named) in paths.iter().zip(&named) {
                let beside = path.parent() == Some(Path::new("/layers")) && path.file_name().is_some();
                assert!(path == Path::new(named) && path.is_absolute() || beside, "{}", path.display());
            }
        }
    }
    match fit::parse_chain(text, "layerchain.json") {
        Err(error) => is_told_well(&error),
        Ok(paths) => assert!(paths.iter().all(|path| path.contains(['\\', '/']) && path.len() >= 2)),
    }
}
