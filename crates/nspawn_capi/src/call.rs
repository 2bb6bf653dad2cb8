//! One call: a config to its program's end, on a thread of our own.

use std::any::Any;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};

use nspawn::config::{self, Overrides};
use nspawn::engine::{Observer, Unenforced};
use nspawn::host::{Host, Places, Schema};
use nspawn::report::{FAILED, Report, Status, record_of_failure, status_of_failure};
use nspawn::{Error, ErrorKind};

use crate::thread;

/// What a caller wants to be run.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) config: Vec<u8>,
    /// What relative paths are relative to; the current directory where absent.
    pub(crate) directory: Option<PathBuf>,
    /// Where all state is kept; the usual places where absent.
    pub(crate) root: Option<PathBuf>,
    pub(crate) schema: Option<Schema>,
    pub(crate) unenforced: Unenforced,
}

/// Why there is no report.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library says why.
    Error(Error),
    /// It has a defect; this is what the panic said.
    Panic(String),
}

impl Call {
    /// Returns the call that runs a config as is usual.
    pub(crate) fn of(config: Vec<u8>) -> Self {
        Self { config, directory: None, root: None, schema: None, unenforced: Unenforced::Refuse }
    }

    /// Runs the program to its end. `step` is told the steps, on the calling thread.
    ///
    /// All else is done on a thread of our own, which has a stack of a known size and is set apart from the threads of
    /// the host: see [`thread::set_apart`].
    pub(crate) fn run(self, mut step: impl FnMut(String)) -> Result<Report, Failure> {
        let (sender, steps) = mpsc::channel();
        let body = move || {
            thread::set_apart()?;
            self.launch(&Steps(sender))
        };
        let worker = std::thread::Builder::new().name("nspawn".to_owned()).spawn(body);
        let worker = worker.map_err(|error| Error::io("start", "a thread", error))?;
        // They end with the thread, which holds the other end.
        steps.iter().for_each(&mut step);
        match worker.join() {
            Ok(launched) => launched.map_err(Failure::Error),
            Err(panic) => Err(Failure::of_panic(&*panic)),
        }
    }

    fn launch(self, steps: &Steps) -> nspawn::Result<Report> {
        let failed = |error| Error::io("resolve", "the directory of relative paths", error);
        let directory = std::path::absolute(self.directory.unwrap_or_else(|| ".".into())).map_err(failed)?;
        let places = self.root.as_deref().map_or_else(Places::usual, Places::below)?;
        let overrides = Overrides { own_roots: places.roots(), ..Overrides::default() };
        // Messages name a file; this is what stands for it.
        let spec = config::parse(&self.config, &directory.join("config_json"), &overrides)?;
        Host::open(&places, self.unenforced).run(&spec, self.schema, steps, |_| {})
    }
}

/// Passes steps on to the thread that called us.
struct Steps(Sender<String>);

impl Observer for Steps {
    fn step(&self, line: &str) {
        // The other end lives as long as we do.
        let _ = self.0.send(line.to_owned());
    }

    fn warn(&self, error: &Error) {
        self.step(&format!("warning: {}", error.one_line()));
    }
}

impl Failure {
    /// Makes the failure of what a panic carries.
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Self::Panic(text.unwrap_or("it said nothing").to_owned())
    }

    /// Says on one line what went wrong, what besides, and what to do next.
    pub(crate) fn message(&self) -> String {
        let error = match self {
            Self::Error(error) => error,
            Self::Panic(said) => return format!("a defect of this library: {}", said.escape_default()),
        };
        let besides = error.events().iter().map(|event| event.as_str());
        let hint = error.hint().or((error.kind() == ErrorKind::Denied).then_some(nspawn::host::ELEVATE));
        let rest: String = besides.chain(hint).map(|text| format!("; {}", text.escape_debug())).collect();
        error.one_line() + &rest
    }

    /// Returns what stands where a report would.
    pub(crate) fn record(&self) -> String {
        match self {
            Self::Error(error) => record_of_failure(error),
            Self::Panic(_) => record_of_failure(&Error::new(ErrorKind::Host, "run", self.message())),
        }
    }

    /// Returns the launcher's exit status.
    pub(crate) fn exit_status(&self) -> Status {
        match self {
            Self::Error(error) => status_of_failure(error.kind()),
            Self::Panic(_) => FAILED,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
