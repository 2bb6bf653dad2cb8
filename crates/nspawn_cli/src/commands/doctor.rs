//! `hostcompute_nspawn doctor`: what this host can do.

use nspawn::Error;
use nspawn::doctor::{Ability, Finding};
use nspawn::host::{self, Host};
use nspawn::report::{FAILED, Status};

use crate::SUCCESS;
use crate::args::Arguments;

/// Tries what containers need, and prints a line for each; a second one where something can be done about it. Fails
/// where no container can run at all.
///
/// # Errors
/// It cannot be tried, or not be printed.
pub(crate) fn run(arguments: &Arguments, json: bool) -> nspawn::Result<Status> {
    let places = arguments.places()?;
    let findings = match host::prepare() {
        Ok(()) => Host::open(&places, arguments.run.unenforced()).examine()?,
        // Nothing else can be tried then.
        Err(error) => vec![Finding::of_failure("user namespaces", error)],
    };
    if json {
        let text =
            serde_json::to_string(&findings).map_err(|error| Error::io("print", "what was found", error))?;
        super::print(&text)?;
    } else {
        findings.iter().try_for_each(|finding| super::print(&shown(finding)).map(drop))?;
    }
    Ok(if findings.iter().any(Finding::is_fatal) { FAILED } else { SUCCESS })
}

fn shown(finding: &Finding) -> String {
    let ability = match finding.ability {
        Ability::Ok => "ok     ",
        Ability::Partial => "partial",
        Ability::Missing => "missing",
    };
    let cure = finding.cure.as_ref().map(|cure| format!("\n         {cure}")).unwrap_or_default();
    format!("{ability}  {}: {}{cure}", finding.subject, finding.detail)
}
