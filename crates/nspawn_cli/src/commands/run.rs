//! `hostcompute_nspawn -c config.json`: the main job.

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

use super::report_file::ReportFile;
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
    let places = Places::of(arguments)?;
    let config = config_path(arguments)?;
    let spec = spec(arguments, &places)?;
    let report = arguments.run.report.as_deref().map(|path| ReportFile::open(path, &config)).transpose()?;
    let launched = launch(arguments, &places, &spec);
    if let Some(report) = report {
        let record = match &launched {
            Ok(report) => serde_json::to_string(report).unwrap_or_default(),
            Err(error) => failure::record(error),
        };
        // The program's own end is what counts.
        report.write(&record).unwrap_or_else(|error| failure::warn(&error));
    }
    launched.map(|report| ExitCode::from(report.exit_status))
}

fn launch(arguments: &Arguments, places: &Places, spec: &Spec) -> Result<Report> {
    let signals = Signals::listen()?;
    let ui = Ui::new(arguments.quiet, signals.clone());
    let (engine, state) = (host::engine(places, &arguments.run)?, places.state());
    let collected = collect(&*engine, &state, Search::Quick)?;
    for id in collected.removed {
        ui.step(&format!("Removed what a killed launcher left, name: [{id}]"));
    }
    collected.failed.iter().for_each(|(_, error)| failure::warn(error));
    let id = match &spec.name {
        Some(name) => ContainerId::named(name),
        None => ContainerId::from_random(places::random()?),
    };
    let schema = arguments.run.hcs_schema.map(Into::into);
    let launcher = Launcher { engine: &*engine, state: &state, observer: &ui, schema, grace: GRACE };
    let running = launcher.create(&id, spec)?.start()?;
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
    let path = config_path(arguments)?;
    let overrides = Overrides {
        directory: arguments.run.directory.as_deref().map(absolute).transpose()?,
        timeout: arguments.run.timeout.map(Duration::from_secs),
        services: arguments.run.services.map(Into::into),
        own_roots: places.roots(),
    };
    config::parse(&config::read(&path)?, &path, &overrides)
}

fn config_path(arguments: &Arguments) -> Result<PathBuf> {
    match &arguments.run.config {
        Some(path) => absolute(path),
        None => places::beside_us("config.json"),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("resolve", path.display().to_string(), error))
}
