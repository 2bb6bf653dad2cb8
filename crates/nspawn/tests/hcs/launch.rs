//! One launch after another of the same container, in this process.

use std::time::{Duration, Instant};

use nspawn::collect::{Collected, collect};
use nspawn::config::{self, Overrides};
use nspawn::document::Schema;
use nspawn::engine::hcs::{Deadlines, HcsEngine};
use nspawn::engine::{Observer, Search, Silent};
use nspawn::launch::{Launcher, Running};
use nspawn::report::Report;
use nspawn::spec::{ContainerId, Spec};
use nspawn::state::State;
use nspawn::{Error, Result};
use serde_json::{Value, json};

use crate::standin::{Call, Place, Standin};

/// The exit code of the program.
pub const CODE: u32 = 7;

/// How long a launch may take that waits for no deadline: those of [`ample`] are twice as long.
pub const SOON: Duration = Duration::from_secs(10);

/// How long a program has to end.
pub const GRACE: Duration = Duration::from_secs(1);

/// Takes the crate's name off the path of a test.
pub fn name(path: &'static str) -> &'static str {
    path.split_once("::").map_or(path, |(_, name)| name)
}

/// Deadlines that no call of the stand-in comes near.
pub fn ample() -> Deadlines {
    let ample = Duration::from_secs(20);
    Deadlines {
        create: ample,
        ask: ample,
        signal: Duration::from_secs(1),
        shutdown: ample,
        terminate: ample,
        look: ample,
        relay: Duration::from_secs(1),
        retry: Duration::from_millis(1),
        busy: Duration::from_millis(50),
    }
}

/// A container that is launched again and again.
#[derive(Debug)]
pub struct Subject<'a> {
    standin: &'a Standin,
    schema: Schema,
    pub place: Place,
    own_roots: Vec<std::path::PathBuf>,
    state: State,
    spec: Spec,
    pub id: ContainerId,
}

/// What came of a launch.
#[derive(Debug)]
pub struct Launched {
    /// The report, and whether all was given back; or why it failed.
    pub result: Result<(Report, Result<()>)>,
    /// How long it took.
    pub elapsed: Duration,
    /// The calls that were made.
    pub calls: Vec<Call>,
}

impl<'a> Subject<'a> {
    /// Makes a place for it; `changes` are keys of config.json.
    pub fn new(standin: &'a Standin, schema: Schema, changes: &Value) -> Self {
        Self::running(standin, schema, &["say", &CODE.to_string(), "word"], changes)
    }

    /// Makes a place for one whose program is given these arguments.
    pub fn running(standin: &'a Standin, schema: Schema, arguments: &[&str], changes: &Value) -> Self {
        let place = Place::new();
        let own_roots = vec![place.at("root").join("run"), place.at("root").join("data")];
        let overrides = Overrides { own_roots: own_roots.clone(), ..Overrides::default() };
        let config = place.config(arguments, changes).to_string();
        let spec = config::parse(config.as_bytes(), &place.at("config.json"), &overrides).unwrap();
        let id = ContainerId::named(spec.name.as_ref().unwrap());
        let state = State::new(place.at("root").join("run"));
        Self { standin, schema, place, own_roots, state, spec, id }
    }

    fn engine(&self, deadlines: Deadlines) -> HcsEngine {
        HcsEngine::new(self.place.at("root").join("data"), self.own_roots.clone(), deadlines)
    }

    /// Launches it once, with such faults.
    pub fn launch(&self, deadlines: Deadlines, faults: &Value) -> Launched {
        self.launch_and(deadlines, faults, |_| ())
    }

    /// Launches it once, with such faults, and tells an observer.
    pub fn launch_telling(&self, deadlines: Deadlines, faults: &Value, observer: &dyn Observer) -> Launched {
        self.launch_with(deadlines, faults, observer, |_| ())
    }

    /// Launches it once, with such faults, and does something once it runs.
    pub fn launch_and(
        &self,
        deadlines: Deadlines,
        faults: &Value,
        meanwhile: impl FnOnce(&Running<'_>),
    ) -> Launched {
        self.launch_with(deadlines, faults, &Silent, meanwhile)
    }

    fn launch_with(
        &self,
        deadlines: Deadlines,
        faults: &Value,
        observer: &dyn Observer,
        meanwhile: impl FnOnce(&Running<'_>),
    ) -> Launched {
        let engine = self.engine(deadlines);
        let (engine, state, schema) = (&engine, &self.state, Some(self.schema));
        let launcher = Launcher { engine, state, observer, schema, grace: GRACE };
        self.standin.begin(faults);
        let began = Instant::now();
        let created = launcher.create(&self.id, &self.spec);
        let running = created.and_then(|created| created.start()).inspect(meanwhile);
        let ended = running.and_then(|running| running.wait());
        let result = ended.map(|ended| ended.remove());
        Launched { result, elapsed: began.elapsed(), calls: self.standin.calls() }
    }

    /// Leaves what a launcher of such a container would that was killed, had the service failed to end its system.
    pub fn leave(&self, name: &str) -> ContainerId {
        let id = ContainerId::parse(&format!("{}{name}", self.id)).unwrap();
        self.standin.leave(id.as_str(), &self.place.scratch(id.as_str()));
        id
    }

    /// Removes what launches left, as the next command does.
    pub fn collect(&self) -> Collected {
        self.collect_despite(&json!([]))
    }

    /// Removes what launches left, with such faults.
    pub fn collect_despite(&self, faults: &Value) -> Collected {
        self.collect_within(ample(), faults)
    }

    /// Removes what launches left, with such faults and deadlines.
    pub fn collect_within(&self, deadlines: Deadlines, faults: &Value) -> Collected {
        self.standin.begin(faults);
        collect(&self.engine(deadlines), &self.state, Search::Thorough).unwrap()
    }

    /// Returns what is left of it, here and in the service. All that is its bears its id.
    pub fn left(&self) -> Vec<String> {
        let of_service = self.standin.left().into_iter();
        // A layer's path is told in small letters.
        let id = self.id.as_str().to_lowercase();
        let own = of_service.filter(|what| what.to_lowercase().contains(&id));
        own.chain(self.place.left()).collect()
    }
}

impl Launched {
    /// Returns the report of a launch that succeeded in all.
    pub fn report(self) -> Report {
        let (report, removed) = self.result.unwrap_or_else(|error| panic!("{}", told(&error)));
        removed.unwrap_or_else(|error| panic!("{}", told(&error)));
        report
    }

    /// Returns all that was said of what went wrong; nothing where nothing did.
    pub fn failure(&self) -> Option<String> {
        match &self.result {
            Err(error) | Ok((_, Err(error))) => Some(told(error)),
            Ok((_, Ok(()))) => None,
        }
    }
}

fn told(error: &Error) -> String {
    let events = error.events().iter().map(|event| format!("; {event}"));
    std::iter::once(error.one_line()).chain(events).collect()
}
