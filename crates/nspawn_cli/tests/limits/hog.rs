//! Runs `hog.c` under limits, native and Windows.

use std::process::Command;

use serde_json::{Value, json};

use crate::case::Case;
use crate::launcher::machine::Need;
use crate::launcher::place::Place;
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};
use crate::launcher::who::Who;

const SOURCE: &str = "limits/programs/hog.c";

/// A place with the program in it.
#[derive(Debug)]
pub struct Hog {
    pub place: Place,
    program: &'static str,
    case: Case,
}

impl Hog {
    /// Makes a place for a test, where the machine has all that it needs.
    pub fn ready(case: Case, needs: &[Need]) -> Option<Self> {
        let program_name = match case.target {
            Target::Native => "hog",
            Target::Windows => "hog.exe",
        };
        let made = || Self {
            place: Place::of(case.who).holding(&program(case.target, SOURCE)),
            program: program_name,
            case,
        };
        case.is_possible(needs).then(made)
    }

    /// As [`ready`](Self::ready), where `limits` can be held for who starts it. Where they cannot, the program must not
    /// run: asserts that, and that it is said why.
    pub fn held(case: Case, limits: &Value, needs: &[Need]) -> Option<Self> {
        let hog = Self::ready(case, needs)?;
        if case.who == Who::Root || delegated() {
            return Some(hog);
        }
        hog.is_refused(limits);
        None
    }

    /// Asserts that no program runs with these limits, of which one cannot be held, and that without them it does.
    fn is_refused(&self, limits: &Value) {
        let mut changes = limits.clone();
        changes["stdout_filename"] = json!("out.txt");
        self.configure(&changes, &["memory", "1"]);
        let ran = run(&mut self.launcher());
        assert_eq!(ran.status, Some(125), "{limits}: {ran:?}");
        let said: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        let named = limits.as_object().unwrap().keys().any(|key| said[0].contains(key));
        assert!(said.len() == 1 && named, "{limits}: {ran:?}");
        // What is missing, and what gives it.
        let missing = ["Permission denied", "is not delegated", "no control group file system"];
        assert!(missing.iter().any(|text| said[0].contains(text)), "{ran:?}");
        let cures = ["run as root", "Delegate=", "mount a control group"];
        assert!(cures.iter().any(|cure| said[0].contains(cure)), "{ran:?}");
        assert!(ran.stderr.contains("or start without it: --allow-unenforced"), "{ran:?}");
        let written = std::fs::read(self.place.work().join("out.txt")).unwrap_or_default();
        assert!(written.is_empty(), "{limits}: the program ran");
        self.configure(limits, &["memory", "1"]);
        run(self.launcher().arg("--allow-unenforced")).succeeded();
        let told = self.place.report()["limits"].as_array().unwrap().clone();
        assert!(told.iter().any(|told| told["verdict"] == "not"), "{told:?}");
    }

    /// Returns the command that launches the configuration.
    pub fn launcher(&self) -> Command {
        match self.case.target {
            Target::Native => self.place.launcher(&self.place.root()),
            Target::Windows => self.place.launcher(&self.place.windows_root()),
        }
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
        run(&mut self.launcher())
    }

    /// Returns what the last run's report says of `limit`.
    pub fn verdict(&self, limit: &str) -> Value {
        let report = self.place.report();
        let limits = report["limits"].as_array().unwrap();
        let found = limits.iter().find(|told| told["limit"] == limit);
        found.unwrap_or_else(|| panic!("{limit} is not in {report}")).clone()
    }
}

/// Tells whether a plain user's control groups are delegated to him: the machine says so, where they are.
fn delegated() -> bool {
    std::env::var_os("NSPAWN_TEST_DELEGATED").is_some()
}

/// Returns the number that the program told as `key`.
pub fn number(ran: &Ran, key: &str) -> u64 {
    let told = ran.told(key);
    assert_eq!(told.len(), 1, "{key}: {ran:?}");
    told[0].parse().unwrap()
}
