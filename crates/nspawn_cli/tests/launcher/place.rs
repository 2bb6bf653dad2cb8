//! A directory of one test: its configuration, its process directory, and where its launchers keep state.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

/// `config.json`, the process directory `work`, and `root`, which launchers make when they keep state. It lies on the
/// disk of the build directory, so that storage can be limited.
#[derive(Debug)]
pub struct Place(TempDir);

impl Place {
    /// Makes a place with an empty process directory.
    pub fn new() -> Self {
        let place = Self(tempfile::Builder::new().prefix("place-").tempdir_in(scratch()).unwrap());
        fs::create_dir(place.work()).unwrap();
        place
    }

    /// Makes a place whose process directory holds `program` under its own name.
    pub fn with(program: &Path) -> Self {
        let place = Self::new();
        place.put(program, program.file_name().unwrap().to_str().unwrap());
        place
    }

    /// Returns the path of something in the place.
    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns the process directory.
    pub fn work(&self) -> PathBuf {
        self.at("work")
    }

    /// Returns where launchers of this place alone keep state.
    pub fn root(&self) -> PathBuf {
        self.at("root")
    }

    /// Puts a copy of a program, `path` below the process directory.
    pub fn put(&self, program: &Path, path: &str) {
        let target = self.work().join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(program, target).unwrap();
    }

    /// Writes the configuration: the program and `changes`, of which null takes a key away.
    pub fn configure(&self, program: &str, changes: Value) {
        fs::write(self.at("config.json"), self.config(program, changes).to_string()).unwrap();
    }

    /// Returns what [`configure`](Self::configure) writes.
    pub fn config(&self, program: &str, changes: Value) -> Value {
        let mut config = json!({
            "process_directory": self.work(),
            "process_executable": program,
            "mapped_directory": "C:/work",
        });
        for (key, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => config.as_object_mut().unwrap().remove(key),
                _ => config.as_object_mut().unwrap().insert(key.clone(), value.clone()),
            };
        }
        config
    }

    /// Returns the command that launches the configuration. State is kept at `root`; the report goes to
    /// `report.json`.
    pub fn launcher(&self, root: &Path) -> Command {
        self.launcher_of(&self.at("config.json"), root)
    }

    /// Returns the command that launches another configuration.
    pub fn launcher_of(&self, config: &Path, root: &Path) -> Command {
        let mut launcher = Command::new(env!("CARGO_BIN_EXE_hostcompute_nspawn"));
        launcher.arg("--config").arg(config).arg("--root").arg(root);
        launcher.arg("--report").arg(self.at("report.json"));
        launcher
    }

    /// Returns the last run's report.
    pub fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(self.at("report.json")).unwrap()).unwrap()
    }
}

/// Returns a root that all Windows programs of these tests share: making its base layer takes seconds.
pub fn shared_root() -> PathBuf {
    scratch().join("walls_state")
}

/// Returns the directory of the build in which tests may keep files.
pub fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
