use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use linux_sandbox::OwnIds;
use rustix::fs::Mode;

use super::Places;
use crate::engine::linux::{LinuxEngine, sandbox_error};
use crate::engine::{Engine, Unenforced};
use crate::error::{Error, ErrorKind, Result};

/// What a caller who may not make containers is told to do.
pub const ELEVATE: &str = "containers need root: start this with sudo";

/// Those of the host for root; a plain user has his own, as the XDG Base Directory Specification has them.
pub(super) fn usual_places(name: &str) -> Result<Places> {
    if rustix::process::geteuid().is_root() {
        return Ok(Places {
            run: PathBuf::from("/run").join(name),
            data: PathBuf::from("/var/lib").join(name),
        });
    }
    let directory =
        |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = directory("XDG_DATA_HOME").or_else(|| Some(directory("HOME")?.join(".local/share")));
    let data = data.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "find", "the place for state")
            .reason("the environment has neither XDG_DATA_HOME nor HOME")
            .with_hint("name a directory with --root")
    })?;
    let data = data.join(name);
    // Without a directory that ends with the session, state lies beside the data: what it says is told by locks.
    let run = directory("XDG_RUNTIME_DIR").map_or_else(|| data.join("run"), |run| run.join(name));
    Ok(Places { run, data })
}

pub(super) fn prepare() -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    if let OwnIds::One(why) = linux_sandbox::become_own_root().map_err(sandbox_error)? {
        let _ = ONE_ID.set(Arc::new(one_id(&why)));
    }
    Ok(())
}

/// Why the user namespace that this process made for itself has one id. Of the whole process, as the namespace is.
static ONE_ID: OnceLock<Arc<Error>> = OnceLock::new();

/// Says what a plain user lacks who has one id, and how he gets another.
fn one_id(why: &linux_sandbox::Error) -> Error {
    let cure = match (why.op(), why.io().kind()) {
        ("run", std::io::ErrorKind::NotFound) => {
            "install it: apt-get install uidmap (Debian, Ubuntu)".to_owned()
        }
        ("find" | "read", _) => {
            let (first, last) = linux_sandbox::unused_subordinate_ids().into_inner();
            format!(
                "give yourself subordinate ids: sudo usermod --add-subuids {first}-{last} --add-subgids {first}-{last} \
                 $(id -un)"
            )
        }
        _ => "newuidmap and newgidmap must be set-user-id programs, and this process free to gain rights by them"
            .to_owned(),
    };
    let reason = format!("cannot {} {}: {}", why.op(), why.subject(), why.io());
    Error::new(ErrorKind::Unsupported, "give", "the system's files an owner of their own")
        .reason(reason)
        .with_hint(cure)
}

pub(super) fn engine(places: &Places, unenforced: Unenforced) -> Box<dyn Engine> {
    // What containers are made of must be readable in them, whatever the caller wants its new files to be: that is for
    // the file of the output alone.
    let callers = rustix::process::umask(Mode::from_raw_mode(0o022));
    let output_mode = 0o644 & !callers.as_raw_mode();
    let engine = LinuxEngine::new(&places.data, places.roots(), unenforced);
    Box::new(engine.with_output_mode(output_mode).with_one_id(ONE_ID.get().cloned()))
}
