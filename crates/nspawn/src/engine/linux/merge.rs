//! Merging layers by names as Windows compares them. The kernel's overlay merges what is spelled alike: where one
//! layer says `Windows` and the next `windows`, it would show both. Such a directory gets an overlay of its own, a
//! seam, mounted over the spelling of the lowest layer; the other spellings are hidden. Pure but for the listing.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::names::fold;
use crate::spec::ContainerPath;

/// So many seams, and directories within directories, are taken: a hostile layer must not make us mount for ever.
const SEAMS_MAX: usize = 256;
const DEPTH_MAX: usize = 64;

/// Directories that every Windows has, as the base layer spells them.
const KNOWN: [&str; 5] = ["Program Files", "Program Files (x86)", "ProgramData", "users", "windows"];

/// A name in a directory of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_directory: bool,
}

/// A directory in a layer: the layer's number, topmost first, and a path below its root; empty: the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) layer: usize,
    pub(super) path: String,
}

/// An overlay over a directory that layers spell differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seam {
    /// Where it is mounted, below drive C.
    pub(super) target: String,
    /// What it is made of, topmost first.
    pub(super) lower: Vec<Place>,
}

/// A name that must not be seen: below the writable layer of drive C, or of the seam with this number, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hidden {
    pub(super) overlay: usize,
    pub(super) path: String,
}

/// What merging takes besides an overlay of all layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Merge {
    /// In the order of mounting.
    pub(super) seams: Vec<Seam>,
    pub(super) hidden: Vec<Hidden>,
}

/// How the layers of a container become one drive C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) merge: Merge,
    pub(super) spellings: Spellings,
}

impl Default for Merged {
    /// What holds while no layer was looked at.
    fn default() -> Self {
        Self { merge: Merge::default(), spellings: Spellings::usual() }
    }
}

/// Lists a directory of a layer.
pub(super) trait List: Fn(&Place) -> Result<Vec<Entry>> {}
impl<F: Fn(&Place) -> Result<Vec<Entry>>> List for F {}

/// Finds what merging so many layers takes.
///
/// # Errors
/// The listing's, or `InvalidSpec` where the layers differ in more than anyone would make by accident.
pub(super) fn merge(layers: usize, list: &impl List) -> Result<Merge> {
    let mut merge = Merge::default();
    merge.directory(0, "", &roots(layers), 0, list)?;
    Ok(merge)
}

fn roots(layers: usize) -> Vec<Place> {
    (0..layers).map(|layer| Place { layer, path: String::new() }).collect()
}

impl Merge {
    /// Merges `places`, which are seen at `within` in an overlay.
    fn directory(
        &mut self,
        overlay: usize,
        within: &str,
        places: &[Place],
        depth: usize,
        list: &impl List,
    ) -> Result<()> {
        let refused = |reason: String| Err(Error::invalid("parent_layer_directory", reason));
        if depth > DEPTH_MAX {
            return refused(format!(
                "layers share directories that are nested deeper than {DEPTH_MAX}: {within}"
            ));
        }
        if self.seams.len() > SEAMS_MAX {
            return refused(format!("more than {SEAMS_MAX} directories of its layers differ by case alone"));
        }
        for same in group(places, list)?.into_values().filter(|same| same.entries.len() > 1) {
            let spelled = same.spelled().to_owned();
            let at = join(within, &spelled);
            let mut others: Vec<&str> = same.entries.iter().map(|(_, entry)| entry.name.as_str()).collect();
            others.sort_unstable();
            others.dedup();
            for other in others.into_iter().filter(|other| *other != spelled) {
                self.hidden.push(Hidden { overlay, path: join(within, other) });
            }
            let directories = same.directories();
            match (directories.len(), directories == same.merged_by_kernel(&spelled)) {
                (0, _) | (1, true) => {}
                (_, true) => self.directory(overlay, &at, &directories, depth + 1, list)?,
                (_, false) => {
                    let target = join(overlay.checked_sub(1).map_or("", |n| &self.seams[n].target), &at);
                    self.seams.push(Seam { target, lower: directories.clone() });
                    self.directory(self.seams.len(), "", &directories, depth + 1, list)?;
                }
            }
        }
        Ok(())
    }
}

