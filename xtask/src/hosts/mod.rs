//! `cargo xtask hosts`: the tests of whole containers on other releases of Debian. Each is a root of its own below the
//! target directory, with its own Wine and libraries; the kernel, the control groups and the test programs are this
//! host's. Not a part of `cargo xtask test`: a release takes minutes and a gigabyte.

mod mirror;
mod release;
mod table;

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::test::{self, tally::Tally};
use crate::vm::suites::{self, Built};
use crate::{packages, programs, ready_made, shell};
use release::Release;
use table::Row;

/// All releases that have a Wine which can be run: older ones have a glibc for which this host's is too new.
const SUITES: [&str; 3] = ["bookworm", "trixie", "sid"];

/// The tests that start containers, by package and name.
const TESTS: [(&str, &str); 9] = [
    ("nspawn", "conformance"),
    ("nspawn_cli", "bad_input"),
    ("nspawn_cli", "hosts"),
    ("nspawn_cli", "isolation"),
    ("nspawn_cli", "layers"),
    ("nspawn_cli", "lifecycle"),
    ("nspawn_cli", "limits"),
    ("nspawn_cli", "plain_user"),
    ("nspawn_cli", "real_programs"),
];

/// In seconds: what hangs must not keep the rest away. The longest takes two minutes on two busy processors.
const DEADLINE: &str = "1200";

/// Runs the tests on the named releases, or on all; prints their count and a table.
///
/// # Errors
/// Something failed.
pub fn run(names: &[String]) -> Result<()> {
    let missing = packages::install(&packages::OTHER_RELEASES);
    if !missing.is_empty() {
        bail!("not installed: {}", missing.join(" "));
    }
    let mirror = mirror::configured()?;
    for failure in programs::fetch_all()? {
        println!("cannot fetch {failure}");
    }
    let (target, built) = (shell::target_directory()?, suites::build(None)?);
    let programs = target.join("nspawn/hosts/programs");
    ready_made::native(&programs)?;
    ready_made::windows(&programs)?;
    let (mut tally, mut rows) = (Tally::default(), Vec::new());
    let all = || SUITES.map(str::to_owned).to_vec();
    for suite in if names.is_empty() { all() } else { names.to_vec() } {
        match Release::make(&suite, &target, &mirror)
            .and_then(|made| check(&made, &built, &programs, &mut tally))
        {
            Ok(row) => rows.push(row),
            Err(error) => tally.fail(&format!("{suite}: {error:#}")),
        }
    }
    tally.print();
    let kernel = shell::read(Command::new("uname").arg("-r"))?;
    println!("\nEach time what passed, failed and was skipped:\n");
    print!("{}", table::table(&kernel, &TESTS.map(|(_, name)| name), &rows));
    if !tally.is_good() {
        bail!("some of it failed");
    }
    Ok(())
}

/// Runs all tests on one release.
fn check(release: &Release, built: &Built, programs: &Path, tally: &mut Tally) -> Result<Row> {
    let mut counts = Vec::new();
    for (package, name) in TESTS {
        let mut own = Tally::default();
        let directory = shell::repository()?.join("crates").join(package);
        let mut command = release.command(&directory)?;
        command.args(["env", "--ignore-environment", "--default-signal"]);
        command.args([release::PATH, "HOME=/root", "LC_ALL=C.UTF-8", "RUST_BACKTRACE=0"]);
        command.arg(format!("{}={}", ready_made::VARIABLE, programs.display()));
        command.args(["timeout", DEADLINE]).arg(built.test(package, name)?).arg("--show-output");
        if !test::follow(&mut command, &mut own)? && !own.has_failures() {
            own.fail(&format!("{name}: failed beside its tests"));
        }
        counts.push(own.counts());
        tally.absorb(own, &release.suite);
    }
    Ok(Row { suite: release.suite.clone(), wine: release.version("libwine")?, counts })
}
