//! The only platform seam: an engine takes HCS documents and runs what they describe.
//!
//! ```text
//! Engine::acquire -> Grants -> create -> System -> start, spawn -> Process
//!                                            └── release: everything back, last first
//! ```
//!
//! Three bodies: `linux` (ours, Wine as loader), `fake` (scripted, for tests) and, on Windows, the Host Compute
//! Service.

pub mod fake;
// Pure, so that their tests run everywhere.
#[cfg(any(windows, test, fuzzing))]
mod file_version;
#[cfg(any(windows, test, fuzzing))]
mod fit;
#[cfg(all(target_os = "linux", any(test, fuzzing)))]
pub(crate) mod fuzzing;
#[cfg(windows)]
pub mod hcs;
#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(any(windows, test, fuzzing))]
mod place;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::doctor::Finding;
use crate::document::{Request, Root, Schema};
use crate::error::{Error, ErrorKind, Result};
use crate::report::UserReport;
use crate::spec::{ContainerId, Spec};

/// What runs containers on this host.
pub trait Engine: Send + Sync {
    /// Returns what it is and can do.
    fn capabilities(&self) -> Capabilities;

    /// Takes from the host what `spec` needs: layers, directories, files, and a place for changes. Called once a
    /// container, before its documents are built, which will be of `schema`; blocks, for seconds where a base layer must
    /// be made first.
    ///
    /// # Errors
    /// Whatever is missing or refused; what was taken so far has been given back.
    fn acquire(
        &self,
        id: &ContainerId,
        spec: &Spec,
        schema: Schema,
        observer: &dyn Observer,
    ) -> Result<Box<dyn Grants>>;

    /// Describes, in the engine's own terms, how it would carry out `request`; touches nothing. `None` where the
    /// documents say all there is.
    ///
    /// # Errors
    /// The request cannot be carried out.
    fn explain(&self, spec: &Spec, request: &Request) -> Result<Option<serde_json::Value>>;

    /// Returns the containers of which this host still holds something, found by their names: no file is needed. A
    /// place that cannot be searched keeps none from being searched.
    fn leftovers(&self, search: Search) -> Leftovers;

    /// Removes what belongs to no container and was left half-made. Called by a thorough collection.
    ///
    /// # Errors
    /// Something could not be removed.
    fn tidy(&self) -> Result<()>;

    /// Finds out what this host can do, by trying. `id` is free, and names what is made for that; it is removed again.
    fn examine(&self, id: &ContainerId) -> Vec<Finding>;

    /// Ends and removes whatever is left of a container whose launcher is gone, telling `observer` each step. May be
    /// repeated.
    ///
    /// # Errors
    /// The first thing that could not be removed, the others attached: none of them stops the rest.
    fn reclaim(&self, id: &ContainerId, observer: &dyn Observer) -> Result<()>;
}

/// What an engine is and can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Its name: `linux`, `hcs`, `fake`.
    pub engine: &'static str,
    /// The schema it takes where none is asked for.
    pub schema: Schema,
    /// All schemas that it takes.
    pub schemas: &'static [Schema],
    /// How many processors the host has: a share of them is what HCS limits are written in.
    pub host_cpus: u32,
}

impl Capabilities {
    /// Returns the schema of a container's documents: the one that was asked for, else the engine's own.
    ///
    /// # Errors
    /// `Unsupported`: this host does not take it.
    pub fn choose(&self, asked: Option<Schema>) -> Result<Schema> {
        let schema = asked.unwrap_or(self.schema);
        if self.schemas.contains(&schema) {
            return Ok(schema);
        }
        let reason = format!("this host does not take documents of schema {schema}");
        Err(Error::invalid("--hcs-schema", reason).with_kind(ErrorKind::Unsupported).with_hint(
            "leave it out: then the host's own schema is taken (v2 came with Windows Server 2019)",
        ))
    }
}

/// How far to look for leftovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// Where it costs next to nothing: before each launch.
    Quick,
    /// Everywhere.
    Thorough,
}

/// What a search for leftovers came to.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// The containers; one may be there more than once.
    pub ids: Vec<ContainerId>,
    /// Why a place could not be searched: what is there is not known.
    pub unsearched: Vec<Error>,
}

impl Leftovers {
    /// Adds what the search of one place came to.
    pub(crate) fn add(&mut self, found: Result<Vec<ContainerId>>) {
        match found {
            Ok(ids) => self.ids.extend(ids),
            Err(error) => self.unsearched.push(error),
        }
    }
}

/// What a caller does about limits that a host cannot hold, and about programs that would be root on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unenforced {
    /// Does not start.
    #[default]
    Refuse,
    /// Starts without them, and says so in the report.
    Report,
}

/// Told what is being done. Called from the launching thread; must return soon.
pub trait Observer: Sync {
    /// A step was done; one line, no full stop.
    fn step(&self, line: &str);

    /// A long step goes on: `done` of `total` parts.
    fn progress(&self, _what: &str, _done: u64, _total: u64) {}

    /// Something went wrong that does not keep the program from running, nor its end from being told.
    fn warn(&self, _error: &Error) {}

