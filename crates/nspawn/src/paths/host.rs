//! Paths of directories of the host, by the rules of the system that we run on. Both bodies judge text alone and have
//! the same two functions: `host_path` for what a configuration says, `check_host` for what is about to be mapped.

#[cfg(unix)]
mod linux;
#[cfg(all(test, unix))]
mod linux_tests;
// Pure, so that its tests run everywhere.
#[cfg(any(windows, test))]
mod windows;
#[cfg(test)]
mod windows_tests;

#[cfg(unix)]
pub use linux::{check_host, host_path};
#[cfg(windows)]
pub use windows::{check_host, host_path};
