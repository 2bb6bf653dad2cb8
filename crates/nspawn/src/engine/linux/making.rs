//! How the embedded base layer is made: Wine's own set-up of a prefix, in a sandbox; what containers change of it; and
//! a look at whether it does.

use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linux_sandbox::{Access, Exit, Mount, Owner, Plan, Program, ProgramExit, Sandbox, Sources, Stdio, stage};

use super::account::User;
use super::base::{AGENT, PRNG, REGISTRY};
use super::profile;
use super::room::{self, Room};
use super::root::{self, StartUp};
use super::self_check::self_check;
use super::wine::Wine;
use crate::engine::Observer;
use crate::error::{Error, ErrorKind, Result};
use crate::launch::go_on;
use crate::state::{create_private, remove};

const STEPS: u64 = 5;

const THE_LAYER: &str = "the base layer";
/// What Wine's set-up makes beside copies of its DLLs: 54 MB with Wine 8, and again as much.
const BESIDE: Room = Room { bytes: 100 << 20, files: 1000 };
/// More than any file that it makes.
const LARGEST: Room = Room { bytes: 32 << 20, files: 8 };

/// Where the agent lies in the prefix.
const AGENT_PATH: &str = "drive_c/windows/nspawn_agent.exe";
/// Where Wine's own starter of sessions lies.
const STARTER: &str = "drive_c/windows/system32/wineboot.exe";

/// Makes a base layer of `wine` at `prefix`.
///
/// # Errors
/// Wine cannot set it up, or the disk refuses.
pub(super) fn make(prefix: &Path, wine: &Wine, system: &root::System, observer: &dyn Observer) -> Result<()> {
    let failed = |op, path: &Path| {
        let subject = path.display().to_string();
        move |error| Error::io(op, subject, error)
    };
    if prefix.exists() {
        fs::remove_dir_all(prefix).map_err(failed("remove", prefix))?;
    }
    create_private(prefix)?;
    observer.progress("base layer", 0, STEPS);
    let copies = wine.size_of_dlls()?;
    let needed = Room { bytes: copies.bytes + BESIDE.bytes, files: copies.files + BESIDE.files };
    room::check(THE_LAYER, prefix, needed)?;
    run(prefix, wine, system, &["wineboot", "--init"], observer)?;
    // Wine says nothing of a copy for which there was no room, as others may have taken it meanwhile.
    room::check(THE_LAYER, prefix, LARGEST)?;
    observer.progress("base layer", 1, STEPS);
    let registry = prefix.join("drive_c/base.reg");
    fs::write(&registry, REGISTRY).map_err(failed("write", &registry))?;
    run(prefix, wine, system, &[r"C:\windows\regedit.exe", "/S", r"C:\base.reg"], observer)?;
    fs::remove_file(&registry).map_err(failed("remove", &registry))?;
    observer.progress("base layer", 2, STEPS);
    link_copies(&prefix.join("drive_c"), &[wine.dlls(), wine.dlls_32()])
        .map_err(failed("link the DLLs of", prefix))?;
    observer.progress("base layer", 3, STEPS);
    tidy(prefix).map_err(failed("tidy", prefix))?;
    profile::make(prefix).map_err(failed("fill", prefix))?;
    install(prefix, wine).map_err(failed("fill", prefix))?;
    observer.progress("base layer", 4, STEPS);
    settle(prefix, wine, observer, &|start_up| self_check(prefix, wine, system, start_up, observer))?;
    observer.progress("base layer", STEPS, STEPS);
    Ok(())
}

