//! `cargo xtask vm`: boots a machine of its own that has control groups of version 2 alone, in which the tests
//! of limits and of isolation run. Debian's cloud kernel under qemu, with KVM or without; programs and libraries are the host's.

mod image;
mod kernel;
mod machine;
pub mod suites;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::packages;
use crate::shell::{self, Root};
use crate::test::tally::{Stream, Tally};
use crate::{launcher, ready_made, windows};
use image::Tree;
use kernel::Kernel;
use machine::Machine;
use suites::{Built, Provided, SUITES, Suite};

/// How long the machine may run, emulated on a busy host.
const DEADLINE: Duration = Duration::from_secs(1500);
/// What the machine runs, and what its systemd runs.
const SCRIPTS: [(&str, &str); 3] = [
    ("init", include_str!("init.sh")),
    ("suite.sh", include_str!("suite.sh")),
    ("systemd.sh", include_str!("systemd.sh")),
];
const SYSTEMD: &str = "/lib/systemd/systemd";
/// Room for what is written in the machine, on each of its disks.
const SPARE: u64 = 256 << 20;

/// Runs the machine's tests alone, those of all suites or of the named ones, and prints their count.
///
/// # Errors
/// Something failed.
pub fn run(names: &[String]) -> Result<()> {
    let wanted = |suite: &&Suite| names.is_empty() || names.iter().any(|name| suite.name.starts_with(name));
    let suites: Vec<&Suite> = SUITES.iter().filter(wanted).collect();
    let mut tally = Tally::default();
    check_suites(&mut tally, None, &suites);
    tally.print();
    if !tally.is_good() {
        bail!("some of it failed");
    }
    Ok(())
}

/// Installs what the machine takes, runs its tests and counts them. The guest programs are those in `guest`, or the
/// committed ones.
pub fn check(tally: &mut Tally, guest: Option<&Path>) {
    check_suites(tally, guest, &SUITES.iter().collect::<Vec<_>>());
}

fn check_suites(tally: &mut Tally, guest: Option<&Path>, suites: &[&Suite]) {
    let missing = packages::install(&packages::MACHINE);
    if !missing.is_empty() {
        return tally.skip(&format!("machine: not installed: {}", missing.join(" ")));
    }
    let mut own = Tally::default();
    let done = shell::target_directory().map(|target| target.join("nspawn/vm")).and_then(|directory| {
        match kernel::get(&directory.join("kernel")) {
            Ok(kernel) => {
                let host =
                    Host { target: shell::target_directory()?, directory, built: suites::build(guest)? };
                boot(&kernel, &host, suites, &mut own)
            }
            Err(error) => {
                own.skip(&format!("machine: no kernel to boot: {error:#}"));
                Ok(())
            }
        }
    });
    if let Err(error) = done {
        own.fail(&format!("machine: {error:#}"));
    }
    tally.absorb(own, "machine");
}

fn boot(kernel: &Kernel, host: &Host, suites: &[&Suite], tally: &mut Tally) -> Result<()> {
    let provided = host.provide()?;
    let (ready, missing): (Vec<&Suite>, Vec<&Suite>) =
        suites.iter().partition(|suite| suite.missing(provided).is_none());
    for suite in missing {
        tally.skip(&format!("{}: {}", suite.name, suite.missing(provided).unwrap_or_default()));
    }
    let machine = Machine {
        kernel,
        system: host.system(kernel)?,
        work: host.work(&ready, provided)?,
        mounted_at: host.target.clone(),
        console: host.directory.join("console"),
    };
    let start = Instant::now();
    let mut report = Report { tally, suite: String::new(), ended: Vec::new(), done: false };
    machine.run(DEADLINE, &mut |line| report.take(line))?;
    let (ended, done) = (report.ended.len(), report.done);
    println!("the machine ran {} s", start.elapsed().as_secs());
    if !done || ended != ready.len() {
        bail!("{ended} of {} suites came to their end", ready.len());
    }
    Ok(())
}

/// What the machine tells: lines of test harnesses between lines of its own, which begin with `@`.
struct Report<'a> {
    tally: &'a mut Tally,
    suite: String,
    ended: Vec<String>,
    done: bool,
}

