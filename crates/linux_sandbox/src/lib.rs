//! A sandbox as data, and the code that carries it out: namespaces, mounts by descriptor, control groups and the
//! container's pid 1. Knows neither HCS nor Wine.
//!
//! ```text
//! Plan ──stage──> Staged ──clone3──> Sandbox
//!  pure data      detached mounts     pid 1 attaches them, starts the program, reports how it ended
//! ```
//!
//! Everything that names a host path happens in the launcher, once, through descriptors ([`Sources`], `stage`):
//! what is handed to the child are detached mounts and the descriptors of the places they belong. The child only
//! moves them there, so no path is used after a check.
#![cfg(target_os = "linux")]

pub mod cgroup;

mod attached;
mod below;
mod child;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod init;
mod mask;
mod message;
mod mount_line;
mod overlay;
mod own;
mod plain_user;
mod plan;
mod poll;
mod raw;
mod restrict;
mod sandbox;
mod seccomp;
#[cfg(test)]
mod skipped;
mod sources;
mod stage;
mod subordinate;
mod texts;
mod user;

pub use below::{Links, open_below};
pub use error::{Error, Part, Result};
pub use message::NOTE_LEN;
pub use mount_line::{MOUNTS, MountLine, mount_text, read_mounts};
pub use plain_user::{OwnIds, become_own_root, is_host_namespace, is_own_root, second_ids};
pub use plan::{
    Access, Account, AddressLayout, Ids, Interface, Mount, Node, Other, Owner, Ownership, Plan, Program,
};
pub use sandbox::{Exit, ProgramExit, Resources, Sandbox, Stdio};
pub use seccomp::filters;
pub use sources::Sources;
pub use stage::{Staged, stage};
pub use subordinate::unused_subordinate_ids;