/// Finds out how sessions start on a new base layer: by the agent alone, or, where `check` finds that this Wine does not
/// work so, by Wine's own starter.
fn settle(
    prefix: &Path,
    wine: &Wine,
    observer: &dyn Observer,
    check: &dyn Fn(StartUp) -> Result<()>,
) -> Result<()> {
    let Err(error) = check(StartUp::Agent) else { return Ok(()) };
    go_on(observer)?;
    let starter = prefix.join(STARTER);
    let failed = |error| Error::io("restore", starter.display().to_string(), error);
    remove(&starter).and_then(|()| symlink(wine.dlls().join("wineboot.exe"), &starter)).map_err(failed)?;
    let mark = prefix.join(StartUp::MARK);
    let reason = error.one_line();
    fs::write(&mark, &reason).map_err(|error| Error::io("write", mark.display().to_string(), error))?;
    check(StartUp::Stock)?;
    let so = "Sessions start as Wine starts them, slower, with all its services";
    observer.step(&format!("ProcessBaseImage: {so}: this Wine refuses the short way: {reason}"));
    Ok(())
}

/// Returns the arguments of a shell that runs Wine, and then ends its server. The shell, because the sandbox ends with
/// its program, and the server writes only at its own end. It is told paths as words: they are no part of its script.
fn shell_arguments(wine: &Wine, arguments: &[&str]) -> Vec<String> {
    const SCRIPT: &str = r#"server=$1; shift; "$@"; r=$?; "$server" -k; "$server" -w; exit $r"#;
    let [server, loader] = [&wine.server, &wine.loader].map(|path| path.display().to_string());
    let words = ["sh", "-c", SCRIPT, "sh", &server, &loader];
    words.iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

/// Runs Wine in a sandbox with `prefix` writable, and waits until its server has written the registry.
fn run(
    prefix: &Path,
    wine: &Wine,
    system: &root::System,
    arguments: &[&str],
    observer: &dyn Observer,
) -> Result<()> {
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
        root: root::making_nodes("base"),
        mounts: root::making_mounts(system, wine).into_iter().chain([bind]).collect(),
        // It makes our own layer, from nothing but Wine.
        account: None,
        program: Program {
            executable: "/bin/sh".to_owned(),
            arguments: shell_arguments(wine, arguments),
            environment,
            directory: "/tmp".to_owned(),
            layout: root::WINE_LAYOUT,
        },
        interface: wine.interface(),
        note: None,
    };
    let null = OwnedFd::from(File::open("/dev/null").map_err(|error| Error::io("open", "/dev/null", error))?);
    let log = tempfile()?;
    let stdio = Stdio { input: null.as_fd(), output: log.as_fd(), error: log.as_fd() };
    let staged = stage(&plan, &mut Sources::default()).map_err(super::sandbox_error)?;
    let sandbox = Sandbox::spawn(&plan, staged, &stdio, None).map_err(super::sandbox_error)?;
    let reason = match await_end(&sandbox, PATIENCE, observer)?.map(|exit| exit.program) {
        Some(ProgramExit::Exited(0)) => return Ok(()),
        Some(ProgramExit::Exited(code)) => format!("exited with status {code}: {}", last_line(&log)),
        Some(end) => format!("ended by {end:?}: {}", last_line(&log)),
        None => format!("did not end within {} s", PATIENCE.as_secs()),
    };
    Err(Error::new(ErrorKind::Host, "make", "the base layer")
        .reason(format!("{} {} {reason}", wine.loader.display(), arguments.join(" ")))
        .with_hint(format!(
            "try the same by hand: WINEPREFIX=/tmp/prefix {} wineboot --init",
            wine.loader.display()
        )))
}

/// How long one step of Wine's may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often it is looked whether we were told to end.
const WATCH: Duration = Duration::from_millis(100);

/// Waits for a sandbox's end, and ends it where we were told to end; `None` where it does not end in time.
pub(super) fn await_end(
    sandbox: &Sandbox,
    patience: Duration,
    observer: &dyn Observer,
) -> Result<Option<Exit>> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Some(exit) = sandbox.wait(Some(WATCH)).map_err(super::sandbox_error)? {
            return Ok(Some(exit));
        }
        go_on(observer)?;
    }
    Ok(None)
}

pub(super) fn tempfile() -> Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let made = memfd_create("nspawn_base_log", MemfdFlags::CLOEXEC);
    made.map(File::from).map_err(|errno| Error::io("make", "a memory file", errno))
}

