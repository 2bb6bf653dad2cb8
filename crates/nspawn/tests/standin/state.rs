//! The state of the stand-in, as a test sees it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The environment variable that names the state's directory.
pub const VARIABLE: &str = "NSPAWN_STANDIN";

/// The state of the service.
#[derive(Debug, Clone)]
pub struct Standin(PathBuf);

/// A call that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function.
    pub name: String,
    /// What it was given.
    pub arguments: Value,
    /// What it returned: a code; null where it has not returned, and `void` where it returns nothing.
    pub result: Value,
}

impl Standin {
    /// Takes the state that this process has; `None` where it has none.
    pub fn from_environment() -> Option<Self> {
        std::env::var_os(VARIABLE).map(|root| Self(root.into()))
    }

    /// Takes the state in a directory.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// Returns its directory.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Returns all calls so far.
    pub fn calls(&self) -> Vec<Call> {
        let text = fs::read_to_string(self.0.join("calls.jsonl")).unwrap_or_default();
        let call = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let name = line["call"].as_str().unwrap().to_owned();
            Call { name, arguments: line["arguments"].take(), result: line["result"].take() }
        };
        text.lines().map(call).collect()
    }

    /// Forgets all calls so far, and makes coming ones go wrong as `faults` say (service/src/fault.rs).
    pub fn begin(&self, faults: &Value) {
        for (file, text) in [("calls.jsonl", String::new()), ("faults.json", faults.to_string())] {
            fs::write(self.0.join(file), text).unwrap();
        }
    }

    /// Has callers taken for the SYSTEM account.
    pub fn become_system(&self) {
        fs::write(self.0.join("account"), "SYSTEM").unwrap();
    }

    /// Puts a system there that runs although nobody has a handle to it, made to outlive its maker, and its scratch
    /// layer, mounted.
    pub fn leave(&self, id: &str, scratch: &Path) {
        let system = self.0.join("systems").join(id);
        let layer = scratch.to_str().unwrap().to_lowercase();
        let record = json!({
            "id": id, "state": "Running", "exit": null, "processes": [], "layer": layer,
            "wanted": {
                "family": "V1", "owner": "hostcompute_nspawn", "volume": "", "mappings": [],
                "ends_with_last_handle": false,
            },
            "used": {"user_100ns": 0, "kernel_100ns": 0, "commit_peak": 0},
        });
        let mut stages = self.stages();
        stages[&layer] = json!("Prepared");
        fs::create_dir_all(system.join("holders")).unwrap();
        fs::create_dir_all(scratch).unwrap();
        for (file, text) in [
            (system.join("record.json"), record.to_string()),
            (scratch.join("sandbox.vhdx"), String::new()),
            (self.0.join("layers.json"), stages.to_string()),
        ] {
            fs::write(file, text).unwrap();
        }
    }

    /// Returns how far each attached layer is, by its path in small letters.
    fn stages(&self) -> Value {
        let text = fs::read_to_string(self.0.join("layers.json")).unwrap_or_else(|_| "{}".to_owned());
        serde_json::from_str(&text).unwrap()
    }

    /// Returns the systems that are there, and the layers that are attached.
    pub fn left(&self) -> Vec<String> {
        let systems = fs::read_dir(self.0.join("systems")).into_iter().flatten();
        let names = systems.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let stages = self.stages();
        let attached =
            stages.as_object().unwrap().iter().map(|(path, stage)| format!("layer {path}: {stage}"));
        names.map(|name| format!("system {name}")).chain(attached).collect()
    }
}
