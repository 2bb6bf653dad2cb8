//! `hostcompute_nspawn man` and `completions`: made of the same definitions as the help.

use clap::CommandFactory as _;
use nspawn::report::Status;
use nspawn::{Error, ErrorKind, Result};

use crate::args::Arguments;

/// Prints the manual page, in roff, or that of a command of ours.
///
/// # Errors
/// There is no such command, or it cannot be written.
pub(crate) fn page(of: Option<&str>) -> Result<Status> {
    let mut all = Arguments::command();
    // What is said of all commands is said to each.
    all.build();
    let command = match of {
        None => all,
        Some(name) => all
            .find_subcommand(name)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "find", format!("a command {name:?}")))?
            .clone(),
    };
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut text);
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
