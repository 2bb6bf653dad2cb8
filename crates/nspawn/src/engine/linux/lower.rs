//! From HCS documents to a sandbox: pure, and what `--dry-run` prints.

use std::path::PathBuf;

use linux_sandbox::{Access, AddressLayout, Interface, Mount, Node, Owner, Plan, Program};
use serde::Serialize;

use super::account::{OnHost, User};
use super::limits::{self, Wanted};
use super::merge::{Merge, Merged};
use super::orders::Orders;
use super::root::{self, StartUp, System};
use super::stack::upper_of;
use super::view::{self, MappedView, ProcessView, SystemView};
use super::{layers, wine::Wine};
use crate::document::Request;
use crate::error::{Error, ErrorKind, Result};
use crate::refusal::{quoted, refuse};
use crate::spec::{self, ContainerPath};

/// The build that programs are told: Windows Server 2022.
pub(super) const BUILD: u32 = 20348;

/// What the program is, and with it what its root is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loader {
    /// A Windows program: Wine loads it, in a prefix over the embedded base layer.
    Wine(Wine),
    /// A native program: the kernel loads it; drive C is the root.
    Kernel,
}

/// A request, lowered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Lowered {
    /// The sandbox.
    pub(super) plan: Plan,
    /// The account in it.
    #[serde(serialize_with = "name_of")]
    pub(super) user: User,
    /// Its limits, before this host's devices and controllers are looked at.
    pub(super) limits: Wanted,
}

/// What of the host a plan is made of, besides the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Its files.
    pub(super) system: &'a System,
    /// How the layers become one drive C.
    pub(super) merged: &'a Merged,
    /// Who the programs are.
    pub(super) account: OnHost,
    /// How sessions begin on its base layer.
    pub(super) start_up: StartUp,
    /// The number of its processors.
    pub(super) cpus: u32,
}

/// Lowers a request.
///
/// # Errors
/// `Unsupported` or `InvalidSpec`, naming what cannot be carried out.
pub(super) fn lower(request: &Request, loader: &Loader, host: &Surroundings<'_>) -> Result<Lowered> {
    let container = view::system(&request.system)?;
    let process = view::process(&request.process)?;
    let limits = limits::wanted(&container, &request.extras, host.cpus)?;
    let user = User::find(process.user.as_deref())?;
    let mut plan = match loader {
        Loader::Wine(wine) => windows(&container, (&process, user), request, wine, host)?,
        Loader::Kernel => native(&container, (&process, user), host)?,
    };
    if let Some(cpus) = &limits.cpus {
        // Programs count processors by this file; the control group alone would not change it. Wine numbers those that
        // it counts from 0 on and knows no others: it must count up to the last that may be used.
        let seen = match (loader, cpus.iter().last()) {
            (Loader::Wine(_), Some(last @ 1..)) => format!("0-{last}\n"),
            _ => format!("{cpus}\n"),
        };
        let file = "etc/cpu_online";
        let content = seen.into();
        plan.root.push(Node::File { path: file.to_owned(), content, mode: 0o444, owner: Owner::Host });
        plan.mounts.push(Mount::Own {
            source: file.to_owned(),
            target: "sys/devices/system/cpu/online".to_owned(),
            access: Access::ReadOnly,
        });
    }
    Ok(Lowered { plan, user, limits })
}

fn name_of<S: serde::Serializer>(user: &User, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(user.name())
}

fn windows(
    container: &SystemView,
    (process, user): (&ProcessView, User),
    request: &Request,
    wine: &Wine,
    host: &Surroundings<'_>,
) -> Result<Plan> {
    let Surroundings { system, merged, .. } = host;
    check_lengths(process)?;
    let orders = Orders {
        start_up: host.start_up,
        services: request.extras.services,
        affinity: request.extras.affinity,
        build: BUILD,
        command_line: &process.command_line,
        working_directory: process.working_directory.to_string(),
        computer_name: &container.hostname,
        environment: &process.environment,
    };
    let mut plan = session(wine, system, (host.account, user), &container.hostname, &orders);
    plan.mounts.extend(prefix(container, &merged.merge)?);
    let drive = format!("{}/drive_c", root::PREFIX);
    let mut spellings = merged.spellings.clone();
    for directory in &container.mapped {
        plan.mounts.push(map(directory, format!("{drive}/{}", spellings.spell(&directory.destination)))?);
    }
    Ok(plan)
}

/// Returns the sandbox of a session in which the agent does what it is ordered; its Wine prefix is still to be mounted.
pub(super) fn session(
    wine: &Wine,
    system: &System,
    (account, user): (OnHost, User),
    hostname: &str,
    orders: &Orders<'_>,
) -> Plan {
    let mut nodes = root::nodes(hostname);
    nodes.extend(root::agent_nodes(orders.encode()));
    let mut mounts = root::mounts(system, wine);
    mounts.push(Mount::writable("run/nspawn"));
    Plan {
        hostname: hostname.to_owned(),
        root: nodes,
        mounts,
        account: Some(account.account(user)),
        program: Program {
            executable: wine.loader.to_string_lossy().into_owned(),
            arguments: vec![wine.name(), r"C:\windows\nspawn_agent.exe".to_owned()],
            environment: root::session_environment(orders.start_up, user),
            directory: format!("/{}/drive_c", root::PREFIX),
            layout: root::WINE_LAYOUT,
        },
        interface: wine.interface(),
        note: Some(super::orders::NOTE.to_owned()),
    }
}

