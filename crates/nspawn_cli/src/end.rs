//! How we end.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::with;
#[cfg(windows)]
pub(crate) use windows::with;
