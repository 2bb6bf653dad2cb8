//! Where this host takes Debian's packages from.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{packages, shell};

/// One line for each list of packages that apt is configured with.
const FORMAT: &str = "$(LABEL)\t$(SITE)";

/// What Debian's archive says of itself, and those of its security and of backports do not.
const LABEL: &str = "Debian";

/// Returns the address of the mirror of Debian's archive that this host's apt takes.
///
/// # Errors
/// There is no apt, or it has none.
pub fn configured() -> Result<String> {
    let list = || -> Result<Option<String>> {
        let targets = ["indextargets", "--format", FORMAT, "Created-By: Packages"];
        Ok(first(&shell::read(Command::new("apt-get").args(targets))?).map(str::to_owned))
    };
    match list()? {
        Some(mirror) => Ok(mirror),
        // The labels are known once the lists were fetched.
        None => packages::update()
            .and_then(|()| list())?
            .context("apt is configured with no mirror of Debian's archive"),
    }
}

fn first(targets: &str) -> Option<&str> {
    let mut lines = targets.lines().filter_map(|line| line.split_once('\t'));
    lines.find(|(label, _)| *label == LABEL).map(|(_, site)| site)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_told_from_others() {
        for (targets, mirror) in [
            ("Debian\tm:/debian\nDebian\tm:/debian", Some("m:/debian")),
            ("Debian-Security\tm:/security\nDebian\tm:/debian", Some("m:/debian")),
            ("Debian Backports\tm:/old\nnode\tn:/", None),
            ("\tm:/debian", None),
            ("", None),
        ] {
            assert_eq!(first(targets), mirror, "{targets}");
        }
    }
}
