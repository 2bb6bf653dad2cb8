//! `cargo xtask`: builds, tests, measures and demonstrates the project.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers, which tells what it does"
)]

mod agent;
mod bench;
#[cfg(test)]
mod checks;
mod demo;
mod dist;
mod executable;
mod fuzz;
mod hosts;
mod launcher;
mod packages;
mod programs;
mod ready_made;
mod shell;
mod test;
mod vm;
mod windows;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

/// Builds, tests, measures and demonstrates the project.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run a Windows program in a container: the original program's own example
    Demo,
    /// Check and test everything, with real Windows programs too
    Test,
    /// Fetch the real Windows programs of the tests, and their Linux builds
    Programs,
    /// Rebuild the guest programs, which are committed beside their source
    Agent {
        /// Compare the bytes instead of replacing them
        #[arg(long)]
        check: bool,
    },
    /// Build the launcher for Windows, and test what is for Windows alone under Wine
    Windows,
    /// Make what users get: a tar file for Linux and a zip file for Windows
    Dist {
        /// Build a copy elsewhere, too, and compare the bytes
        #[arg(long)]
        check: bool,
    },
    /// Boot a machine with control groups of version 2 alone, and run the tests of limits in it
    Vm {
        /// Only suites whose names begin so
        suites: Vec<String>,
    },
    /// Run the fuzz targets, one after the other, with a fuzzer that is guided by coverage
    Fuzz {
        /// Only these
        targets: Vec<String>,
        /// How long each is run
        #[arg(long, value_name = "N", default_value_t = 120)]
        seconds: u64,
    },
    /// Run the tests on other releases of Debian, with their Wines: bookworm, trixie and sid, or the named ones
    Hosts {
        /// Names of suites of Debian's archive
        suites: Vec<String>,
    },
    /// Measure, beside programs that do the like
    Bench {
        #[command(subcommand)]
        what: Measure,
    },
}

#[derive(Debug, Subcommand)]
enum Measure {
    /// Time and memory of starting containers; prints a Markdown table
    Start,
    /// Calls of the Host Compute Service, time and memory of a launch on Windows, under Wine; prints a Markdown table
    Hcs,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo => demo::run(),
        Task::Test => test::run(),
        Task::Programs => fetch_programs(),
        Task::Windows => windows::run(),
        Task::Vm { suites } => vm::run(&suites),
        Task::Fuzz { targets, seconds } => fuzz::run(&targets, seconds),
        Task::Hosts { suites } => hosts::run(&suites),
        Task::Agent { check } => agent::run(check).map(|_| ()),
        Task::Dist { check } => dist::run(check),
        Task::Bench { what: Measure::Start } => bench::start(),
        Task::Bench { what: Measure::Hcs } => bench::hcs::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn fetch_programs() -> Result<()> {
    packages::install(&packages::PIP);
    let failures = programs::fetch_all()?;
    if !failures.is_empty() {
        bail!("cannot fetch {}", failures.join("; "));
    }
    Ok(())
}
