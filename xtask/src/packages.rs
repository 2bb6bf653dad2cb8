//! Packages of Debian and Ubuntu that a command needs, installed only where what they bring is not there yet.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell::{self, Root};

/// A package, and how one sees that what it brings is there, wherever it came from.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    name: &'static str,
    brings: Brings,
}

#[derive(Debug, Clone, Copy)]
enum Brings {
    Program(&'static str),
    File(&'static str),
    PythonModule(&'static str),
}

const fn program(name: &'static str, program: &'static str) -> Package {
    Package { name, brings: Brings::Program(program) }
}

const fn file(name: &'static str, file: &'static str) -> Package {
    Package { name, brings: Brings::File(file) }
}

/// What running Windows programs takes.
pub const WINE: [Package; 2] = [program("wine", "wine"), file("wine64", crate::windows::WINE)];
/// What fetching the programs of the tests takes.
pub const PIP: [Package; 2] = [
    Package { name: "python3-pip", brings: Brings::PythonModule("pip") },
    file("ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
];
/// What building for Windows takes.
pub const WINDOWS_TOOLCHAIN: [Package; 4] = [
    program("gcc-mingw-w64-x86-64", "x86_64-w64-mingw32-gcc"),
    file("rustc-web", "/usr/bin/rustc"),
    file("cargo-web", "/usr/bin/cargo"),
    file("rust-web-src", "/usr/lib/rustlib/src/rust/library/Cargo.lock"),
];
/// The C compiler for Windows alone.
pub const MINGW: [Package; 1] = [WINDOWS_TOOLCHAIN[0]];
/// What some tests watch the launcher with.
pub const WATCHERS: [Package; 2] = [program("strace", "strace"), PEERS[0]];
/// What gives plain users' containers a second id.
pub const SUBORDINATE_IDS: [Package; 1] = [program("uidmap", "newuidmap")];
/// What the launcher is measured against, beside Wine.
pub const PEERS: [Package; 2] = [program("bubblewrap", "bwrap"), program("runc", "runc")];

/// What making another release's root takes; the keys are those that the archive's lists are held against.
pub const OTHER_RELEASES: [Package; 2] = [
    program("debootstrap", "debootstrap"),
    file("debian-archive-keyring", "/usr/share/keyrings/debian-archive-keyring.gpg"),
];

/// What booting a machine takes, beside its kernel.
pub const MACHINE: [Package; 3] = [
    program("qemu-system-x86", "qemu-system-x86_64"),
    program("busybox-static", "busybox"),
    program("e2fsprogs", "mke2fs"),
];

impl Package {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        self.name
    }

    fn is_there(self) -> bool {
        match self.brings {
            Brings::Program(program) => shell::find(program).is_some(),
            Brings::File(file) => Path::new(file).exists(),
            Brings::PythonModule(module) => {
                shell::read(python(module).args(["-m", module, "--version"])).is_ok()
            }
        }
    }
}

/// Returns the first Python that has the module: the one in `PATH` need not be Debian's.
pub fn python(module: &str) -> Command {
    let has_it =
        |python: &&str| shell::read(Command::new(python).args(["-c", &format!("import {module}")])).is_ok();
    Command::new(["python3", "/usr/bin/python3"].into_iter().find(has_it).unwrap_or("python3"))
}

/// Installs what is missing of `packages`, and returns the names of those that could not be installed, after
/// telling why.
pub fn install(packages: &[Package]) -> Vec<&'static str> {
    let missing = || packages.iter().filter(|p| !p.is_there()).map(|p| p.name).collect::<Vec<_>>();
    let wanted = missing();
    if wanted.is_empty() {
        return wanted;
    }
    println!("missing packages: {}", wanted.join(" "));
    if let Err(error) = install_with_apt(&wanted) {
        println!("cannot install them: {error:#}");
    }
    let left = missing();
    if !left.is_empty() {
        println!("still missing: {}", left.join(" "));
    }
    left
}

/// Fetches the lists of packages.
///
/// # Errors
/// There is no apt-get, we cannot be root, or it fails.
pub fn update() -> Result<()> {
    shell::run(apt()?.args(["--quiet", "update"]))
}

fn apt() -> Result<Command> {
    shell::find("apt-get").context("this machine has no apt-get; install them by its own package manager")?;
    let mut apt = Root::find().command("env").context("we are not root, and sudo does not let us")?;
    apt.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    Ok(apt)
}

fn install_with_apt(names: &[&str]) -> Result<()> {
    update()?;
    let install = |names: &[&str]| {
        shell::run(apt()?.args(["--quiet", "--yes", "--no-install-recommends", "install"]).args(names))
    };
    if install(names).is_err() {
        // One package that this release lacks must not keep the others away; what is left is named by the caller.
        for name in names {
            if let Err(error) = install(&[name]) {
                println!("{error:#}");
            }
        }
    }
    Ok(())
}
