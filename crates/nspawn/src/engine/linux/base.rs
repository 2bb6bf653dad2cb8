//! The embedded base layer: a Wine prefix, made once of the installed Wine and shared, read-only, by all containers.
//!
//! ```text
//! <data>/base/lock                 held while one is made
//! <data>/base/<key>/               WINEPREFIX: drive_c, dosdevices, system.reg, user.reg, userdef.reg
//! <data>/base/<key>.partial/       one being made, or left by a launcher that was killed
//! ```
//!
//! The key tells Wine's build, our guest programs and this recipe apart. The copies of Wine's DLLs, 695 MB, become
//! links to the originals, which every container sees at the same place.

use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linux_sandbox::{Access, Mount, Owner, Plan, Program, ProgramExit, Sandbox, Sources, Stdio, stage};
use uuid::Uuid;

use super::account::User;
use super::profile;
use super::root;
use super::wine::Wine;
use crate::engine::Observer;
use crate::error::{Error, ErrorKind, Result};
use crate::launch::go_on;
use crate::state::create_private;

/// The first Windows process of every container.
pub(super) const AGENT: &[u8] = include_bytes!(concat!(env!("NSPAWN_GUEST_DIR"), "/nspawn_agent.exe"));
/// `ProcessPrng` for Wine versions that lack it.
const PRNG: &[u8] = include_bytes!(concat!(env!("NSPAWN_GUEST_DIR"), "/bcryptprimitives.dll"));
/// What the registry holds beside Wine's own.
const REGISTRY: &str = include_str!("../../../../../guest/base.reg");

/// Changes with this recipe: another number makes a new base layer.
const LAYOUT: u32 = 3;
const KEYS: Uuid = Uuid::from_u128(0x6e73_7061_776e_5f62_6173_655f_6b65_7973);
const STEPS: u64 = 4;

/// Where the agent lies in the prefix.
const AGENT_PATH: &str = "drive_c/windows/nspawn_agent.exe";

/// Returns the base layer of `wine` below `data`, making it where it is absent.
///
/// # Errors
/// Wine cannot set up a prefix, or the disk refuses; nothing half-made is ever taken for a layer.
pub(super) fn ensure(
    data: &Path,
    wine: &Wine,
    system: &root::System,
    observer: &dyn Observer,
) -> Result<PathBuf> {
    let bases = data.join("base");
    let layer = bases.join(key(wine)?);
    if layer.is_dir() {
        return Ok(layer);
    }
    create_private(&bases)?;
    let path = bases.join("lock");
    let locked = File::create(&path).and_then(|file| file.lock().map(|()| file));
    let _lock = locked.map_err(|error| Error::io("lock", path.display().to_string(), error))?;
    if layer.is_dir() {
        return Ok(layer); // made by whom we waited for
    }
    observer.step(&format!("ProcessBaseImage: Making the base layer of {}, once", wine.loader.display()));
    let partial = layer.with_extension("partial");
    make(&partial, wine, system, observer).inspect_err(|_| {
        // What could not be finished is of no use; where this fails too, gc removes it.
        let _ = fs::remove_dir_all(&partial);
    })?;
    sync(&partial)?;
    fs::rename(&partial, &layer)
        .map_err(|error| Error::io("rename", partial.display().to_string(), error))?;
    observer.step(&format!("ProcessBaseImage: Base layer made, path: [{}]", layer.display()));
    Ok(layer)
}

/// Writes the file system to disk: a layer that is in its place is whole for ever, after a loss of power too.
fn sync(layer: &Path) -> Result<()> {
    let opened = File::open(layer).map_err(|error| Error::io("open", layer.display().to_string(), error))?;
    rustix::fs::syncfs(opened).map_err(|errno| Error::io("write to disk", layer.display().to_string(), errno))
}

/// Removes half-made layers of launchers that were killed, unless one is being made.
///
/// # Errors
/// The disk's refusal.
pub(super) fn remove_partial(data: &Path) -> Result<()> {
    let bases = data.join("base");
    let Ok(lock) = File::open(bases.join("lock")) else { return Ok(()) };
    if lock.try_lock().is_err() {
        return Ok(());
    }
    let failed = |error| Error::io("clear up", bases.display().to_string(), error);
    for entry in fs::read_dir(&bases).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "partial") {
            fs::remove_dir_all(path).map_err(failed)?;
        }
    }
    Ok(())
}

