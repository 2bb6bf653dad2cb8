//! The Linux engine: an embedded Host Compute Service. It takes the documents that the service would take, lowers
//! them to a sandbox, and runs Windows programs in it with Wine as their loader.
//!
//! ```text
//! <data>/base/      the embedded base layer, see `base`
//! <data>/scratch/nspawn_<name>/    the scratch layer of one container
//! ```
//!
//! Names are made of the container's id, so that whatever a killed launcher left is found without any record.

mod account;
mod base;
mod distribution;
mod elf;
mod examine;
mod files;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod grants;
mod host_mounts;
mod layers;
mod libraries;
mod limits;
mod loader_cache;
mod lower;
mod making;
mod merge;
mod namespaces;
mod opened_layer;
mod orders;
mod profile;
mod room;
mod root;
mod self_check;
mod stack;
mod system;
#[cfg(test)]
mod tests;
mod trial;
mod view;
mod wine;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use linux_sandbox::Part;
use linux_sandbox::cgroup::{CpuSet, Group, Host, Reach};
use rustix::io::Errno;
use uuid::Uuid;

use crate::doctor::Finding;
use crate::document::{Request, Schema};
use crate::engine::{Capabilities, Engine, Grants, Leftovers, Observer, Search, Unenforced};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{ContainerId, Spec};
use crate::state::{ids_in, remove};

/// How long the last processes of a container may take to leave their control group.
const PATIENCE: Duration = Duration::from_secs(2);

/// The namespace of the keys that tell data directories apart in the names of control groups.
const DATA_KEYS: Uuid = Uuid::from_u128(0x6e73_7061_776e_5f64_6174_615f_6b65_7973);

/// Runs containers on this Linux host.
#[derive(Debug, Clone)]
pub struct LinuxEngine {
    data: PathBuf,
    own_roots: Vec<PathBuf>,
    unenforced: Unenforced,
    output_mode: u32,
    host_cpus: u32,
    one_id: Option<Arc<Error>>,
}

impl LinuxEngine {
    /// Makes an engine that keeps layers below `data`. `own_roots` are all directories where we keep something: they
    /// are never mapped into a container. The umask must leave what we make readable for all: 022 does.
    pub fn new(data: impl Into<PathBuf>, own_roots: Vec<PathBuf>, unenforced: Unenforced) -> Self {
        Self {
            data: data.into(),
            own_roots,
            unenforced,
            output_mode: 0o644,
            host_cpus: host_cpus(),
            one_id: None,
        }
    }

    /// Says why a plain user's programs cannot have a subordinate id's files in their root beside his own.
    #[must_use]
    pub fn with_one_id(mut self, why: Option<Arc<Error>>) -> Self {
        self.one_id = why;
        self
    }

    /// Sets the permission bits of a file for output that does not exist yet; 0644 where this is not called.
    #[must_use]
    pub fn with_output_mode(mut self, mode: u32) -> Self {
        self.output_mode = mode;
        self
    }

    /// Returns the directories that are never mapped, as they are spelled and as they are behind links.
    fn real_roots(&self) -> Vec<PathBuf> {
        let real = self.own_roots.iter().filter_map(|root| fs::canonicalize(root).ok());
        self.own_roots.iter().cloned().chain(real).collect()
    }

    fn scratch(&self) -> PathBuf {
        self.data.join("scratch")
    }

    /// Returns the name of a container's control group. All launchers of a host share its control groups, those that
    /// keep their data elsewhere too: each looks after its own, known by what follows the id.
    fn group_name(&self, id: &ContainerId) -> String {
        format!("{id}{}", self.group_suffix())
    }

    fn group_suffix(&self) -> String {
        // One directory can be spelled in many ways. Where it is absent, nothing was ever started from it.
        let data = fs::canonicalize(&self.data).unwrap_or_else(|_| self.data.clone());
        let (key, ..) = Uuid::new_v5(&DATA_KEYS, data.as_os_str().as_encoded_bytes()).as_fields();
        format!("@{key:08x}")
    }
}

impl Engine for LinuxEngine {
    fn capabilities(&self) -> Capabilities {
        Capabilities { engine: "linux", schema: Schema::V2, schemas: Schema::ALL, host_cpus: self.host_cpus }
    }

    fn acquire(
        &self,
        id: &ContainerId,
        spec: &Spec,
        schema: Schema,
        observer: &dyn Observer,
    ) -> Result<Box<dyn Grants>> {
        if !Path::new("/proc/self/fd").is_dir() {
            let error =
                Error::new(ErrorKind::Unsupported, "use", "/proc").reason("no proc file system is there");
            return Err(error.with_hint("mount -t proc proc /proc"));
        }
        Ok(Box::new(grants::acquire(self, id, spec, schema, observer).map_err(explained)?))
    }

    fn explain(&self, spec: &Spec, request: &Request) -> Result<Option<serde_json::Value>> {
        // Without a look at the file, its name decides.
        let name =
            spec.process.executable.components().last().map_or("", String::as_str).to_ascii_lowercase();
        let loader = match name.ends_with(".exe") || name.ends_with(".com") {
            true => lower::Loader::Wine(wine::Wine::find()?),
            false => lower::Loader::Kernel,
        };
        let id = spec.name.as_ref().map_or_else(|| ContainerId::from_random([0; 8]), ContainerId::named);
        let host = lower::Surroundings {
            system: &root::System::of_host(),
            merged: &merge::Merged::default(),
            account: account::of(&self.group_name(&id)),
            start_up: root::StartUp::default(),
            cpus: self.host_cpus,
        };
        let lowered = lower::lower(request, &loader, &host)?;
        let value = serde_json::to_value(lowered);
        value.map(Some).map_err(|error| Error::new(ErrorKind::Host, "print", "the plan").source(error))
    }

