//! A container to be run under Wine, on the DLLs that stand in for the Host Compute Service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::WINE;

/// What the program of a job exits with.
pub const EXIT_CODE: u32 = 7;

/// A directory of the host with all that a launch takes, and where the stand-in keeps its state.
#[derive(Debug)]
pub struct Job {
    /// The config: its program exits with [`EXIT_CODE`].
    pub config: PathBuf,
    /// Where launchers keep their state.
    pub state: PathBuf,
    /// Where the stand-in keeps its own.
    service: PathBuf,
    prefix: PathBuf,
}

impl Job {
    /// Makes it anew: a layer upon a base layer, a process directory with the stand-in's program, and the config.
    ///
    /// # Errors
    /// The disk's refusal.
    pub fn prepare(place: &Path, prefix: &Path) -> Result<Self> {
        if place.exists() {
            fs::remove_dir_all(place).with_context(|| format!("cannot remove {}", place.display()))?;
        }
        let at = |name: &str| place.join(name);
        for name in ["layers/base", "layers/app", "work", "state", "service"] {
            fs::create_dir_all(at(name)).with_context(|| format!("cannot make {}", at(name).display()))?;
        }
        let program = super::built()?.join("standin_program.exe");
        let program = fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
        let config = json!({
            "parent_layer_directory": windows_path(&at("layers/app")),
            "process_directory": windows_path(&at("work")),
            "process_executable": "program.exe",
            "process_arguments": ["exit", EXIT_CODE.to_string()],
            "mapped_directory": "C:/work",
            "stdout_filename": "said.txt",
        });
        let chain = json!([windows_path(&at("layers/base"))]);
        for (name, bytes) in [
            ("work/program.exe", program),
            ("layers/app/layerchain.json", chain.to_string().into_bytes()),
            ("config.json", config.to_string().into_bytes()),
        ] {
            fs::write(at(name), bytes).with_context(|| format!("cannot write {}", at(name).display()))?;
        }
        let (config, state, service) = (at("config.json"), at("state"), at("service"));
        Ok(Self { config, state, service, prefix: prefix.to_owned() })
    }

    /// Returns a command that runs a program where the job's stand-in is the service.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = command(&self.prefix, program);
        command.env("NSPAWN_STANDIN", windows_path(&self.service));
        command
    }

    /// Returns the names of the service's functions that were called so far, in their order.
    ///
    /// # Errors
    /// Nothing was called, or what was noted cannot be read.
    pub fn calls(&self) -> Result<Vec<String>> {
        let file = self.service.join("calls.jsonl");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = |line: &str| {
            let call: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(call["call"].as_str()?.to_owned())
        };
        text.lines().map(|line| name(line).with_context(|| format!("no call: {line}"))).collect()
    }
}

/// Returns a path as Wine has it, whose drive Z is the host's root.
pub fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// Returns a command that runs a program in a Wine prefix.
pub fn command(prefix: &Path, program: &Path) -> Command {
    let mut command = Command::new(WINE);
    command.arg(program).env("WINEPREFIX", prefix).env("WINEDEBUG", "-all");
    command
}
