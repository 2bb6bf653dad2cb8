//! What the host gives for one container. What can be refused is looked at first, what leaves something behind comes
//! last.

use std::fs::File;
use std::os::windows::io::{AsHandle, BorrowedHandle};

use hcs_sys::presence::Presence;

use super::error::failed;
use super::outlet::Outlet;
use super::relay::Ends;
use super::system::HcsSystem;
use super::{HcsEngine, checks, files, layers, systems};
use crate::document::{Request, Root, Schema};
use crate::engine::{Grants, Observer, System};
use crate::error::{Error, ErrorKind, Result};
use crate::rollback::Rollback;
use crate::spec::{ContainerId, Rootfs, Spec, StdioSpec};
use crate::state::create_private;

/// See [`Grants`].
#[derive(Debug)]
pub(super) struct HcsGrants {
    pub(super) engine: HcsEngine,
    pub(super) id: ContainerId,
    pub(super) ends: Ends,
    pub(super) rollback: Rollback,
    pub(super) presence: Presence,
    spec: Spec,
    root: Root,
}

impl Grants for HcsGrants {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn root(&self) -> &Root {
        &self.root
    }

    fn create(self: Box<Self>, request: Request) -> Result<Box<dyn System>> {
        Ok(Box::new(HcsSystem::create(*self, request)?))
    }
}

/// See [`Engine::acquire`](crate::engine::Engine::acquire).
pub(super) fn acquire(
    engine: &HcsEngine,
    id: &ContainerId,
    spec: &Spec,
    schema: Schema,
    observer: &dyn Observer,
) -> Result<HcsGrants> {
    let Rootfs::ParentLayer(parent) = &spec.rootfs else {
        return Err(Error::invalid("parent_layer_directory", "is missing: Windows has no layer of its own")
            .with_kind(ErrorKind::Unsupported));
    };
    checks::host(engine.windows)?;
    checks::service(schema)?;
    let say = |remark: Option<String>| remark.iter().for_each(|remark| observer.step(remark));
    say(checks::limits(&spec.limits)?);
    let mut spec = spec.clone();
    for (index, mount) in spec.mounts.iter_mut().enumerate() {
        let key = match mount.source == spec.process.directory {
            true => "process_directory".to_owned(),
            false => format!("mounts[{index}].source"),
        };
        let real = files::real_directory(&key, &mount.source, &engine.own_roots)?;
        if mount.source == spec.process.directory {
            spec.process.directory.clone_from(&real);
        }
        mount.source = real;
    }
    files::check_program(&spec.process.directory, &spec.process.executable)?;
    let (layers, chain) = layers::read_chain(parent)?;
    say(checks::layers(engine.windows, &layers)?);
    // From here on something is made.
    let presence = announce(id)?;
    let ends = open_ends(&spec)?;
    let mut rollback = Rollback::default();
    create_private(&engine.scratch())?;
    let path = engine.scratch().join(id.as_str());
    if path.exists() {
        // Left by a launcher of the same name that was killed; we hold the name now. Before its layer goes, its system.
        systems::end_unheld(id, engine.windows, engine.deadlines)?;
    }
    let volume = layers::mount(&path, &chain, engine.deadlines, &mut rollback)?;
    observer.step(&format!("CreateSandboxLayer: Layer created, name: [{id}]"));
    let root = Root { volume, scratch: path.display().to_string(), layers };
    Ok(HcsGrants { engine: engine.clone(), id: id.clone(), ends, rollback, presence, spec, root })
}

/// Says to this computer that the container has a living launcher, wherever that keeps its state.
fn announce(id: &ContainerId) -> Result<Presence> {
    let subject = || format!("container {id}");
    let announced = Presence::announce(&systems::name_of_launcher(id));
    announced.map_err(|error| failed("announce", subject(), error))?.ok_or_else(|| {
        Error::new(ErrorKind::AlreadyExists, "create", subject()).reason(
            "a container of this name is running, and its launcher keeps its state elsewhere (--root)",
        )
    })
}

fn open_ends(spec: &Spec) -> Result<Ends> {
    let failed = |error| Error::io("duplicate", "a standard handle", error);
    // As files: what a program writes need not be UTF-8, which our own standard handles insist on at a console.
    let duplicate = |handle: BorrowedHandle<'_>| handle.try_clone_to_owned().map(File::from).map_err(failed);
    match &spec.process.stdio {
        StdioSpec::Inherit => Ok(Ends {
            input: Some(duplicate(std::io::stdin().as_handle())?),
            output: Outlet::new("standard output", duplicate(std::io::stdout().as_handle())?),
            error: Some(Outlet::new("standard error", duplicate(std::io::stderr().as_handle())?)),
        }),
        StdioSpec::File(path) => {
            let output = files::open_output(&spec.process.directory, path)?;
            let name = format!("stdout_filename {}", spec.process.directory.join(path.to_string()).display());
            Ok(Ends { input: None, output: Outlet::new(name, output), error: None })
        }
    }
}
