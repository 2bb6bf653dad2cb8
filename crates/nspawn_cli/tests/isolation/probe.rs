//! Runs the probes of `programs/`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::case::Case;
use crate::launcher::machine::Need;
use crate::launcher::place::Place;
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};

/// Errors of Linux (asm-generic/errno-base.h), as system calls return them.
pub const EPERM: i64 = -1;
pub const ENOENT: i64 = -2;
pub const ESRCH: i64 = -3;
pub const EACCES: i64 = -13;
pub const ETXTBSY: i64 = -26;
pub const EROFS: i64 = -30;
pub const ENOSYS: i64 = -38;
pub const ECONNREFUSED: i64 = -111;

/// A place with a probe in it.
#[derive(Debug)]
pub struct Probe {
    pub place: Place,
    program: &'static str,
    target: Target,
}

impl Probe {
    /// Makes a place for the probe that makes system calls, where the machine has all that it needs.
    pub fn ready(case: Case, needs: &[Need]) -> Option<Self> {
        let name = match case.target {
            Target::Native => "probe",
            Target::Windows => "probe.exe",
        };
        Self::of(case, ("isolation/programs/probe.c", name), needs)
    }

    /// Makes a place for the probe that uses Windows' own functions, which root starts.
    pub fn of_windows(name: &'static str, needs: &[Need]) -> Option<Self> {
        let case = Case::of_root(name, Target::Windows);
        Self::of(case, ("isolation/programs/windows_view.c", "windows_view.exe"), needs)
    }

    fn of(case: Case, (source, name): (&str, &'static str), needs: &[Need]) -> Option<Self> {
        let made = || Self {
            place: Place::of(case.who).holding(&program(case.target, source)),
            program: name,
            target: case.target,
        };
        case.is_possible(needs).then(made)
    }

    /// Returns the name of its file.
    pub fn program(&self) -> &'static str {
        self.program
    }

    /// Writes the configuration: `changes`, and these arguments.
    pub fn configure(&self, mut changes: Value, arguments: &[&str]) {
        changes["process_arguments"] = json!(arguments);
        if changes.get("services").is_none() {
            changes["services"] = json!("none");
        }
        self.place.configure(self.program, changes);
    }

    /// Runs it.
    pub fn run(&self, changes: Value, arguments: &[&str]) -> Ran {
        self.configure(changes, arguments);
        run(&mut self.launcher()).succeeded()
    }

    /// Returns the command that launches the configuration.
    pub fn launcher(&self) -> Command {
        self.place.launcher(&self.root())
    }

    /// Returns where its launchers keep state.
    pub fn root(&self) -> PathBuf {
        match self.target {
            Target::Native => self.place.root(),
            Target::Windows => self.place.windows_root(),
        }
    }
}

/// Returns what the probe told of each of its subjects: `KEY RESULT SUBJECT`, or the other way round where
/// the subject is one word.
pub fn results(ran: &Ran, key: &str) -> Vec<(i64, String)> {
    let told = ran.told(key).into_iter().map(|line| {
        let (first, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match first.parse() {
            Ok(result) => (result, rest.to_owned()),
            Err(_) => (rest.parse().unwrap(), first.to_owned()),
        }
    });
    told.collect()
}

/// Asserts that each of the results is one of `wanted`, and that there are as many as asked for.
pub fn assert_all(ran: &Ran, key: &str, count: usize, wanted: &[i64]) {
    let told = results(ran, key);
    assert_eq!(told.len(), count, "{ran:?}");
    let others: Vec<_> = told.iter().filter(|(result, _)| !wanted.contains(result)).collect();
    assert!(others.is_empty(), "{others:?} are not among {wanted:?}");
}
