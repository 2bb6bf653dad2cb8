//! `hostcompute_nspawn`: the command line. Parses, prints, and calls the library; no logic of containers is here.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod end;
mod failure;
mod signals;
mod ui;

use std::process::ExitCode;

use nspawn::report::{FAILED, Status};

/// Exit status of a launcher that did what it was asked to.
const SUCCESS: Status = 0;

fn main() -> ExitCode {
    end::with(obey())
}

/// Does what the command line says; returns what to end with.
fn obey() -> Status {
    let arguments = match args::Arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no failure; a closed output is no matter.
            let _ = error.print();
            return if error.use_stderr() { FAILED } else { SUCCESS };
        }
    };
    let done = match &arguments.command {
        None if arguments.run.dry_run => commands::dry_run::run(&arguments),
        None => commands::run::run(&arguments),
        Some(args::Command::Gc { json }) => commands::gc::run(&arguments, *json),
        Some(args::Command::Doctor { json }) => commands::doctor::run(&arguments, *json),
        Some(args::Command::Schema) => commands::schema::run(),
        Some(args::Command::Man { command }) => commands::manual::page(command.as_deref()),
        Some(args::Command::Completions { shell }) => commands::manual::completions(*shell),
    };
    done.unwrap_or_else(|error| failure::report(&error))
}
