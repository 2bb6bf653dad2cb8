//! A place on the host for the containers of one test.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::PROGRAM;

/// A directory:
///
/// ```text
/// work/program.exe    the stand-in's program; mapped as C:\work
/// layers/base         a base layer
/// layers/app          a layer upon it
/// root/{run,data}     what we keep
/// ```
#[derive(Debug)]
pub struct Place(TempDir);

impl Place {
    /// Makes it.
    pub fn new() -> Self {
        // Letters and digits only, as the name becomes that of a container.
        let place = Self(tempfile::Builder::new().prefix("nt").tempdir().unwrap());
        for directory in ["work", "layers/base", "layers/app"] {
            fs::create_dir_all(place.at(directory)).unwrap();
        }
        let chain = json!([place.at("layers").join("base")]).to_string();
        fs::write(place.at("layers/app/layerchain.json"), chain).unwrap();
        place.put(Path::new(PROGRAM), "program.exe");
        place
    }

    /// Returns a name that nothing else on this host has.
    pub fn tag(&self) -> &str {
        self.0.path().file_name().unwrap().to_str().unwrap()
    }

    /// Returns a path in it.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    /// Returns the directory that is mapped into containers.
    pub fn work(&self) -> PathBuf {
        self.at("work")
    }

    /// Puts a program, `path` below the mapped directory.
    pub fn put(&self, program: &Path, path: &str) {
        let to = self.work().join(path);
        // A link to a program that runs elsewhere could not be removed.
        fs::copy(program, to).unwrap();
    }

    /// Returns a configuration: the program with these arguments, and `changes`, of which null takes a key away.
    pub fn config(&self, arguments: &[&str], changes: &Value) -> Value {
        let mut config = json!({
            "parent_layer_directory": self.at("layers").join("app"),
            "process_directory": self.work(),
            "process_executable": "program.exe",
            "process_arguments": arguments,
            "mapped_directory": "C:/work",
            "stdout_filename": "said.txt",
            "name": self.tag(),
        });
        let keys = config.as_object_mut().unwrap();
        keys.extend(changes.as_object().unwrap().clone());
        keys.retain(|_, value| !value.is_null());
        config
    }

    /// Returns what a program wrote to its `stdout_filename`, lines ended as on Unix.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.work().join("said.txt")).unwrap_or_default())
            .replace("\r\n", "\n")
    }

    /// Returns where the scratch layer of a container lies.
    pub fn scratch(&self, id: &str) -> PathBuf {
        // One name at a time: the stand-in knows a layer by its path as it is written.
        ["root", "data", "scratch", id].iter().fold(self.0.path().to_owned(), |path, name| path.join(name))
    }

    /// Returns what is left below `root`.
    pub fn left(&self) -> Vec<String> {
        self.left_below("root")
    }

    /// Returns what containers left where state is kept: all that lies among the scratch layers, attached or not, and
    /// the containers that somebody claimed, beside the lock of all.
    pub fn left_below(&self, root: &str) -> Vec<String> {
        let names = |directory: &str| {
            let entries = fs::read_dir(self.at(root).join(directory)).into_iter().flatten();
            let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
            names.map(|name| format!("{root}/{directory}/{name}")).collect::<Vec<_>>()
        };
        let claimed = names("run").into_iter().filter(|path| !path.ends_with("/collect"));
        claimed.chain(names("data/scratch")).collect()
    }
}