impl Report<'_> {
    fn take(&mut self, line: String) {
        let Some(own) = line.strip_prefix('@') else {
            if let Some(line) = self.tally.take(Stream::Out, line) {
                println!("{line}");
            }
            return;
        };
        println!("machine: {own}");
        match own.split_once(' ') {
            Some(("suite", name)) => self.suite = name.to_owned(),
            Some(("ended", status)) => {
                if !status.starts_with("0 ") && !self.tally.has_failures() {
                    self.tally.fail(&format!("{}: failed beside its tests: status {status}", self.suite));
                }
                self.ended.push(std::mem::take(&mut self.suite));
            }
            _ => self.done |= own == "done",
        }
    }
}

/// The host: what is taken from it into the machine.
struct Host {
    target: PathBuf,
    directory: PathBuf,
    built: Built,
}

/// The root whose base layer the tests of whole containers share.
const SHARED_ROOT: &str = "tmp/real_programs_state";

impl Host {
    fn programs(&self) -> PathBuf {
        self.directory.join("programs")
    }

    /// Makes what cannot be made in the machine: it has no compiler, and would take minutes for a base layer.
    fn provide(&self) -> Result<Provided> {
        let programs = self.programs();
        let made = |done: Result<()>| done.inspect_err(|error| println!("{error:#}")).is_ok();
        let native = made(ready_made::native(&programs));
        let windows = native
            && Path::new(windows::WINE).is_file()
            && made(ready_made::windows(&programs))
            && made(self.make_base());
        Ok(Provided { native, windows, systemd: Path::new(SYSTEMD).is_file() })
    }

    /// Makes the base layer, by starting a Windows program.
    fn make_base(&self) -> Result<()> {
        let config = self.directory.join("config.json");
        let words = json!({
            "process_directory": self.programs(),
            "process_executable": "hog.exe",
            "process_arguments": ["memory", "1"],
            "mapped_directory": "C:/work",
        });
        fs::write(&config, words.to_string())
            .with_context(|| format!("cannot write {}", config.display()))?;
        let mut launch =
            Root::find().command(&self.built.launcher).context("a base layer is made as root")?;
        launch.arg("--quiet").arg("--config").arg(config).arg("--root").arg(self.target.join(SHARED_ROOT));
        shell::run(&mut launch)
    }

    /// Makes the machine's root file system, where none is of this Wine and this kernel.
    fn system(&self, kernel: &Kernel) -> Result<PathBuf> {
        let (image, mark) = (self.directory.join("system.img"), self.directory.join("system.txt"));
        let key = self.key(kernel)?;
        if image.is_file() && fs::read_to_string(&mark).is_ok_and(|made| made == key) {
            return Ok(image);
        }
        println!("making the machine's root file system");
        let tree = Tree::new(self.directory.join("system.tree"))?;
        for link in ["bin", "sbin", "lib", "lib64"] {
            if let Ok(target) = fs::read_link(Path::new("/").join(link)) {
                tree.link(link, target)?;
            }
        }
        let busybox = shell::find("busybox").context("there is no busybox")?;
        tree.copy_linked(&[&busybox])?;
        tree.link("busybox", &busybox)?;
        tree.copy_linked(&[std::env::current_exe().context("cannot find myself")?])?;
        tree.copy_linked(&TOOLS.iter().filter_map(|name| shell::find(name)).collect::<Vec<_>>())?;
        if Path::new(SYSTEMD).is_file() {
            tree.copy_linked(&[SYSTEMD])?;
        }
        tree.copy_to(Path::new("overlay.ko"), &kernel.overlay)?;
        add_wine(&tree)?;
        for (path, text) in ETC {
            tree.write(path, text)?;
        }
        for directory in ["proc", "sys", "dev", "tmp", "run", "root", "home/plain"] {
            tree.write(&format!("{directory}/.keep"), "")?;
        }
        for (path, text) in SCRIPTS {
            tree.write(path, text)?;
        }
        shell::read(Command::new("chmod").arg("755").arg(self.directory.join("system.tree/init")))?;
        tree.into_root(&image, SPARE)?;
        fs::write(&mark, key).with_context(|| format!("cannot write {}", mark.display()))?;
        Ok(image)
    }

