//! From what was asked to the documents that an engine takes: pure, touching neither disk nor clock.
//!
//! ```text
//! Spec + Root + host's processors -> decided (once) -> v1 or v2 -> Request
//! ```
//!
//! The documents are those of the Windows Host Compute Service, on each platform: the Linux engine takes the very
//! text that the service would. What the service has no field for travels beside them, in [`Extras`].

mod decided;
mod processor;
mod remark;
mod v1;
mod v2;

use std::num::NonZeroU64;

use serde::{Serialize, Serializer};
use uuid::Uuid;

pub use decided::OWNER;
pub use processor::Share;
pub use remark::Remark;

use crate::error::Result;
use crate::spec::{AffinityMask, ContainerId, Rootfs, Services, Spec};

/// The language the documents are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Schema {
    /// For vmcompute.dll: the only one that build 14393 (Windows Server 2016) takes.
    V1,
    /// For computecore.dll, from build 17763 (Windows Server 2019) on.
    V2,
}

impl Schema {
    /// Both of them, the newer first.
    pub const ALL: &[Self] = &[Self::V2, Self::V1];
}

impl std::fmt::Display for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

/// The document that a compute system is created from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SystemDocument {
    /// In schema v1.
    V1(hcs_schema::v1::ContainerConfig),
    /// In schema v2.
    V2(hcs_schema::v2::ComputeSystem),
}

/// The document that a process is created from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ProcessDocument {
    /// In schema v1.
    V1(hcs_schema::v1::ProcessConfig),
    /// In schema v2.
    V2(hcs_schema::v2::ProcessParameters),
}

/// What the service has no field for. An engine enforces each of these or refuses it by name before it starts
/// anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extras {
    /// The processors that may be used; printed as a hexadecimal mask.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "hexadecimal")]
    pub affinity: Option<AffinityMask>,
    /// How many processes and threads there may be at once (Linux engine only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<NonZeroU64>,
    /// How much of Windows' service world is started (Linux engine only).
    pub services: Services,
}

/// All that an engine needs to know. Serialised for people to read (`--dry-run`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// What the compute system is created from.
    pub system: SystemDocument,
    /// What its first process is created from.
    pub process: ProcessDocument,
    /// What neither of them can say.
    pub extras: Extras,
}

/// The root that the host granted, as the documents name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The mounted scratch layer: on Windows `\\?\Volume{GUID}`, with or without a trailing backslash; on Linux a
    /// path.
    pub volume: String,
    /// The host directory of the scratch layer.
    pub scratch: String,
    /// The read-only layers, topmost first.
    pub layers: Vec<Layer>,
}

impl Root {
    /// Returns what stands for the root of `spec` where none is granted: for documents that are only looked at.
    pub fn stand_in(spec: &Spec) -> Self {
        let layer = |path: &str| Layer { id: Uuid::nil().to_string(), path: path.to_owned() };
        let mut layers = vec![layer("/nspawn/base")];
        if let Rootfs::ParentLayer(parent) = &spec.rootfs {
            layers.insert(0, layer(&parent.to_string_lossy()));
        }
        Self { volume: "/nspawn/scratch".to_owned(), scratch: "/nspawn/scratch".to_owned(), layers }
    }
}

/// A read-only layer, as the documents name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its GUID, lower case, without braces.
    pub id: String,
    /// Its host directory.
    pub path: String,
}

/// Builds the documents of container `id` in `schema`, and says in which points they are not word for word what
/// was asked. `host_cpus` is the number of processors of the host.
///
/// # Errors
/// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec), naming the key: a host path that is not UTF-8, a
/// command line that Windows cannot take, a process directory that nothing maps, more memory than a document can
/// say.
pub fn build(
    id: &ContainerId,
    spec: &Spec,
    root: &Root,
    host_cpus: u32,
    schema: Schema,
) -> Result<(Request, Vec<Remark>)> {
    let (decided, mut remarks) = decided::decide(id, spec, root, host_cpus)?;
    let (system, process) = match schema {
        Schema::V1 => (SystemDocument::V1(v1::system(&decided)), ProcessDocument::V1(v1::process(&decided))),
        Schema::V2 => {
            remarks.extend(v2::remark(&decided));
            (SystemDocument::V2(v2::system(&decided)), ProcessDocument::V2(v2::process(&decided)))
        }
    };
    let extras =
        Extras { affinity: spec.limits.affinity, processes: spec.limits.processes, services: spec.services };
    Ok((Request { system, process, extras }, remarks))
}

/// Writes a mask as people write it.
fn hexadecimal<S: Serializer>(mask: &Option<AffinityMask>, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{:#x}", mask.map_or(0, AffinityMask::bits)))
}

#[cfg(test)]
mod tests;
