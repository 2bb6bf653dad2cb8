//! What differs between hosts: where they keep things, and which engine runs containers there.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::{engine, usual_places};
#[cfg(windows)]
pub(crate) use windows::{engine, usual_places};
