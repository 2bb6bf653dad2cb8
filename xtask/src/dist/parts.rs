//! Builds what is given to users, so that the bytes depend on source and toolchain alone: paths of this machine are
//! replaced, and no time gets in.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::notices;
use super::tidy::tidied;
use crate::{agent, executable, launcher, shell};

/// A checkout and a place to build it in.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The root of the workspace.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
}

/// The programs and libraries for one system.
#[derive(Debug)]
pub struct Parts {
    /// The launcher.
    pub program: Vec<u8>,
    /// The shared C library.
    pub shared: Vec<u8>,
    /// The static C library.
    pub archive: Vec<u8>,
    /// What a linker takes for the shared one; on Linux that is itself.
    pub import: Option<Vec<u8>>,
    /// What others ask to go along.
    pub notices: String,
}

impl Workshop {
    /// Builds for Linux: the launcher static, the library for programs that are not.
    ///
    /// # Errors
    /// Cargo fails.
    pub fn linux(&self) -> Result<(Parts, PathBuf)> {
        let sysroot = shell::read(Command::new("rustc").args(["--print", "sysroot"]))?;
        // The compiler names its own sources where they are installed, else by this.
        let commit = shell::read(Command::new("rustc").arg("-vV"))?;
        let commit = commit.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
        let sources = (Path::new(&sysroot).join("lib/rustlib/src/rust"), format!("/rustc/{commit}"));
        for (package, flags) in [("nspawn_cli", "-Ctarget-feature=+crt-static "), ("nspawn_capi", "")] {
            let mut cargo = shell::cargo();
            let flags = format!("{flags}{}", self.remapped(std::slice::from_ref(&sources))?);
            cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", flags);
            cargo.args(["build", "--target", launcher::TARGET]);
            self.build(&mut cargo, &[package])?;
        }
        let made = self.target.join(launcher::TARGET).join("release");
        let program = made.join("hostcompute_nspawn");
        let parts = Parts {
            program: self.read(&program)?,
            shared: self.read(&made.join("libhostcompute_nspawn.so"))?,
            archive: self.read(&tidied("", &made)?)?,
            import: None,
            notices: notices::text(shell::cargo(), &self.root, launcher::TARGET)?,
        };
        Ok((parts, program))
    }

    /// Builds for Windows.
    ///
    /// # Errors
    /// Cargo fails, or what it made does not run on every Windows.
    pub fn windows(&self) -> Result<Parts> {
        let mut cargo = agent::cargo();
        let flags = format!("-Clink-arg=-Wl,--no-insert-timestamp {}", self.remapped(&[])?);
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS", flags);
        cargo.args(["build", "-Zbuild-std=std,panic_unwind", "--target", agent::TARGET]);
        self.build(&mut cargo, &["nspawn_cli", "nspawn_capi"])?;
        let made = self.target.join(agent::TARGET).join("release");
        let parts = Parts {
            program: self.read(&made.join("hostcompute_nspawn.exe"))?,
            shared: self.read(&made.join("hostcompute_nspawn.dll"))?,
            archive: self.read(&tidied("x86_64-w64-mingw32-", &made)?)?,
            import: Some(self.read(&made.join("libhostcompute_nspawn.dll.a"))?),
            notices: notices::text(agent::cargo(), &self.root, agent::TARGET)?,
        };
        for (what, file) in [("program", &parts.program), ("library", &parts.shared)] {
            executable::check_imports(file).with_context(|| format!("the {what} for Windows"))?;
        }
        executable::check_version(&parts.shared, super::VERSION).context("the library for Windows")?;
        let good = executable::check_resources(&parts.program, super::VERSION);
        good.and_then(|()| executable::check_size(&parts.program)).context("the program for Windows")?;
        Ok(parts)
    }

    fn build(&self, cargo: &mut Command, packages: &[&str]) -> Result<()> {
        cargo.args(["--release", "--locked"]).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        for package in packages {
            cargo.args(["--package", package]);
        }
        shell::run(cargo)
    }

    /// Returns the compiler's flags that replace paths, those of `more` too.
    fn remapped(&self, more: &[(PathBuf, String)]) -> Result<String> {
        // The last that fits is taken, so what lies in another comes after it.
        let ours = [
            (cargo_home()?, "/cargo".to_owned()),
            (self.root.clone(), "/hostcompute_nspawn".to_owned()),
            (self.target.clone(), "/target".to_owned()),
        ];
        let flags =
            ours.iter().chain(more).map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
        let flags = flags.collect::<Vec<_>>();
        ensure!(
            flags.iter().all(|flag| !flag.contains(' ')),
            "a path holds a space, which flags cannot: {flags:?}"
        );
        Ok(flags.join(" "))
    }

    /// Reads what was built, and makes sure that no path of this machine is in it.
    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        for place in [&self.root, &self.target, &cargo_home()?] {
            let name = place.as_os_str().as_encoded_bytes();
            let found = bytes.windows(name.len()).any(|window| window == name);
            ensure!(!found, "{} holds the path {}", path.display(), place.display());
        }
        Ok(bytes)
    }
}

/// Returns where cargo keeps the sources of packages.
fn cargo_home() -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    home.or_else(usual).context("neither CARGO_HOME nor HOME is set")
}