/// Entries of directories that Windows takes for one, topmost first.
#[derive(Debug, Default)]
struct Same {
    entries: Vec<(Place, Entry)>,
}

impl Same {
    /// Returns the directories that show through: those above the first that is none.
    fn directories(&self) -> Vec<Place> {
        let shown = self.entries.iter().take_while(|(_, entry)| entry.is_directory);
        shown
            .map(|(place, entry)| Place { layer: place.layer, path: join(&place.path, &entry.name) })
            .collect()
    }

    /// Returns the directories that an overlay shows as one at `spelled`, as it compares names.
    fn merged_by_kernel(&self, spelled: &str) -> Vec<Place> {
        let alike = self.entries.iter().filter(|(_, entry)| entry.name == spelled);
        let shown = alike.take_while(|(_, entry)| entry.is_directory);
        shown
            .map(|(place, entry)| Place { layer: place.layer, path: join(&place.path, &entry.name) })
            .collect()
    }

    /// Returns the spelling that is kept: that of the lowest directory that shows through, or of the topmost file.
    fn spelled(&self) -> &str {
        let shown = self.entries.iter().take_while(|(_, entry)| entry.is_directory);
        shown.last().or(self.entries.first()).map_or("", |(_, entry)| &entry.name)
    }
}

fn group(places: &[Place], list: &impl List) -> Result<BTreeMap<String, Same>> {
    let mut groups: BTreeMap<String, Same> = BTreeMap::new();
    for place in places {
        let mut entries = list(place)?;
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        for entry in entries {
            groups.entry(fold(&entry.name)).or_default().entries.push((place.clone(), entry));
        }
    }
    Ok(groups)
}

