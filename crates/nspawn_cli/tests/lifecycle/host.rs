//! A place with a program to run in it.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{self, Place, programs};

/// What kind of program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A static one of this host.
    Native,
    /// A Windows one.
    Windows,
}

/// Where one test's containers run.
#[derive(Debug)]
pub struct Host {
    /// Its directory.
    pub place: Place,
    /// What it runs.
    pub kind: Kind,
}

impl Host {
    /// Makes a host for each kind that can run here; says which cannot.
    pub fn all(test: &str) -> Vec<Self> {
        [Self::native(test), Self::windows(test)].into_iter().flatten().collect()
    }

    /// Makes a host for native programs, or says why there is none.
    pub fn native(test: &str) -> Option<Self> {
        let program = support::ready().and_then(|()| programs::native());
        Self::new(&format!("{test}, native"), Kind::Native, program.as_deref())
    }

    /// Makes a host for Windows programs, or says why there is none.
    pub fn windows(test: &str) -> Option<Self> {
        let program = support::ready().and_then(|()| support::wine()).and_then(|()| programs::windows());
        Self::new(&format!("{test}, Windows"), Kind::Windows, program.as_deref())
    }

    fn new(test: &str, kind: Kind, program: Result<&Path, &String>) -> Option<Self> {
        let program = program.inspect_err(|reason| support::skip(test, reason)).ok()?;
        let host = Self { place: Place::new(), kind };
        host.place.install(program, host.executable());
        if kind == Kind::Windows {
            host.place.share_base(&support::shared_root());
        }
        Some(host)
    }

    /// Returns the name of the program's file.
    pub fn executable(&self) -> &'static str {
        match self.kind {
            Kind::Native => "program",
            Kind::Windows => "program.exe",
        }
    }

    /// Returns the config that runs the program with these arguments.
    pub fn config(&self, arguments: &[&str]) -> Value {
        json!({
            "process_directory": self.place.work(),
            "process_executable": self.executable(),
            "process_arguments": arguments,
            "mapped_directory": "c:/work",
            "name": self.place.tag(),
        })
    }

    /// Asserts that nothing is left of its containers.
    pub fn assert_empty(&self, when: &str) {
        assert_eq!(self.place.left(), [""; 0], "left {when}");
    }
}