/// The longest program path that `CreateProcess` takes from a command line, in UTF-16 units: MAX_PATH less its NUL.
const PROGRAM_MAX: usize = 259;
/// The longest current directory, in UTF-16 units: it has a backslash at its end besides. Wine 8 writes past its
/// buffer where it is longer.
const DIRECTORY_MAX: usize = 258;

fn check_lengths(process: &ProcessView) -> Result<()> {
    let units = |text: &str| text.encode_utf16().count();
    let directory = process.working_directory.to_string();
    if units(&directory) > DIRECTORY_MAX {
        let what = format!("is longer than the {DIRECTORY_MAX} UTF-16 units that Windows takes");
        return Err(refuse("working_directory", what, &directory));
    }
    let program = process.arguments.first().map_or("", String::as_str);
    if units(program) > PROGRAM_MAX {
        let reason = format!("its path is longer than the {PROGRAM_MAX} UTF-16 units that Windows takes");
        return Err(Error::new(ErrorKind::ProgramNotExecutable, "execute", quoted(program)).reason(reason));
    }
    Ok(())
}

/// The Wine prefix: the base layer under the scratch layer; where there are other layers, drive C is an overlay of its
/// own, of their files over the base's, and the seams lie over that.
fn prefix(container: &SystemView, merge: &Merge) -> Result<Vec<Mount>> {
    let (base, others) =
        container.layers.split_last().ok_or_else(|| Error::invalid("Layers", "there is none"))?;
    let overlay = |lower: Vec<PathBuf>, name: &str, target: String| Mount::Overlay {
        lower,
        scratch: container.scratch.clone().into(),
        upper: name.to_owned(),
        work: format!("{name}.work"),
        target,
    };
    let mut mounts = vec![overlay(vec![base.into()], "prefix", root::PREFIX.to_owned())];
    if others.is_empty() {
        return Ok(mounts);
    }
    let roots: Vec<PathBuf> = others.iter().map(layers::files).chain([layers::drive_of(base)]).collect();
    let drive = format!("{}/drive_c", root::PREFIX);
    mounts.push(overlay(roots.clone(), &upper_of(0), drive.clone()));
    for (number, seam) in merge.seams.iter().enumerate() {
        let lower = seam.lower.iter().map(|place| roots[place.layer].join(&place.path)).collect();
        mounts.push(overlay(lower, &upper_of(number + 1), format!("{drive}/{}", seam.target)));
    }
    Ok(mounts)
}

/// Maps a directory to `target`, a path in the root.
fn map(directory: &MappedView, target: String) -> Result<Mount> {
    if target.len() >= PATH_MAX {
        let text = directory.destination.to_string();
        return Err(refuse("mapped_directory", "is longer than Linux, which makes it, can say", &text));
    }
    let access = match directory.access {
        spec::Access::ReadOnly => Access::ReadOnly,
        spec::Access::ReadWrite => Access::ReadWrite,
    };
    Ok(Mount::Bind { source: PathBuf::from(&directory.source), target, access, owner: Owner::Program })
}

/// The longest path that a system call of Linux takes, in bytes, with its leading slash (limits.h counts a closing
/// NUL besides).
const PATH_MAX: usize = 4095;

/// Directories of a native program's root that are not for mapping over.
const TAKEN: [&str; 11] = ["bin", "dev", "etc", "home", "lib", "lib64", "proc", "run", "sys", "tmp", "usr"];

fn native(
    container: &SystemView,
    (process, user): (&ProcessView, User),
    host: &Surroundings<'_>,
) -> Result<Plan> {
    for directory in &container.mapped {
        let first = directory.destination.components().first().map_or("", String::as_str);
        if TAKEN.contains(&first) {
            let reason =
                format!("{} is taken: for a native program drive C is the root", directory.destination);
            return Err(Error::invalid("mapped_directory", reason));
        }
    }
    let in_root = |path: &ContainerPath| format!("/{}", path.components().join("/"));
    let (program, arguments) = process.arguments.split_first().ok_or_else(|| {
        Error::new(ErrorKind::InvalidSpec, "read", "CommandLine").reason("names no program")
    })?;
    let executable = in_root(&ContainerPath::parse_any("CommandLine", program)?);
    let mut environment = vec!["HOME=/home".to_owned(), "PATH=/usr/bin:/bin".to_owned()];
    environment
        .retain(|set| !process.environment.iter().any(|(name, _)| set.starts_with(&format!("{name}="))));
    environment.extend(process.environment.iter().map(|(name, value)| format!("{name}={value}")));
    let mut mounts = root::native_mounts(host.system);
    for directory in &container.mapped {
        mounts.push(map(directory, directory.destination.components().join("/"))?);
    }
    Ok(Plan {
        hostname: container.hostname.clone(),
        root: root::native_nodes(&container.hostname),
        mounts,
        account: Some(host.account.account(user)),
        program: Program {
            arguments: std::iter::once(executable.clone()).chain(arguments.iter().cloned()).collect(),
            executable,
            environment,
            directory: in_root(&process.working_directory),
            layout: AddressLayout::Random,
        },
        // Programs for the other are refused.
        interface: Interface::X86_64,
        note: None,
    })
}
