//! Whether Windows programs start on a new base layer: the agent is given a tiny program, in a sandbox like a container's.

use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use linux_sandbox::{Mount, Sandbox, Sources, Stdio};

use super::account::User;
use super::lower::{self, BUILD};
use super::making::{await_end, last_line, tempfile};
use super::orders::{Note, Orders};
use super::root::{self, StartUp};
use super::wine::Wine;
use super::{account, libraries, sandbox_error};
use crate::engine::{Observer, Unenforced};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::Services;
use crate::state::{create_private, remove};

/// The program, and what it exits with.
const PROGRAM: &str = r"C:\windows\system32\cmd.exe /c exit 7";
const CODE: u32 = 7;
const NAME: &str = "check";

/// Runs the program on the base layer at `prefix`; what it changes is thrown away.
///
/// # Errors
/// It did not run to its end, or its exit code did not come back.
pub(super) fn self_check(
    prefix: &Path,
    wine: &Wine,
    system: &root::System,
    start_up: StartUp,
    observer: &dyn Observer,
) -> Result<()> {
    let scratch = prefix.with_extension("check.partial");
    let failed = |error| Error::io("make", scratch.display().to_string(), error);
    remove(&scratch).map_err(failed)?;
    create_private(&scratch)?;
    let names = ["upper", "work"];
    let made = names.iter().try_for_each(|name| fs::create_dir(scratch.join(name))).map_err(failed);
    let checked = made.and_then(|()| run(prefix, &scratch, wine, system, start_up, observer));
    checked.and(remove(&scratch).map_err(failed))
}

fn run(
    prefix: &Path,
    scratch: &Path,
    wine: &Wine,
    system: &root::System,
    start_up: StartUp,
    observer: &dyn Observer,
) -> Result<()> {
    let orders = Orders {
        start_up,
        services: Services::None,
        affinity: None,
        build: BUILD,
        command_line: PROGRAM,
        working_directory: r"C:\".to_owned(),
        computer_name: NAME,
        environment: &[],
    };
    let overlay = Mount::Overlay {
        lower: vec![prefix.into()],
        scratch: scratch.into(),
        upper: "upper".to_owned(),
        work: "work".to_owned(),
        target: root::PREFIX.to_owned(),
    };
    let system = root::System { libraries: libraries::find(wine)?, ..system.clone() };
    let mut plan =
        lower::session(wine, &system, (account::of("nspawn_check"), User::default()), NAME, &orders);
    plan.mounts.push(overlay);
    let null = OwnedFd::from(File::open("/dev/null").map_err(|error| Error::io("open", "/dev/null", error))?);
    let log = tempfile()?;
    let stdio = Stdio { input: null.as_fd(), output: log.as_fd(), error: log.as_fd() };
    let (staged, _) = account::stage(&mut plan, &mut Sources::default(), Unenforced::Report)?;
    let sandbox = Sandbox::spawn(&plan, staged, &stdio, None).map_err(sandbox_error)?;
    let reason = match await_end(&sandbox, PATIENCE, observer)? {
        Some(exit) => match Note::parse(&exit.note) {
            Note::Exited(CODE) => return Ok(()),
            note => format!("it ended with {:?} and {note:?}: {}", exit.program, last_line(&log)),
        },
        None => format!("it did not end within {} s", PATIENCE.as_secs()),
    };
    Err(Error::new(ErrorKind::Host, "run", PROGRAM).reason(reason))
}

/// How long it may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
