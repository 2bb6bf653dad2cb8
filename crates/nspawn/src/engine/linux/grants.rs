//! What the host gives for one container: directories and files opened, layers found, a scratch layer made.

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use linux_sandbox::Sources;
use linux_sandbox::cgroup::Host;

use super::account::{OnHost, User};
use super::base::Base;
use super::files;
use super::layers::{self, Chain};
use super::lower::{Loader, Surroundings, lower};
use super::merge::Merged;
use super::profile;
use super::root::{self, StartUp};
use super::stack::Stack;
use super::system::LinuxSystem;
use super::wine::Wine;
use super::{LinuxEngine, account, base, limits, room};
use crate::document::{self, Request, Root, Schema};
use crate::engine::{Grants, Observer, System};
use crate::error::{Error, ErrorKind, Result};
use crate::program::{Linking, Machine, Program};
use crate::rollback::Rollback;
use crate::spec::{self, ContainerId, Rootfs, Spec, StdioSpec};

/// See [`Grants`].
pub(super) struct LinuxGrants {
    pub(super) engine: LinuxEngine,
    pub(super) id: ContainerId,
    pub(super) spec: Spec,
    pub(super) root: Root,
    pub(super) loader: Loader,
    pub(super) system: root::System,
    pub(super) start_up: StartUp,
    pub(super) merged: Merged,
    pub(super) account: OnHost,
    pub(super) sources: Sources,
    /// Those of the host, where something is limited.
    pub(super) groups: Option<Host>,
    pub(super) stdio: [OwnedFd; 3],
    pub(super) rollback: Rollback,
}

impl Grants for LinuxGrants {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn root(&self) -> &Root {
        &self.root
    }

    fn create(self: Box<Self>, request: Request) -> Result<Box<dyn System>> {
        Ok(Box::new(LinuxSystem::create(*self, &request)?))
    }
}

/// See [`Engine::acquire`](crate::engine::Engine::acquire). What can be refused is looked at first, what takes time
/// or leaves something behind comes last.
pub(super) fn acquire(
    engine: &LinuxEngine,
    id: &ContainerId,
    spec: &Spec,
    schema: Schema,
    observer: &dyn Observer,
) -> Result<LinuxGrants> {
    if !rustix::process::geteuid().is_root() {
        let error = Error::new(ErrorKind::Denied, "run", "a container").reason("it needs root on Linux");
        return Err(error.with_hint("start this with sudo"));
    }
    let mut spec = spec.clone();
    let mut sources = Sources::default();
    open_mounts(engine, &spec, &mut sources)?;
    let loader = look_at_executable(&mut spec, &mut sources)?;
    let chain = match &spec.rootfs {
        Rootfs::EmbeddedBase => Chain { layers: Vec::new(), replaced: Vec::new() },
        Rootfs::ParentLayer(parent) => layers::read_chain(parent)?,
    };
    let mut system = root::System::of_host();
    let account = account::of(&engine.group_name(id));
    let scratch = engine.scratch().join(id.as_str());
    let scratch =
        scratch.into_os_string().into_string().map_err(|_| Error::invalid("--root", "is not UTF-8"))?;
    let looked_at = Root { volume: scratch.clone(), scratch: scratch.clone(), ..Root::stand_in(&spec) };
    let (request, _) = document::build(id, &spec, &looked_at, engine.host_cpus, schema)?;
    let groups = check(engine, &request, &loader, &system, account, &mut sources)?;
    let (mut rollback, mut start_up) = (Rollback::default(), StartUp::default());
    let base = match &loader {
        Loader::Wine(wine) => {
            let made = ensure_base(engine, wine, &system, &mut rollback, observer)?;
            (system.libraries, start_up) = (made.libraries, made.start_up);
            room::check("a scratch layer", files::existing(Path::new(&scratch)), room::SESSION)?;
            Some(made.layer)
        }
        Loader::Kernel => None,
    };
    let destinations = spec.mounts.iter().map(|mount| &mount.destination);
    let stack = Stack::open(chain, base.as_deref(), destinations, &mut sources, observer)?;
    // Last of what can be refused: it may make a file.
    let stdio = open_stdio(&spec, &mut sources, engine.output_mode)?;
    stack.make_scratch(Path::new(&scratch), &mut sources, &mut rollback)?;
    if let Some(base) = &base {
        profile::write_registry(user_of(&spec)?, base, &Path::new(&scratch).join("prefix"))
            .map_err(|error| Error::io("write the registry in", scratch.clone(), error))?;
    }
    observer.step(&format!("CreateSandboxLayer: Layer created, name: [{id}]"));
    let Stack { layers, merged } = stack;
    let root = Root { volume: scratch.clone(), scratch, layers };
    let (engine, id) = (engine.clone(), id.clone());
    Ok(LinuxGrants {
        engine,
        id,
        spec,
        root,
        loader,
        system,
        start_up,
        merged,
        account,
        sources,
        groups,
        stdio,
        rollback,
    })
}

