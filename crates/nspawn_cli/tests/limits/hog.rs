//! Runs `hog.c` under limits, native and Windows.

use serde_json::{Value, json};

use crate::launcher::machine::{NATIVE, Need, WINDOWS, has};
use crate::launcher::place::{Place, shared_root};
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};

const SOURCE: &str = "limits/programs/hog.c";

/// A place with the program in it.
#[derive(Debug)]
pub struct Hog {
    pub place: Place,
    program: &'static str,
}

impl Hog {
    /// Makes a place for a test, where the machine has all that it needs.
    pub fn ready(test: &str, target: Target, needs: &[Need]) -> Option<Self> {
        let (always, program_name) = match target {
            Target::Native => (NATIVE, "hog"),
            Target::Windows => (WINDOWS, "hog.exe"),
        };
        has(test, &[always, needs])
            .then(|| Self { place: Place::with(&program(target, SOURCE)), program: program_name })
    }

    /// Writes the configuration: these limits, these arguments.
    pub fn configure(&self, limits: &Value, arguments: &[&str]) {
        let mut changes = limits.clone();
        changes["process_arguments"] = json!(arguments);
        // The least of Wine: what is measured is the program.
        changes["services"] = json!("none");
        self.place.configure(self.program, changes);
    }

    /// Runs it.
    pub fn run(&self, limits: &Value, arguments: &[&str]) -> Ran {
        self.configure(limits, arguments);
        run(&mut self.place.launcher(&shared_root()))
    }

    /// Returns what the last run's report says of `limit`.
    pub fn verdict(&self, limit: &str) -> Value {
        let report = self.place.report();
        let limits = report["limits"].as_array().unwrap();
        let found = limits.iter().find(|told| told["limit"] == limit);
        found.unwrap_or_else(|| panic!("{limit} is not in {report}")).clone()
    }
}

/// Returns the number that the program told as `key`.
pub fn number(ran: &Ran, key: &str) -> u64 {
    let told = ran.told(key);
    assert_eq!(told.len(), 1, "{key}: {ran:?}");
    told[0].parse().unwrap()
}