fn key(wine: &Wine) -> Result<String> {
    let mut text = format!("{LAYOUT};{}", wine.fingerprint()?).into_bytes();
    for part in [AGENT, PRNG, REGISTRY.as_bytes()] {
        text.extend(Uuid::new_v5(&KEYS, part).as_bytes());
    }
    Ok(format!("wine_{}", Uuid::new_v5(&KEYS, &text).simple()))
}

fn make(prefix: &Path, wine: &Wine, system: &root::System, observer: &dyn Observer) -> Result<()> {
    let failed = |op, path: &Path| {
        let subject = path.display().to_string();
        move |error| Error::io(op, subject, error)
    };
    if prefix.exists() {
        fs::remove_dir_all(prefix).map_err(failed("remove", prefix))?;
    }
    create_private(prefix)?;
    observer.progress("base layer", 0, STEPS);
    run(prefix, wine, system, &["wineboot", "--init"], observer)?;
    observer.progress("base layer", 1, STEPS);
    let registry = prefix.join("drive_c/base.reg");
    fs::write(&registry, REGISTRY).map_err(failed("write", &registry))?;
    run(prefix, wine, system, &[r"C:\windows\regedit.exe", "/S", r"C:\base.reg"], observer)?;
    fs::remove_file(&registry).map_err(failed("remove", &registry))?;
    observer.progress("base layer", 2, STEPS);
    link_copies(&prefix.join("drive_c"), &wine.dlls()).map_err(failed("link the DLLs of", prefix))?;
    observer.progress("base layer", 3, STEPS);
    tidy(prefix).map_err(failed("tidy", prefix))?;
    profile::make_others(prefix).map_err(failed("fill", prefix))?;
    install(prefix, wine).map_err(failed("fill", prefix))?;
    observer.progress("base layer", STEPS, STEPS);
    Ok(())
}

/// Runs Wine in a sandbox with `prefix` writable, and waits until its server has written the registry.
fn run(
    prefix: &Path,
    wine: &Wine,
    system: &root::System,
    arguments: &[&str],
    observer: &dyn Observer,
) -> Result<()> {
    let server = wine.server();
    let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
    // The shell, because the sandbox ends with its program, and the server writes only at its own end.
    let script = format!(
        "{} {}; r=$?; {server} -k; {server} -w; exit $r",
        wine.loader.display(),
        quoted.join(" "),
        server = server.display()
    );
    let mut environment = root::wine_environment(User::default());
    environment.push("WINEDLLOVERRIDES=mscoree,mshtml,winemenubuilder.exe=d".to_owned());
    let bind = Mount::Bind {
        source: prefix.into(),
        target: root::PREFIX.to_owned(),
        access: Access::ReadWrite,
        owner: Owner::Host,
    };
    let plan = Plan {
        hostname: "base".to_owned(),
        root: root::nodes(system, "base"),
        mounts: root::mounts(system, wine).into_iter().chain([bind]).collect(),
        // It makes our own layer, from nothing but Wine.
        account: None,
        program: Program {
            executable: "/bin/sh".to_owned(),
            arguments: vec!["sh".to_owned(), "-c".to_owned(), script],
            environment,
            directory: "/tmp".to_owned(),
            layout: root::WINE_LAYOUT,
        },
        note: None,
    };
    let null = OwnedFd::from(File::open("/dev/null").map_err(|error| Error::io("open", "/dev/null", error))?);
    let log = tempfile()?;
    let stdio = Stdio { input: null.as_fd(), output: log.as_fd(), error: log.as_fd() };
    let staged = stage(&plan, &mut Sources::default()).map_err(super::sandbox_error)?;
    let sandbox = Sandbox::spawn(&plan, staged, &stdio, None).map_err(super::sandbox_error)?;
    let reason = match await_end(&sandbox, observer)? {
        Some(ProgramExit::Exited(0)) => return Ok(()),
        Some(ProgramExit::Exited(code)) => format!("exited with status {code}: {}", last_line(&log)),
        Some(end) => format!("ended by {end:?}: {}", last_line(&log)),
        None => format!("did not end within {} s", PATIENCE.as_secs()),
    };
    Err(Error::new(ErrorKind::Host, "make", "the base layer")
        .reason(format!("wine64 {} {reason}", arguments.join(" ")))
        .with_hint("try the same by hand: WINEPREFIX=/tmp/prefix wine64 wineboot --init"))
}

