//! What a thread shares with its process, and ours must not: a host of this library has other threads, which we must
//! neither disturb nor be disturbed by.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::set_apart;
#[cfg(windows)]
pub(crate) use windows::set_apart;