    /// Returns the signal that told us to end, if one came: asked between steps, and while a long one goes on.
    fn interrupted(&self) -> Option<u8> {
        None
    }
}

/// An observer that does not listen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn step(&self, _line: &str) {}
}

/// What the host gave for one container. Dropping it gives everything back.
pub trait Grants: Send {
    /// Returns the spec as the host has it: directories absolute, the executable spelled as on disk.
    fn spec(&self) -> &Spec;

    /// Returns the layers and the place for changes, as the documents name them.
    fn root(&self) -> &Root;

    /// Makes a compute system of the documents; nothing runs yet. Called once.
    ///
    /// # Errors
    /// The documents cannot be carried out here, or the host refuses; everything is given back.
    fn create(self: Box<Self>, request: Request) -> Result<Box<dyn System>>;
}

/// A compute system: a container from its creation until it is released. Dropping it terminates and releases.
pub trait System: Send {
    /// Starts it: from here on processes can run in it. Called once.
    ///
    /// # Errors
    /// The host refuses.
    fn start(&mut self) -> Result<()>;

    /// Runs the process of the request it was created from. Called once, after `start`; returns when it runs.
    ///
    /// # Errors
    /// `ProgramNotFound`, `ProgramNotExecutable`, or the host's refusal.
    fn spawn(&mut self) -> Result<Arc<dyn Process>>;

    /// Ends all its processes. May be repeated; fine where it has ended.
    ///
    /// # Errors
    /// The host refuses.
    fn terminate(&self) -> Result<()>;

    /// Returns who the program is, where the engine knows more of it than the documents say.
    fn user(&self) -> Option<UserReport> {
        None
    }

    /// Returns what of the usual isolation this host could not give, once it was started.
    fn shortfall(&self) -> Option<&Error> {
        None
    }

    /// Returns what became of each limit that was asked for.
    fn enforcement(&self) -> Vec<Enforcement>;

    /// Gives everything back, last taken first: all of it, even where a part fails, but for the layers of a system that is
    /// not known to have ended. Called once the process ended.
    ///
    /// # Errors
    /// The first part that failed, the others attached.
    fn release(self: Box<Self>) -> Result<()>;
}

/// A process of a compute system.
pub trait Process: Send + Sync {
    /// Returns the id by which the host knows it.
    fn pid(&self) -> u32;

    /// Delivers an event; does not wait for its effect; fine where it has ended. Called from any thread.
    ///
    /// # Errors
    /// The host refuses.
    fn signal(&self, event: Event) -> Result<()>;

    /// Returns why an event was not delivered, once, where that came out when [`signal`](Self::signal) had returned; or
    /// why not all of its output was. Asked until there is nothing more.
    fn undelivered(&self) -> Option<Error> {
        None
    }

    /// Ends it at once; fine where it has ended. Called from any thread. Who waits for its end takes this up: from now
    /// on that comes within the deadlines that the engine has, which goes further where this has no effect.
    ///
    /// # Errors
    /// The host refuses.
    fn kill(&self) -> Result<()>;

    /// Waits until it has ended; `None` after `timeout`. May be repeated, and then answers at once.
    ///
    /// # Errors
    /// The host refuses, or it outlives all that the engine did to end it.
    fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>>;
}

/// What a process can be told (HCS: the `Signal` of `SignalProcessOptions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Control-C was typed.
    CtrlC,
    /// The system shuts down.
    CtrlShutdown,
}

/// How a process ended, and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How it ended.
    pub status: ExitStatus,
    /// What its container used.
    pub usage: Usage,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// With this code.
    Code(u32),
    /// By this signal of the host, from outside or for a fault that the loader did not turn into a code.
    Signal(u8),
    /// For want of memory: the limit was reached.
    OutOfMemory,
    /// Unknown: what watched over it was killed.
    Lost,
}

/// What a container used, as far as the host counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Processor time of all processes, in microseconds.
    pub cpu_time_us: u64,
    /// The most memory it had at once, in bytes; absent where its memory is not accounted for as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak_bytes: Option<u64>,
    /// The largest resident size of one of its processes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_process_bytes: Option<u64>,
}

/// What became of a limit that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Enforcement {
    /// The limit's key in config.json.
    pub limit: &'static str,
    /// How far it holds.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// How far a limit holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "snake_case")]
pub enum Verdict {
    /// As documented.
    Enforced,
    /// Not in every case.
    Partial(String),
    /// Not at all; only where the caller allowed that.
    Not(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_that_the_host_does_not_take_is_refused() {
        let of_2016 =
            Capabilities { engine: "hcs", schema: Schema::V1, schemas: &[Schema::V1], host_cpus: 4 };
        assert_eq!(of_2016.choose(None).unwrap(), Schema::V1);
        assert_eq!(of_2016.choose(Some(Schema::V1)).unwrap(), Schema::V1);
        let refused = of_2016.choose(Some(Schema::V2)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert_eq!(refused.one_line(), "--hcs-schema: this host does not take documents of schema v2");
    }
}
