//! `hostcompute_nspawn man` and `completions`: made of the same definitions as the help.

use clap::CommandFactory as _;
use nspawn::report::Status;
use nspawn::{Error, Result};

use crate::args::Arguments;

/// Prints the manual page, in roff.
///
/// # Errors
/// It cannot be written.
pub(crate) fn page() -> Result<Status> {
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(Arguments::command()).render(&mut text);
    rendered.map_err(|error| Error::io("make", "the manual page", error))?;
    super::print(String::from_utf8_lossy(&text).trim_end())
}

/// Prints the completions of `shell`.
///
/// # Errors
/// It cannot be written.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Status> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hostcompute_nspawn", &mut text);
    super::print(String::from_utf8_lossy(&text).trim_end())
}
