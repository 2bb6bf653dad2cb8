//! The programs that the launcher is measured against, each doing the same job.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::filters;
use super::measure::Contender;
use super::subjects::{self, Limits};
use crate::shell;
use crate::windows::prefix;

/// Wine without a container, with a prefix that is ready and a wineserver that is not.
#[derive(Debug)]
pub struct Wine {
    prefix: PathBuf,
}

impl Wine {
    /// Makes the prefix where it is absent.
    ///
    /// # Errors
    /// Wine fails.
    pub fn prepare(prefix: PathBuf) -> Result<Self> {
        prefix::make(&prefix)?;
        let wine = Self { prefix };
        wine.stop()?;
        Ok(wine)
    }

    /// Returns Wine running a program, its wineserver ended after each run.
    pub fn contender(&self, program: Vec<OsString>) -> Contender {
        let (run, settle) = (Self { prefix: self.prefix.clone() }, Self { prefix: self.prefix.clone() });
        Contender::new("wine", move |_| {
            let mut command = prefix::wine(&run.prefix);
            command.args(&program);
            Ok(command)
        })
        .settled_by(move || settle.stop())
    }

    /// Ends the prefix's wineserver and waits until it is gone.
    fn stop(&self) -> Result<()> {
        // `-k` fails where none runs, and that is as good.
        let _ = wineserver(&self.prefix).arg("-k").stderr(Stdio::null()).status();
        let status = wineserver(&self.prefix).arg("-w").status().context("cannot run wineserver")?;
        if !status.success() {
            bail!("wineserver -w failed: {status}");
        }
        Ok(())
    }
}

fn wineserver(prefix: &Path) -> Command {
    let server = shell::find("wineserver").unwrap_or_else(|| "/usr/lib/wine/wineserver64".into());
    let mut command = Command::new(server);
    command.env("WINEPREFIX", prefix);
    command
}

/// Walls around a program besides namespaces for processes, mounts and the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walls {
    /// None.
    Plain,
    /// A user namespace, and our system call filters.
    Like,
}

/// Returns bubblewrap running the native program in namespaces like ours.
///
/// # Errors
/// The filters cannot be made.
pub fn bubblewrap(native: &Path, walls: Walls) -> Result<Contender> {
    let native = native.to_owned();
    let filters = if walls == Walls::Like { filters::write(&native)? } else { Vec::new() };
    let name = if walls == Walls::Like { "bwrap with filters" } else { "bwrap" };
    Ok(Contender::new(name, move |_| {
        let mut command = Command::new("bwrap");
        command.args(["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net"]);
        if walls == Walls::Like {
            command.args(["--unshare-user", "--uid", "1000", "--gid", "1000"]);
        }
        for filter in &filters {
            // Taken by bubblewrap, and closed with its process.
            command.arg("--add-seccomp-fd").arg(filters::inherited(filter)?.to_string());
        }
        command.arg("--ro-bind").arg(&native).arg("/bench");
        command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/bench"]);
        command.arg("/bench/native");
        Ok(command)
    }))
}

/// runc running the native program.
#[derive(Debug)]
pub struct Runc {
    bundle: PathBuf,
}

impl Runc {
    /// Writes the bundle: the directory of the native program as root file system.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn prepare(bundle: PathBuf, native: &Path, limits: Limits) -> Result<Self> {
        // runc makes the mount points in the root file system: not in the directory that the others run from.
        let root = bundle.join("rootfs");
        fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
        let program = root.join("native");
        fs::copy(native.join("native"), &program)
            .with_context(|| format!("cannot make {}", program.display()))?;
        subjects::write(&bundle.join("config.json"), &config(limits))?;
        Ok(Self { bundle })
    }

    /// Returns runc running the bundle.
    pub fn contender(&self) -> Contender {
        let bundle = self.bundle.clone();
        Contender::new("runc", move |number| {
            let mut command = Command::new(shell::find("runc").context("runc is not installed")?);
            command.arg("--root").arg(bundle.join("run"));
            command.arg("run").arg("--bundle").arg(&bundle).arg(format!("nspawn_bench_{number}"));
            Ok(command)
        })
    }
}

/// An OCI runtime configuration with the namespaces and mounts that our own containers have.
fn config(limits: Limits) -> Value {
    let mount = |destination: &str, kind: &str| json!({ "destination": destination, "type": kind, "source": kind, "options": ["nosuid", "noexec"] });
    let namespaces = ["pid", "mount", "ipc", "uts", "network"].map(|kind| json!({ "type": kind }));
    let mut config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": ["/native"],
            "env": ["PATH=/"],
            "cwd": "/",
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": true },
        "mounts": [mount("/proc", "proc"), mount("/dev", "tmpfs"), mount("/tmp", "tmpfs")],
        "linux": {
            "namespaces": namespaces,
        },
    });
    if limits == Limits::Some {
        let period = 100_000;
        config["linux"]["resources"] = json!({
            "memory": { "limit": Limits::MEMORY_MB << 20 },
            "cpu": { "quota": Limits::PROCESSORS * period, "period": period },
        });
    }
    config
}