/// How long one step of Wine's may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often it is looked whether we were told to end.
const WATCH: Duration = Duration::from_millis(100);

/// Waits for a sandbox's end, and ends it where we were told to end; `None` where it does not end in time.
fn await_end(sandbox: &Sandbox, observer: &dyn Observer) -> Result<Option<ProgramExit>> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(exit) = sandbox.wait(Some(WATCH)).map_err(super::sandbox_error)? {
            return Ok(Some(exit.program));
        }
        go_on(observer)?;
    }
    Ok(None)
}

fn tempfile() -> Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let made = memfd_create("nspawn_base_log", MemfdFlags::CLOEXEC);
    made.map(File::from).map_err(|errno| Error::io("make", "a memory file", errno))
}

fn last_line(log: &File) -> String {
    let length = log.metadata().map_or(0, |metadata| metadata.len());
    let mut tail = vec![0; length.min(4096) as usize];
    let start = length - tail.len() as u64;
    let read = log.read_at(&mut tail, start).unwrap_or(0);
    let text = String::from_utf8_lossy(&tail[..read]).into_owned();
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}

/// Replaces files that equal one of Wine's own by links to it.
fn link_copies(directory: &Path, originals: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            link_copies(&path, originals)?;
        } else if kind.is_file() {
            let original = originals.join(entry.file_name());
            if same_content(&path, &original)? {
                fs::remove_file(&path)?;
                symlink(&original, &path)?;
            }
        }
    }
    Ok(())
}

fn same_content(copy: &Path, original: &Path) -> std::io::Result<bool> {
    let length = |path: &Path| fs::metadata(path).map(|metadata| metadata.len());
    match length(original) {
        Ok(there) if there == length(copy)? => Ok(fs::read(copy)? == fs::read(original)?),
        _ => Ok(false),
    }
}

/// Takes out what belongs to the session or the host that made it: its server's place, drives other than C, serial
/// ports, and the links of the user's folders to a home directory.
fn tidy(prefix: &Path) -> std::io::Result<()> {
    let server = prefix.join("wineserver");
    if server.exists() {
        fs::remove_file(server)?;
    }
    for entry in fs::read_dir(prefix.join("dosdevices"))? {
        let entry = entry?;
        if entry.file_name() != "c:" {
            fs::remove_file(entry.path())?;
        }
    }
    for user in fs::read_dir(prefix.join("drive_c/users"))? {
        for folder in fs::read_dir(user?.path())? {
            let folder = folder?;
            if folder.file_type()?.is_symlink() {
                fs::remove_file(folder.path())?;
                fs::create_dir(folder.path())?;
            }
        }
    }
    Ok(())
}

/// Returns a file that has the marks of a Windows program and is for no machine: refused without a process being made.
/// (A file without the marks Wine would try to run as a Unix program.)
fn no_program() -> [u8; 128] {
    let mut file = [0; 128];
    file[..2].copy_from_slice(b"MZ");
    file[0x3C] = 0x40; // where the PE header is
    file[0x40..0x44].copy_from_slice(b"PE\0\0");
    file
}

/// Lays in our guest programs. Wine's own starter of sessions gives way to a file that is no program: the first
/// process would start it and wait for it, though the agent does its work.
fn install(prefix: &Path, wine: &Wine) -> std::io::Result<()> {
    fs::write(prefix.join(AGENT_PATH), AGENT)?;
    let starter = prefix.join("drive_c/windows/system32/wineboot.exe");
    if starter.symlink_metadata().is_ok() {
        fs::remove_file(&starter)?;
    }
    fs::write(starter, no_program())?;
    if !wine.dlls().join("bcryptprimitives.dll").exists() {
        fs::write(prefix.join("drive_c/windows/system32/bcryptprimitives.dll"), PRNG)?;
    }
    Ok(())
}
