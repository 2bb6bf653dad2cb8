//! What the cases are run on: an engine, and programs for it that behave as told.

use std::sync::Mutex;
use std::time::Duration;

use nspawn::document::Schema;
use nspawn::engine::{Engine, Observer, Search};
use nspawn::launch::Launcher;
use nspawn::spec::{ContainerId, Spec};
use nspawn::state::State;

/// An engine under test.
pub trait Subject {
    /// Returns exit codes that its programs can have.
    fn exit_codes(&self) -> &'static [u32];

    /// Whether its host can tell a program of an event: Windows Server 2016 has no signals for containers.
    fn delivers_events(&self) -> bool {
        true
    }

    /// Makes a host on which a program does as told.
    fn host(&self, program: Behaviour) -> Host;

    /// Makes hosts on which a launch fails, each at another step, and says what is wrong.
    fn broken_hosts(&self) -> Vec<(&'static str, Host)>;
}

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Exits with this code.
    Exits(u32),
    /// Runs until it gets an event, and then exits with this code.
    Heeds(u32),
    /// Runs until it is killed.
    Ignores,
}

/// One engine and what it is to run.
pub struct Host {
    /// The engine.
    pub engine: Box<dyn Engine>,
    /// The schema of the documents; the engine's own where absent.
    pub schema: Option<Schema>,
    /// Where names are claimed.
    pub state: State,
    /// The program.
    pub spec: Spec,
    /// The container's id.
    pub id: ContainerId,
    /// What was said.
    pub observer: Steps,
    /// Waits until the program has begun to behave as told.
    pub ready: Box<dyn Fn() + Sync>,
    /// Returns what is left on the host besides what the engine itself knows of.
    pub left: Box<dyn Fn() -> Vec<String>>,
}

/// How long a program has to end: short, as the cases that use it up wait for it.
pub const GRACE: Duration = Duration::from_millis(300);

impl Host {
    /// Returns a launcher on it.
    pub fn launcher(&self) -> Launcher<'_> {
        Launcher {
            engine: &*self.engine,
            state: &self.state,
            observer: &self.observer,
            schema: self.schema,
            grace: GRACE,
        }
    }

    /// Asserts that nothing is left of the container.
    pub fn assert_empty(&self, when: &str) {
        let found = self.engine.leftovers(Search::Thorough);
        assert!(found.ids.is_empty() && found.unsearched.is_empty(), "left {when}: {found:?}");
        assert_eq!(self.state.claimed().unwrap(), [], "claimed {when}");
        assert_eq!((self.left)(), [""; 0], "left {when}");
    }
}

/// Remembers the steps.
#[derive(Debug, Default)]
pub struct Steps(Mutex<Vec<String>>);

impl Steps {
    /// Returns which of `wanted` were said, in the order in which they were.
    pub fn among(&self, wanted: &[&'static str]) -> Vec<&'static str> {
        let said = self.0.lock().unwrap();
        let known = |line: &String| wanted.iter().find(|wanted| line.contains(**wanted)).copied();
        said.iter().filter_map(known).collect()
    }
}

impl Observer for Steps {
    fn step(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}
