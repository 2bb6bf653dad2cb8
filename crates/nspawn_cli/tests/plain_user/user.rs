//! A user without any right, who has a home.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::launcher::machine::{Need, has, skip};
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};

/// A number that no user of a host has.
pub const UID: u32 = 54321;

/// A plain user.
#[derive(Debug)]
pub struct User {
    home: TempDir,
}

impl User {
    /// Makes one, with a program in his directory `work`; says which test is skipped where that is not possible.
    pub fn with(test: &str, target: Target, source: &str) -> Option<Self> {
        let mut needs = vec![Need::Root, Need::Compiler(target)];
        needs.extend((target == Target::Windows).then_some(Need::Wine));
        if !has(test, &[&needs]) {
            return None;
        }
        // Where every user may go, as below the build's directory may not be.
        let home = tempfile::tempdir().unwrap();
        let user = Self { home };
        let works = user.command("unshare").args(["--user", "--map-root-user", "--mount", "true"]).output();
        if !works.is_ok_and(|output| output.status.success()) {
            skip(test, "needs setpriv and unshare, and user namespaces for plain users");
            return None;
        }
        fs::create_dir(user.work()).unwrap();
        user.put(&program(target, source), "work/program.exe");
        user.put(Path::new(env!("CARGO_BIN_EXE_hostcompute_nspawn")), "launcher");
        user.own(user.home.path());
        Some(user)
    }

    /// Returns a path below his home.
    pub fn at(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// Returns the directory that is mapped.
    pub fn work(&self) -> PathBuf {
        self.at("work")
    }

    fn put(&self, from: &Path, to: &str) {
        // By another process: what we write, a test that forks at that moment holds open, and then it cannot be executed.
        assert!(Command::new("cp").arg(from).arg(self.at(to)).status().unwrap().success());
        fs::set_permissions(self.at(to), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Gives him all below a directory.
    pub fn own(&self, directory: &Path) {
        chown(directory, Some(UID), Some(UID)).unwrap();
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => self.own(&path),
                false => chown(&path, Some(UID), Some(UID)).unwrap(),
            }
        }
    }

    /// Returns a command that he runs.
    fn command(&self, program: &str) -> Command {
        let id = UID.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--", program]);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("HOME", self.home.path());
        command.current_dir("/");
        command
    }

    /// Returns the command by which he runs the program with `arguments`.
    pub fn launcher(&self, arguments: &[&str], changes: Value) -> Command {
        let mut config = json!({
            "process_directory": self.work(),
            "process_executable": "program.exe",
            "process_arguments": arguments,
            "mapped_directory": "c:/work",
        });
        let changes = changes.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(changes);
        fs::write(self.at("config.json"), config.to_string()).unwrap();
        let mut command = self.ours("--config");
        command.arg(self.at("config.json")).arg("--report").arg(self.at("report.json"));
        command
    }

    fn ours(&self, argument: &str) -> Command {
        let mut command = self.command(self.at("launcher").to_str().unwrap());
        command.arg(argument);
        command
    }

    /// Runs the program.
    pub fn run(&self, arguments: &[&str], changes: Value) -> Ran {
        run(&mut self.launcher(arguments, changes))
    }

    /// Clears up, and returns what was said.
    pub fn collect(&self) -> Ran {
        run(&mut self.ours("gc"))
    }

    /// Asks what this host can do for him.
    pub fn examine(&self) -> Ran {
        run(self.ours("doctor").arg("--json"))
    }

    /// Returns the report of the last run.
    pub fn report(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.at("report.json")).unwrap()).unwrap()
    }

    /// Returns what is left of containers.
    pub fn left(&self) -> Vec<String> {
        let data = self.at(".local/share/hostcompute_nspawn");
        let names = ["run", "scratch"].map(|directory| data.join(directory));
        let entries = names.iter().flat_map(|directory| fs::read_dir(directory).into_iter().flatten());
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("nspawn_")).collect()
    }
}