    fn examine(&self, id: &ContainerId) -> Vec<Finding> {
        examine::examine(self, id)
    }

    fn leftovers(&self, search: Search) -> Leftovers {
        let mut found = Leftovers::default();
        found.add(ids_in(&self.scratch(), ContainerId::parse));
        if search == Search::Thorough {
            let suffix = self.group_suffix();
            let ours = |group: &Group| ContainerId::parse(group.name().strip_suffix(&suffix)?);
            found.add(groups(ContainerId::PREFIX).map(|groups| groups.iter().filter_map(ours).collect()));
        }
        found
    }

    fn tidy(&self) -> Result<()> {
        base::remove_unused(&self.data, wine::Wine::find().ok().as_ref())
    }

    fn reclaim(&self, id: &ContainerId, observer: &dyn Observer) -> Result<()> {
        let name = self.group_name(id);
        let groups: Vec<Group> = groups(&name)?.into_iter().filter(|group| group.name() == name).collect();
        for group in &groups {
            group.destroy(PATIENCE).map_err(|error| limits::group_error(&error))?;
        }
        if !groups.is_empty() {
            observer.step(&format!("HcsTerminateComputeSystem: Container terminated, name: [{id}]"));
        }
        let scratch = self.scratch().join(id.as_str());
        let was_there = scratch.symlink_metadata().is_ok();
        remove_scratch(&scratch)?;
        if was_there {
            observer.step(&format!("DestroyLayer: Layer destroyed, name: [{id}]"));
        }
        Ok(())
    }
}

/// Finds control groups of ours in every hierarchy: the launcher that made one may have been in another group.
fn groups(prefix: &str) -> Result<Vec<Group>> {
    let found = Host::detect().and_then(|host| host.leftovers(prefix, Reach::Everywhere));
    found.map_err(|error| limits::group_error(&error))
}

/// Removes a scratch layer, which may be gone. Processes whose launcher was killed may still be ending, and making
/// files while they do.
fn remove_scratch(path: &Path) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match remove(path) {
            Err(error)
                if error.kind() == std::io::ErrorKind::DirectoryNotEmpty && Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done.map_err(|error| Error::io("remove", path.display().to_string(), error)),
        }
    }
}

/// Returns the number of the host's processors, whatever this process may use of them.
fn host_cpus() -> u32 {
    let online = fs::read_to_string("/sys/devices/system/cpu/online").ok();
    let counted = online.and_then(|text| text.parse::<CpuSet>().ok()).map(|set| set.iter().count());
    let usable = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(counted.unwrap_or_else(usable)).unwrap_or(1)
}

/// Says what is to be done where a system call does not exist.
fn explained(error: Error) -> Error {
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let absent = source.is_some_and(|source| source.kind() == std::io::ErrorKind::Unsupported);
    if absent && error.hint().is_none() { error.with_hint(OLD_KERNEL) } else { error }
}

/// What is to be done where a system call does not exist.
const OLD_KERNEL: &str =
    "containers take Linux 5.2 or later, and all of its calls that mount: hostcompute_nspawn doctor";

/// Puts a failure of the sandbox into this library's words.
pub(crate) fn sandbox_error(error: linux_sandbox::Error) -> Error {
    let source = std::io::Error::new(error.io().kind(), error.io().to_string());
    let failed = Error::io(error.op(), error.subject().to_owned(), source);
    let root = rustix::process::geteuid().is_root();
    let root_of_host = root && linux_sandbox::is_host_namespace().unwrap_or(false);
    use std::io::ErrorKind::{NotFound, PermissionDenied, Unsupported};
    match (error.part(), error.io().kind()) {
        (Part::Program, NotFound) => failed.with_kind(ErrorKind::ProgramNotFound),
        (Part::Program, _) => failed.with_kind(ErrorKind::ProgramNotExecutable),
        (_, Unsupported) => failed.with_kind(ErrorKind::Unsupported).with_hint(OLD_KERNEL),
        (Part::UserNamespace, refusal) => namespaces::Facts::of_host().explain(failed, refusal),
        (Part::Overlay, _) if error.io().raw_os_error() == Some(Errno::NODEV.raw_os_error()) => failed
            .with_kind(ErrorKind::Unsupported)
            .with_hint("this kernel lacks overlayfs: modprobe overlay"),
        (Part::Overlay, PermissionDenied) if !root_of_host => failed.with_hint(
            "Windows programs need overlays, which plain users may mount since Linux 5.11; start this with sudo",
        ),
        (Part::Proc, PermissionDenied) if !root_of_host => failed.with_hint(
            "a part of the host's /proc is hidden, as in containers: plain users then have none of their own",
        ),
        (Part::Filter, _) => failed.with_kind(ErrorKind::Unsupported).with_hint(
            "this kernel, or what this runs in, allows no system call filter: no program runs without it",
        ),
        // Who is root and is refused all the same is not helped by sudo.
        (_, PermissionDenied) if root => failed.with_kind(ErrorKind::Host),
        _ => failed,
    }
}
