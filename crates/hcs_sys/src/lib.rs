//! Windows as the launcher needs it: the Host Compute Service and a few functions besides, safe to call.
//!
//! ```text
//! vmcompute     systems, processes and layers          Windows Server 2016 and later; layers on all of them
//! computecore   systems and processes, by operations   Windows Server 2019 and later
//! virtdisk      disks that are files                   all
//! console, pipe, interrupt, privilege, affinity, processors, memory, presence, file_id, version: the rest of Windows
//! ```
//!
//! What a wrapper does, and all that it does:
//! - It finds its function at the first call, in a DLL of the system's own directory: one program starts on every
//!   Windows, and a DLL or function that is missing is an [`Error`] that names it.
//! - It takes documents as JSON text and returns them so; this crate knows none of them.
//! - It owns what it gets. Handles are types whose drop closes them; borrowing keeps them open for as long as a call
//!   uses them. Strings are freed by the function that the DLL documents: `CoTaskMemFree` for those of vmcompute.dll,
//!   `LocalFree` for those of computecore.dll.
//! - It always asks for the result document, and keeps it in the error.
//! - It returns codes as [`Code`], in which both families of the service are one.
//! - Callbacks send a [`Notification`] on a channel and do nothing else: they take no lock, so closing and
//!   unregistering, which wait for them, can be done anywhere.
//!
//! What the calls mean together, in which order and with which deadlines, is not known here.

mod code;
mod error;
// Pure, so that its tests run everywhere.
#[cfg(any(windows, test))]
mod layout;
mod notification;
mod wide;

#[cfg(windows)]
pub mod affinity;
#[cfg(windows)]
pub mod computecore;
#[cfg(windows)]
pub mod console;
#[cfg(windows)]
pub mod file_id;
#[cfg(windows)]
mod handle;
#[cfg(windows)]
pub mod interrupt;
#[cfg(windows)]
mod library;
#[cfg(windows)]
pub mod memory;
#[cfg(windows)]
pub mod pipe;
#[cfg(windows)]
pub mod presence;
#[cfg(windows)]
pub mod privilege;
#[cfg(windows)]
pub mod processors;
#[cfg(windows)]
mod returned;
#[cfg(windows)]
mod sink;
#[cfg(windows)]
mod started;
#[cfg(windows)]
pub mod version;
#[cfg(windows)]
pub mod virtdisk;
#[cfg(windows)]
pub mod vmcompute;

pub use code::Code;
pub use error::{Error, Result};
#[cfg(windows)]
pub use layout::Guid;
pub use notification::{Kind, Notification};
#[cfg(windows)]
pub use started::Started;
pub use wide::Wide;