/// Finds the base layer, or makes it, and keeps it from being removed.
fn ensure_base(
    engine: &LinuxEngine,
    wine: &Wine,
    system: &root::System,
    rollback: &mut Rollback,
    observer: &dyn Observer,
) -> Result<Base> {
    if files::is_overlay(&engine.data)? {
        return Err(files::on_overlay(&engine.data));
    }
    let (base, hold) = base::ensure(&engine.data, wine, system, observer)?;
    rollback.push("let go of the base layer", move || {
        drop(hold);
        Ok(())
    });
    Ok(base)
}

fn user_of(spec: &Spec) -> Result<User> {
    match &spec.process.user {
        spec::User::Default => User::find(None),
        spec::User::Named(name) => User::find(Some(name.as_str())),
    }
}

fn open_mounts(engine: &LinuxEngine, spec: &Spec, sources: &mut Sources) -> Result<()> {
    let own_roots = engine.real_roots();
    for (index, mount) in spec.mounts.iter().enumerate() {
        // The process directory comes first and is no entry of `mounts`.
        let key = match index.checked_sub(1) {
            None => "process_directory".to_owned(),
            Some(index) => format!("mounts[{index}].source"),
        };
        sources.insert(mount.source.clone(), files::open_directory(&key, &mount.source, &own_roots)?);
    }
    Ok(())
}

/// Finds the executable, spells it as the disk does, and says what loads it.
fn look_at_executable(spec: &mut Spec, sources: &mut Sources) -> Result<Loader> {
    let wine = Wine::find();
    let machine = match &wine {
        Ok(wine) if !wine.runs_32_bit() => Machine::X64,
        // Where there is no Wine, it is that which is told.
        _ => Machine::X64AndX86,
    };
    let directory = sources.open(&spec.process.directory).map_err(super::sandbox_error)?;
    let executable = files::find_executable(directory, &spec.process.executable, machine)?;
    spec.process.executable = executable.path;
    match executable.program {
        Program::Windows { .. } => wine.map(Loader::Wine),
        Program::Native(linking) => native(spec, linking),
    }
}

/// Refuses what the sandbox cannot say or this host cannot hold before anything is made, by the way that is gone for
/// real, with stand-ins for what is not granted yet. Returns the host's control groups, where something is limited.
fn check(
    engine: &LinuxEngine,
    request: &Request,
    loader: &Loader,
    system: &root::System,
    account: OnHost,
    sources: &mut Sources,
) -> Result<Option<Host>> {
    let host = Surroundings {
        system,
        merged: &Merged::default(),
        account,
        start_up: StartUp::default(),
        cpus: engine.host_cpus,
    };
    let lowered = lower(request, loader, &host)?;
    limits::check(&lowered.limits, sources, engine.unenforced)
}

/// A native program's root has nothing but what is mapped.
fn native(spec: &Spec, linking: Linking) -> Result<Loader> {
    let refused = |reason: &str| {
        let subject = spec.process.executable.to_string();
        Err(Error::new(ErrorKind::ProgramNotExecutable, "execute", subject).reason(reason))
    };
    match (linking, &spec.rootfs) {
        (_, Rootfs::ParentLayer(_)) => {
            refused("it is a native program, and layers for those are not supported yet")
        }
        (Linking::Dynamic, _) => refused(
            "it is a native program that needs shared libraries, which its root has not: link it statically",
        ),
        (Linking::Static, Rootfs::EmbeddedBase) => Ok(Loader::Kernel),
    }
}

fn open_stdio(spec: &Spec, sources: &mut Sources, output_mode: u32) -> Result<[OwnedFd; 3]> {
    match &spec.process.stdio {
        StdioSpec::Inherit => {
            let (input, output, error) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
            Ok([
                files::standard("input", input.as_fd())?,
                files::standard("output", output.as_fd())?,
                files::standard("error", error.as_fd())?,
            ])
        }
        StdioSpec::File(path) => {
            let null = File::open("/dev/null").map_err(|error| Error::io("open", "/dev/null", error))?;
            let directory = sources.open(&spec.process.directory).map_err(super::sandbox_error)?;
            let output = files::open_stdout(directory, path, output_mode)?;
            let error = files::standard("error", output.as_fd())?;
            Ok([null.into(), output, error])
        }
    }
}
