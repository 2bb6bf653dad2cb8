//! A user without any right, who has a home.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::launcher::machine::{Need, has, skip};
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A number that no user of a host has.
pub const UID: u32 = 54321;
/// The first of his subordinate ids.
pub const SUBORDINATE: u32 = 700_000;

/// How many ids a plain user can have in a namespace of his own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// He is nobody that the host's files know.
    One,
    /// He has a name, and what [`User::files`] give him.
    Two,
}

/// A plain user.
#[derive(Debug)]
pub struct User {
    home: TempDir,
    /// What this host has of ids for him.
    pub ids: Ids,
    /// What /etc/subuid and /etc/subgid say, where he has two.
    pub files: [String; 2],
    /// A command before the launcher's own, which runs that.
    pub before: Vec<String>,
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
        let files = [(); 2].map(|()| format!("plain:{SUBORDINATE}:65536\n"));
        let user = Self { home, ids: Ids::One, files, before: Vec::new() };
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

    /// Makes one who has so many ids.
    pub fn with_ids(test: &str, target: Target, source: &str, ids: Ids) -> Option<Self> {
        let mut user = Self::with(test, target, source)?;
        user.ids = ids;
        let programs = ["newuidmap", "newgidmap"].map(|program| Path::new("/usr/bin").join(program));
        let there = |path: &Path| path.exists();
        if ids == Ids::Two
            && !(programs.iter().all(|path| there(path))
                && ["/etc/subuid", "/etc/subgid"].map(Path::new).into_iter().all(there))
        {
            skip(test, "needs newuidmap and newgidmap (package uidmap), and /etc/subuid and /etc/subgid");
            return None;
        }
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
        let setpriv = ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups", "--"];
        let mut command = match self.ids {
            Ids::One => Command::new("env"),
            Ids::Two => self.with_files(),
        };
        command.args(setpriv).args(&self.before).arg(program);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("HOME", self.home.path());
        command.current_dir("/");
        command
    }

    /// Returns a command that runs its arguments where the host's files know him: in a mount namespace of its own.
    fn with_files(&self) -> Command {
        let mut passwd = fs::read_to_string("/etc/passwd").unwrap();
        passwd.push_str(&format!("plain:x:{UID}:{UID}::/:/bin/sh\n"));
        let [subuid, subgid] = &self.files;
        let mut script = "set -e; ".to_owned();
        for (name, text) in [("passwd", &passwd), ("subuid", subuid), ("subgid", subgid)] {
            let file = self.at(name);
            fs::write(&file, text).unwrap();
            self.own(&file);
            script.push_str(&format!("mount --bind {} /etc/{name}; ", file.display()));
        }
        script.push_str("exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh"]);
        command
    }

    /// Runs a program that does not end, and kills its launcher once the program runs.
    pub fn run_and_kill_the_launcher(&self, changes: Value) {
        let mut command = self.launcher(&["said", "wait"], changes);
        let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while !self.at("work/made.txt").exists() {
            assert!(began.elapsed() < PATIENCE, "the program does not begin");
            sleep(Duration::from_millis(5));
        }
        // Whatever it went through, each executed the next: this is the launcher.
        running.kill().unwrap();
        running.wait().unwrap();
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
