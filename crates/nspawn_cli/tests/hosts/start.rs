//! A start on a host that lacks something.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::case::Case;
use crate::launcher::place::Place;
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};
use crate::table::{Kernel, Lack};

/// A place with a program that tells its credentials.
pub struct Start {
    pub place: Place,
    case: Case,
    deny: PathBuf,
}

impl Start {
    pub fn new(case: Case) -> Self {
        let probe = program(case.target, "isolation/programs/probe.c");
        let deny = program(Target::Native, "hosts/deny.c");
        Self { place: Place::of(case.who).holding(&probe), case, deny }
    }

    /// Returns where its launchers keep state.
    pub fn root(&self) -> PathBuf {
        match self.case.target {
            Target::Native => self.place.root(),
            Target::Windows => self.place.windows_root(),
        }
    }

    /// Runs the program where something lacks.
    pub fn run(&self, lack: &Lack) -> Ran {
        let mut changes: Value = serde_json::from_str(lack.config).unwrap();
        changes["process_arguments"] = json!(["walls"]);
        changes["services"] = json!("none");
        let name = match self.case.target {
            Target::Native => "probe",
            Target::Windows => "probe.exe",
        };
        self.place.configure(name, changes);
        let root = self.root();
        self.run_there(lack, &self.place.launcher(&root))
    }

    /// Asks what the host can do where something lacks.
    pub fn ask_doctor(&self, lack: &Lack) -> Ran {
        self.place.hand_over();
        let mut doctor = self.place.ours();
        doctor.arg("doctor").arg("--root").arg(self.root());
        self.run_there(lack, &doctor)
    }

    fn run_there(&self, lack: &Lack, launcher: &Command) -> Ran {
        let mut command = Command::new("unshare");
        // The place comes first, and its root.
        let script = format!("place=$1 root=$2; shift 2\n{}\nexec \"$@\"", lack.preparation);
        command.args(["--mount", "sh", "-ec", &script, "sh"]).args([&self.place.at(""), &self.root()]);
        match lack.kernel {
            Kernel::Whole => {}
            Kernel::Calls(calls) => {
                let rules = calls.iter().map(|(call, errno)| format!("{call}={errno}"));
                command.arg(&self.deny).args(rules).arg("--");
            }
            Kernel::UserNamespaces => {
                let forbid = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"";
                command.args(["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", forbid, "sh"]);
            }
            Kernel::Overlays => {
                let rule = format!("inject=fsopen:error=ENODEV:when={}", self.overlay(launcher));
                command.args([
                    "strace",
                    "-f",
                    "-qq",
                    "-o",
                    "/dev/null",
                    "-e",
                    "trace=fsopen",
                    "-e",
                    &rule,
                    "--",
                ]);
            }
        }
        command.arg(launcher.get_program()).args(launcher.get_args());
        for (name, value) in launcher.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        run(&mut command)
    }

    /// Returns the how-manieth file system of its thread the first overlay is, by a traced start.
    fn overlay(&self, launcher: &Command) -> usize {
        let trace = self.place.at("trace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-e", "trace=fsopen", "-o"]).arg(&trace).arg("--");
        run(strace.arg(launcher.get_program()).args(launcher.get_args())).succeeded();
        let trace = fs::read_to_string(trace).unwrap();
        let calls: Vec<(&str, &str)> = trace.lines().filter_map(|line| line.split_once(' ')).collect();
        let first = calls.iter().position(|(_, call)| call.contains("\"overlay\"")).unwrap();
        calls[..=first].iter().filter(|(thread, _)| *thread == calls[first].0).count()
    }

    /// Returns what is left of containers of this place: state and processes.
    pub fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for directory in ["run", "data/scratch"] {
            for entry in fs::read_dir(self.place.root().join(directory)).into_iter().flatten() {
                left.push(entry.unwrap().path().display().to_string());
            }
        }
        left.retain(|path| path.contains("nspawn_"));
        let place = self.place.at("config.json").display().to_string();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&place) {
                left.push(entry.path().display().to_string());
            }
        }
        left
    }
}