fn join(above: &str, name: &str) -> String {
    [above, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// How the directories of drive C are spelled, so that what is mapped into one makes no second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spellings(BTreeMap<String, String>);

impl Spellings {
    /// The spellings of what every Windows has.
    pub(super) fn usual() -> Self {
        Self(KNOWN.iter().map(|name| (fold(name), (*name).to_owned())).collect())
    }

    /// Looks up how the layers spell `paths`, as far as they hold them.
    ///
    /// # Errors
    /// The listing's.
    pub(super) fn of<'a>(
        paths: impl IntoIterator<Item = &'a ContainerPath>,
        layers: usize,
        list: &impl List,
    ) -> Result<Self> {
        let mut spellings = Self(BTreeMap::new());
        for path in paths {
            let mut places = roots(layers);
            let (mut folded, mut spelled) = (String::new(), String::new());
            for name in path.components() {
                let Some(same) = group(&places, list)?.remove(&fold(name)) else { break };
                (folded, spelled) = (join(&folded, &fold(name)), join(&spelled, same.spelled()));
                spellings.0.insert(folded.clone(), spelled.clone());
                places = same.directories();
            }
        }
        Ok(spellings)
    }

    /// Returns a path below drive C as it is spelled there; what is new is remembered as it was spelled first.
    pub(super) fn spell(&mut self, path: &ContainerPath) -> String {
        let (mut folded, mut spelled) = (String::new(), String::new());
        for name in path.components() {
            folded = join(&folded, &fold(name));
            spelled = self.0.entry(folded.clone()).or_insert_with(|| join(&spelled, name)).clone();
        }
        spelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// Layers as texts: a path a word, directories with a slash at their end.
    fn lister<'a>(layers: &'a [&'a str]) -> impl List + 'a {
        |place| {
            let above = if place.path.is_empty() { String::new() } else { format!("{}/", place.path) };
            let mut entries: Vec<Entry> = Vec::new();
            let below = layers[place.layer].split_whitespace().filter_map(|path| path.strip_prefix(&*above));
            for path in below.filter(|path| !path.is_empty()) {
                let (name, rest) =
                    path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
                let entry = Entry { name: name.to_owned(), is_directory: rest.is_some() };
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
            Ok(entries)
        }
    }

    /// Seams as `target=layer:path+...`, hidden names as `overlay:path`.
    fn merged(layers: &[&str]) -> (Vec<String>, Vec<String>) {
        let merge = merge(layers.len(), &lister(layers)).unwrap();
        let lower = |seam: &Seam| {
            let places = seam.lower.iter().map(|place| format!("{}:{}", place.layer, place.path));
            places.collect::<Vec<_>>().join("+")
        };
        (
            merge.seams.iter().map(|seam| format!("{}={}", seam.target, lower(seam))).collect(),
            merge.hidden.iter().map(|hidden| format!("{}:{}", hidden.overlay, hidden.path)).collect(),
        )
    }

    #[test]
    fn what_is_spelled_differently_gets_a_seam() {
        for (layers, seams, hidden) in [
            (vec!["a/b/x c", "a/b/y"], vec![], vec![]),
            (vec!["Windows/x", "windows/y"], vec!["windows=0:Windows+1:windows"], vec!["0:Windows"]),
            (
                vec!["Windows/System32/x", "windows/system32/y"],
                vec!["windows=0:Windows+1:windows", "windows/system32=0:Windows/System32+1:windows/system32"],
                vec!["0:Windows", "1:System32"],
            ),
            // Alike above, different below: the seam lies in what the kernel merged.
            (vec!["t/Bin/x", "t/bin/y"], vec!["t/bin=0:t/Bin+1:t/bin"], vec!["0:t/Bin"]),
            // Files: the upper one is seen, in its own spelling.
            (vec!["A.dll", "a.dll"], vec![], vec!["0:a.dll"]),
            // A file hides a directory and all below; a directory below a file does not come back.
            (vec!["X", "x/y"], vec![], vec!["0:x"]),
            (vec!["X/a", "x", "x/b"], vec![], vec!["0:x"]),
            // What lies below such a file is not merged by the kernel either.
            (vec!["D/a", "d", "D/c"], vec!["D=0:D"], vec!["0:d"]),
            // Three layers, the first and the last alike.
            (vec!["D/a", "d/b", "D/c"], vec!["D=0:D+1:d+2:D"], vec!["0:d"]),
            // One layer made on Linux, with both.
            (vec!["D/a d/b", ""], vec!["d=0:D+0:d"], vec!["0:D"]),
            // Letters beyond ASCII.
            (vec!["Ä/a", "ä/b"], vec!["ä=0:Ä+1:ä"], vec!["0:Ä"]),
        ] {
            let expected: (Vec<String>, Vec<String>) = (
                seams.into_iter().map(str::to_owned).collect(),
                hidden.into_iter().map(str::to_owned).collect(),
            );
            assert_eq!(merged(&layers), expected, "{layers:?}");
        }
    }

    #[test]
    fn nobody_makes_us_mount_for_ever() {
        let (mut upper, mut lower) = (String::new(), String::new());
        for number in 0..=SEAMS_MAX {
            upper += &format!("D{number}/x/y ");
            lower += &format!("d{number}/X/y ");
        }
        let layers = [upper.as_str(), lower.as_str()];
        assert_eq!(merge(2, &lister(&layers)).unwrap_err().kind(), ErrorKind::InvalidSpec);
        let deep = "d/".repeat(DEPTH_MAX + 2) + "x";
        let layers = [deep.as_str(), deep.as_str()];
        assert_eq!(merge(2, &lister(&layers)).unwrap_err().kind(), ErrorKind::InvalidSpec);
    }

    #[test]
    fn what_is_mapped_is_spelled_as_the_layers_spell_it() {
        let path = |text: &str| ContainerPath::parse_any("key", text).unwrap();
        let layers = ["Tools/x", "windows/System32/y tools/z"];
        let wanted = [r"C:\Windows\SYSTEM32\new", r"c:\TOOLS\a", r"C:\Data\one", r"C:\data\Two"].map(path);
        let mut spellings = Spellings::of(&wanted, layers.len(), &lister(&layers)).unwrap();
        let spelled = wanted.each_ref().map(|path| spellings.spell(path));
        assert_eq!(spelled, ["windows/System32/new", "tools/a", "Data/one", "Data/Two"]);
        assert_eq!(Spellings::usual().spell(&path(r"C:\program FILES\x")), "Program Files/x");
    }
}
