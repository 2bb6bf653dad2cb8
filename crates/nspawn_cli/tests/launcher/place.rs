//! A directory of one test: its configuration, its process directory, and where its launchers keep state.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::programs::{Target, program};
use super::run::run;
use super::who::{Who, is_open_to_all};

/// `config.json`, the process directory `work`, and `root`, which launchers make when they keep state. It lies on the
/// disk of the build directory, so that storage can be limited.
#[derive(Debug)]
pub struct Place {
    directory: TempDir,
    who: Who,
}

impl Place {
    /// Makes a place with an empty process directory, for root.
    pub fn new() -> Self {
        Self::of(Who::Root)
    }

    /// Makes a place whose process directory holds `program` under its own name, for root.
    pub fn with(program: &Path) -> Self {
        Self::of(Who::Root).holding(program)
    }

    /// Makes a place with an empty process directory.
    pub fn of(who: Who) -> Self {
        let named = tempfile::Builder::new().prefix("place-").to_owned();
        let directory = match who {
            Who::Root => named.tempdir_in(scratch()),
            // Where every user may go, as below the build's directory may not be.
            Who::Plain => named.tempdir(),
        };
        let place = Self { directory: directory.unwrap(), who };
        fs::create_dir(place.work()).unwrap();
        place
    }

    /// Puts `program` into the process directory under its own name.
    pub fn holding(self, program: &Path) -> Self {
        self.put(program, program.file_name().unwrap().to_str().unwrap());
        self
    }

    /// Returns where launchers of Windows programs keep state: making a base layer takes seconds, so there is one for
    /// all. A plain user has a copy of it.
    pub fn windows_root(&self) -> PathBuf {
        if self.who == Who::Root {
            return shared_root();
        }
        let base = self.root().join("data/base");
        if !base.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(self.root().join("data")).unwrap();
            let mut cp = Command::new("cp");
            cp.arg("--archive").args([base_of_all(), &base]);
            assert!(cp.status().unwrap().success());
            self.who.own(&self.root());
        }
        self.root()
    }

    /// Returns the path of something in the place.
    pub fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
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
        self.hand_over();
        let mut launcher = self.ours();
        launcher.arg("--config").arg(config).arg("--root").arg(root);
        launcher.arg("--report").arg(self.at("report.json"));
        launcher
    }

    /// Returns the launcher without arguments.
    pub fn ours(&self) -> Command {
        let mut launcher = self.who.command(self.binary());
        if self.who == Who::Plain {
            launcher.env("HOME", self.directory.path());
        }
        launcher
    }

    /// Gives state that a test made to who starts containers.
    pub fn own_state(&self) {
        self.who.own(&self.root());
    }

    /// Returns the launcher's file, at a place where who starts it may read it.
    fn binary(&self) -> PathBuf {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_hostcompute_nspawn"));
        if self.who == Who::Root || is_open_to_all(&built) {
            return built;
        }
        let copy = self.at("launcher");
        if !copy.exists() {
            // By another process: what we write, a test that forks at that moment holds open, and then it cannot be
            // executed.
            assert!(Command::new("cp").arg(built).arg(&copy).status().unwrap().success());
        }
        copy
    }

    /// Gives what lies here to who starts containers; state is his already, as his launchers made it.
    pub fn hand_over(&self) {
        for entry in fs::read_dir(self.directory.path()).unwrap() {
            let path = entry.unwrap().path();
            if path != self.root() {
                self.who.own(&path);
            }
        }
        self.who.own_itself(self.directory.path());
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

/// Returns the base layers in the shared root, making that of the host's Wine where there is none.
fn base_of_all() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| {
        let place = Place::with(&program(Target::Windows, "launcher/nothing.c"));
        place.configure("nothing.exe", json!({}));
        run(&mut place.launcher(&shared_root())).succeeded();
        shared_root().join("data/base")
    })
}

/// Returns the directory of the build in which tests may keep files.
pub fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
