//! `hostcompute_nspawn -c config.json`: the main job.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use nspawn::collect::collect;
use nspawn::config::{self, Overrides};
use nspawn::engine::{Observer as _, Search};
use nspawn::launch::{GRACE, Launcher};
use nspawn::report::Report;
use nspawn::spec::{ContainerId, Spec};
use nspawn::{Error, Result};

use crate::args::Arguments;
use crate::places::Places;
use crate::signals::Signals;
use crate::ui::Ui;
use crate::{failure, host, places};

/// Runs the container that the config describes, to its end.
///
/// # Errors
/// Whatever kept the program from running, or the container from being removed.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let report = arguments.run.report.as_deref().map(open_report).transpose()?;
    let launched = launch(arguments);
    let record = match &launched {
        Ok(report) => serde_json::to_string(report).unwrap_or_default(),
        Err(error) => failure::record(error),
    };
    if let Some((mut file, path)) = report {
        let written = file.write_all(format!("{record}\n").as_bytes());
        written.map_err(|error| Error::io("write", path.display().to_string(), error))?;
    }
    launched.map(|report| ExitCode::from(report.exit_status))
}

fn launch(arguments: &Arguments) -> Result<Report> {
    let places = Places::of(arguments)?;
    let spec = spec(arguments, &places)?;
    let ui = Ui::new(arguments.quiet);
    let signals = Signals::listen()?;
    let (engine, state) = (host::engine(&places, &arguments.run)?, places.state());
    for id in collect(&*engine, &state, Search::Quick)?.removed {
        ui.step(&format!("Removed what a killed launcher left, name: [{id}]"));
    }
    let id = match &spec.name {
        Some(name) => ContainerId::named(name),
        None => ContainerId::from_random(places::random()?),
    };
    let schema = arguments.run.hcs_schema.map(Into::into);
    let launcher = Launcher { engine: &*engine, state: &state, observer: &ui, schema, grace: GRACE };
    let running = launcher.create(&id, &spec)?.start()?;
    signals.pass_to(running.stop(), GRACE);
    let (report, removed) = running.wait()?.remove();
    ui.step(&format!("Process ended: {}", report.summary()));
    match removed {
        Ok(()) => Ok(report),
        Err(error) => {
            // The program's own end is what counts; the next command removes the rest.
            failure::warn(&error);
            Ok(report)
        }
    }
}

/// Reads the config and what the command line says besides.
///
/// # Errors
/// The file cannot be read or is refused.
pub(crate) fn spec(arguments: &Arguments, places: &Places) -> Result<Spec> {
    let path = match &arguments.run.config {
        Some(path) => absolute(path)?,
        None => places::beside_us("config.json")?,
    };
    let overrides = Overrides {
        directory: arguments.run.directory.as_deref().map(absolute).transpose()?,
        timeout: arguments.run.timeout.map(Duration::from_secs),
        services: arguments.run.services.map(Into::into),
        own_roots: places.roots(),
    };
    config::parse(&config::read(&path)?, &path, &overrides)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("resolve", path.display().to_string(), error))
}

/// Opens the report's file before anything starts, so that a run is not lost for want of a place to tell about it.
fn open_report(path: &Path) -> Result<(File, PathBuf)> {
    let file = File::create(path);
    let file = file.map_err(|error| Error::io("write", format!("--report {}", path.display()), error))?;
    Ok((file, path.to_owned()))
}