    /// Returns a text that changes with what the root file system is made of.
    fn key(&self, kernel: &Kernel) -> Result<String> {
        let mut key = format!("{}\n{SCRIPTS:?}\n{TOOLS:?}\n{LOCALE}\n", kernel.release);
        let ntdll = format!("{WINE_LIBRARIES}/x86_64-unix/ntdll.so");
        for path in [SYSTEMD, windows::WINE, &ntdll, "/usr/bin/newuidmap", "/lib64/ld-linux-x86-64.so.2"] {
            let state = fs::metadata(path).map_or((0, 0), |file| (file.len(), file.mtime()));
            key.push_str(&format!("{path} {state:?}\n"));
        }
        Ok(key)
    }

    /// Makes the machine's second disk: it is mounted where cargo's target directory is, and so has the tests, the
    /// launcher and the base layer where they expect them.
    fn work(&self, suites: &[&Suite], provided: Provided) -> Result<PathBuf> {
        let tree = Tree::new(self.directory.join("work.tree"))?;
        let copy = |at: &Path, original: &Path| tree.copy_to(at.strip_prefix(&self.target)?, original);
        for program in self.built.programs(suites.iter().copied()) {
            copy(program, program)?;
        }
        // The one that users get, in the place of the one for developers.
        copy(&self.built.launcher, &launcher::build()?)?;
        copy(&self.programs(), &self.programs())?;
        if provided.windows {
            let base = self.target.join(SHARED_ROOT).join("data/base");
            copy(&base, &base)?;
            tree.link("tmp/walls_state", self.target.join(SHARED_ROOT))?;
        }
        tree.write("tmp/.keep", "")?;
        let [first, later] = suites::scripts(suites, &self.built, &self.programs())?;
        tree.write("vm/suites", &first)?;
        tree.write("vm/systemd", &later)?;
        let image = self.directory.join("work.img");
        tree.into_image(&image, SPARE)?;
        Ok(image)
    }
}

/// Programs of the host that tests run; busybox stands in for those that are not there, and for all others.
const TOOLS: [&str; 25] = [
    "sh",
    "cat",
    "chmod",
    "cp",
    "dd",
    "env",
    "grep",
    "hostname",
    "id",
    "ls",
    "mkfifo",
    "mount",
    "newgidmap",
    "newuidmap",
    "setpriv",
    "sleep",
    "stat",
    "systemctl",
    "taskset",
    "test",
    "timeout",
    "true",
    "umount",
    "unshare",
    "wc",
];

/// The one locale that programs are given, where libraries do not bring it.
const LOCALE: &str = "/usr/lib/locale/C.utf8";
const WINE_LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu/wine";

/// What a system tells of itself and its users: root, and a plain one with subordinate ids.
const ETC: [(&str, &str); 5] = [
    ("etc/passwd", "root:x:0:0::/root:/bin/sh\nplain:x:1000:1000::/home/plain:/bin/sh\n"),
    ("etc/group", "root:x:0:\nplain:x:1000:\n"),
    ("etc/subuid", "plain:100000:65536\n"),
    ("etc/subgid", "plain:100000:65536\n"),
    ("etc/hosts", "127.0.0.1 localhost\n"),
];

/// Adds the 64-bit part of Debian's Wine, where it is installed.
fn add_wine(tree: &Tree) -> Result<()> {
    let loader = Path::new(windows::WINE);
    if !loader.is_file() {
        return Ok(());
    }
    let [unix, dlls] = ["x86_64-unix", "x86_64-windows"].map(|part| Path::new(WINE_LIBRARIES).join(part));
    let programs = loader.parent().context("Wine's loader lies in no directory")?;
    tree.copy([&unix, &dlls, programs, Path::new("/usr/share/wine")])?;
    if Path::new(LOCALE).is_dir() {
        tree.copy([LOCALE])?;
    }
    let libraries = fs::read_dir(&unix).with_context(|| format!("cannot list {}", unix.display()))?;
    let mut programs: Vec<PathBuf> =
        libraries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    programs.retain(|path| path.extension().is_some_and(|extension| extension == "so"));
    programs.extend(["wine64", "wineserver64"].map(|name| loader.with_file_name(name)));
    tree.copy_linked(&programs)
}