pub(super) fn last_line(log: &File) -> String {
    let length = log.metadata().map_or(0, |metadata| metadata.len());
    let mut tail = vec![0; length.min(4096) as usize];
    let start = length - tail.len() as u64;
    let read = log.read_at(&mut tail, start).unwrap_or(0);
    let text = String::from_utf8_lossy(&tail[..read]).into_owned();
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}

/// Replaces files that equal one of Wine's own by links to it. `originals` are the directories of those.
fn link_copies(directory: &Path, originals: &[PathBuf]) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            link_copies(&path, originals)?;
        } else if kind.is_file() {
            for original in originals.iter().map(|originals| originals.join(entry.file_name())) {
                if same_content(&path, &original)? {
                    fs::remove_file(&path)?;
                    symlink(&original, &path)?;
                    break;
                }
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
    let starter = prefix.join(STARTER);
    remove(&starter)?;
    fs::write(starter, no_program())?;
    if !wine.dlls().join("bcryptprimitives.dll").exists() {
        fs::write(prefix.join("drive_c/windows/system32/bcryptprimitives.dll"), PRNG)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;
    use crate::engine::Silent;

    #[test]
    fn any_path_of_wine_is_one_word_to_the_shell() {
        let place = tempfile::tempdir().unwrap();
        let strange = place.path().join("my wine; touch oops; $(touch oops) 'of \"mine\" & `touch oops`");
        fs::create_dir(&strange).unwrap();
        let [loader, server] = ["wine", "wineserver"].map(|name| {
            let path = strange.join(name);
            let script = format!("#!/bin/sh\nprintf '<%s>' {name} \"$@\"\nexit 7\n");
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        });
        let wine =
            Wine { loader, server, libraries: "/w/lib".into(), data: "/w/share".into(), part_32: None };
        let arguments = shell_arguments(&wine, &[r"C:\a b", "$x;'"]);
        let mut shell = Command::new("/bin/sh");
        let done = shell.args(&arguments[1..]).current_dir(place.path()).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert_eq!(said, r"<wine><C:\a b><$x;'><wineserver><-k><wineserver><-w>");
        assert_eq!((done.status.code(), done.stderr), (Some(7), Vec::new()));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing of a path is run");
    }

    #[test]
    fn where_the_agent_alone_fails_wine_starts_sessions() {
        let place = tempfile::tempdir().unwrap();
        let prefix = place.path();
        fs::create_dir_all(prefix.join("drive_c/windows/system32")).unwrap();
        let (loader, server) = ("/w/wine".into(), "/w/wineserver".into());
        let wine =
            Wine { loader, server, libraries: "/w/lib".into(), data: "/w/share".into(), part_32: None };
        install(prefix, &wine).unwrap();
        let tried = RefCell::new(Vec::new());
        let settle_where = |works: &'static [StartUp]| {
            let check = |start_up| {
                tried.borrow_mut().push(start_up);
                let error = || Error::new(ErrorKind::Host, "run", "the agent");
                works.contains(&start_up).then_some(()).ok_or_else(error)
            };
            settle(prefix, &wine, &Silent, &check)
        };
        settle_where(&[StartUp::Agent]).unwrap();
        assert_eq!((StartUp::of(prefix), tried.take()), (StartUp::Agent, vec![StartUp::Agent]));
        assert!(fs::read(prefix.join(STARTER)).unwrap().starts_with(b"MZ"));
        settle_where(&[StartUp::Stock]).unwrap();
        assert_eq!(
            (StartUp::of(prefix), tried.take()),
            (StartUp::Stock, vec![StartUp::Agent, StartUp::Stock])
        );
        assert_eq!(fs::read_link(prefix.join(STARTER)).unwrap(), wine.dlls().join("wineboot.exe"));
        assert_eq!(settle_where(&[]).unwrap_err().one_line(), "cannot run the agent");
    }
}
