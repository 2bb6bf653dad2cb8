//! A root of another release of Debian.
//!
//! ```text
//! <target>/nspawn/hosts/<suite>/          the root, of root's
//! <target>/nspawn/hosts/<suite>/scratch   what tests write there
//! <target>/nspawn/hosts/<suite>.made      what it was made of, when it was whole
//! ```

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::packages::{self, Package};
use crate::shell::{self, Root};

/// What runs commands there.
const ENTER: &str = include_str!("enter.sh");
/// Where commands are looked for there.
pub const PATH: &str = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

/// The smallest root that has apt.
const VARIANT: &str = "--variant=minbase";

/// By which the archive's lists are verified.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A release, unpacked.
#[derive(Debug)]
pub struct Release {
    /// The archive's name for it.
    pub suite: String,
    root: PathBuf,
    target: PathBuf,
}

impl Release {
    /// Makes the root of `suite` where there is none, with the newest of what tests need that the suite has.
    ///
    /// # Errors
    /// We cannot be root, `mirror` has no such suite, its lists are not Debian's, or it lacks a package.
    pub fn make(suite: &str, target: &Path, mirror: &str) -> Result<Self> {
        let is_name = suite.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        ensure!(is_name && !suite.is_empty(), "this is no name of a suite: {suite}");
        let directory = target.join("nspawn/hosts");
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let (root, mark) = (directory.join(suite), directory.join(format!("{suite}.made")));
        let key = format!("{VARIANT} {mirror}\n");
        if !root.is_dir() || fs::read_to_string(&mark).ok().as_ref() != Some(&key) {
            let _ = fs::remove_file(&mark);
            remove(&root)?;
            let mut debootstrap = as_root("debootstrap")?;
            debootstrap.arg(VARIANT).arg(format!("--keyring={KEYS}")).arg(suite).arg(&root).arg(mirror);
            shell::run(&mut debootstrap)?;
            fs::write(&mark, key).with_context(|| format!("cannot write {}", mark.display()))?;
        }
        let enter = directory.join("enter.sh");
        fs::write(&enter, ENTER).with_context(|| format!("cannot write {}", enter.display()))?;
        let release = Self { suite: suite.to_owned(), root, target: target.to_owned() };
        release.install()?;
        remove(&release.root.join("scratch"))?;
        Ok(release)
    }

    /// Installs what tests need, in a root that is not new too: the suite may have another Wine since.
    fn install(&self) -> Result<()> {
        let needed = [packages::WINE.as_slice(), &packages::WATCHERS, &packages::SUBORDINATE_IDS].concat();
        let apt = ["env", PATH, "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"];
        let apt = |arguments: &[&str]| shell::run(self.command(Path::new("/"))?.args(apt).args(arguments));
        if apt(&["update"]).is_err() {
            // No network, or a mirror that is older than its lists are good for.
            println!("{}: with the lists of packages that it was made with", self.suite);
        }
        let names = needed.into_iter().map(Package::name);
        let install = ["--yes", "--no-install-recommends", "install"];
        apt(&install.into_iter().chain(names).collect::<Vec<_>>())?;
        apt(&["clean"])
    }

    /// Returns a command to which the one that runs there is added as arguments.
    ///
    /// # Errors
    /// We cannot be root.
    pub fn command(&self, directory: &Path) -> Result<Command> {
        let workspace = shell::repository()?;
        let mut command = as_root("unshare")?;
        command.args(["--mount", "--propagation", "private", "sh"]);
        command.arg(self.target.join("nspawn/hosts/enter.sh"));
        command.args([&self.root, workspace, &self.target, directory]);
        Ok(command)
    }

    /// Returns the version of a package there.
    ///
    /// # Errors
    /// It is not installed.
    pub fn version(&self, package: &str) -> Result<String> {
        let mut query = Command::new("dpkg-query");
        query.arg("--admindir").arg(self.root.join("var/lib/dpkg"));
        shell::read(query.args(["--show", "--showformat", "${Version}", package]))
    }
}

fn as_root(program: impl AsRef<OsStr>) -> Result<Command> {
    Root::find().command(program).context("we are not root, and sudo does not let us")
}

/// Removes what is root's; nothing that is mounted.
fn remove(directory: &Path) -> Result<()> {
    shell::read(as_root("rm")?.args(["--recursive", "--force", "--one-file-system"]).arg(directory)).map(drop)
}
