//! `hostcompute_nspawn -c config.json`: the main job.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nspawn::config::{self, Overrides};
use nspawn::host::{self, Host, Places};
use nspawn::launch::GRACE;
use nspawn::report::{Report, Status, record_of_failure};
use nspawn::spec::Spec;
use nspawn::{Error, Result};

use super::report_file::ReportFile;
use crate::args::Arguments;
use crate::failure;
use crate::signals::Signals;
use crate::ui::Ui;

/// Runs the container that the config describes, to its end.
///
/// # Errors
/// Whatever kept the program from running, or the container from being removed.
pub(crate) fn run(arguments: &Arguments) -> Result<Status> {
    let places = arguments.places()?;
    let config = config_path(arguments)?;
    let spec = spec(arguments, &places, &config)?;
    host::prepare()?;
    let report = arguments.run.report.as_deref().map(|path| ReportFile::open(path, &config)).transpose()?;
    let launched = launch(arguments, &places, &spec);
    if let Some(report) = report {
        let record = match &launched {
            Ok(report) => serde_json::to_string(report).unwrap_or_default(),
            Err(error) => record_of_failure(error),
        };
        // The program's own end is what counts.
        report.write(&record).unwrap_or_else(|error| failure::warn(&error));
    }
    launched.map(|report| report.exit_status)
}

fn launch(arguments: &Arguments, places: &Places, spec: &Spec) -> Result<Report> {
    let signals = Signals::listen()?;
    let ui = Ui::new(arguments.quiet, signals.clone());
    let host = Host::open(places, arguments.run.unenforced());
    let schema = arguments.run.hcs_schema.map(Into::into);
    host.run(spec, schema, &ui, |program| signals.pass_to(program, GRACE))
}

/// Reads the config at `path` and what the command line says besides.
///
/// # Errors
/// The file cannot be read or is refused.
pub(crate) fn spec(arguments: &Arguments, places: &Places, path: &Path) -> Result<Spec> {
    let overrides = Overrides {
        directory: arguments.run.directory.as_deref().map(absolute).transpose()?,
        timeout: arguments.run.timeout.map(Duration::from_secs),
        services: arguments.run.services.map(Into::into),
        own_roots: places.roots(),
    };
    config::parse(&config::read(path)?, path, &overrides)
}

/// Returns where the config lies.
///
/// # Errors
/// The path cannot be made absolute, or where this program lies is not known.
pub(crate) fn config_path(arguments: &Arguments) -> Result<PathBuf> {
    match &arguments.run.config {
        Some(path) => absolute(path),
        None => beside_us("config.json"),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("resolve", path.display().to_string(), error))
}

/// Returns the path of a file that lies beside this program.
fn beside_us(name: &str) -> Result<PathBuf> {
    let program =
        std::env::current_exe().map_err(|error| Error::io("find", "this program's own file", error))?;
    Ok(program.with_file_name(name))
}
