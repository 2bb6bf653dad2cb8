//! Ways out of containers that were found in other programs, and what tries each of them on ours. `docs/known-escapes.md`
//! is this table: `NSPAWN_BLESS=1 cargo test -p nspawn_cli --test isolation known_escapes` writes it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::escapes::{ESCAPES, Escape, Here};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/known-escapes.md");

const HEAD: &str = "# Known escapes

Ways out of containers that were found in other programs, what was behind them, and where they stand here. Names in
code font are tests of `crates/nspawn_cli/tests/isolation`, each run with a native and a Windows program, by root and by
a plain user. This file is made from `escapes.rs` there.

| report | what was behind it | here |
|---|---|---|
";

fn line(escape: &Escape) -> String {
    let here = match escape.here {
        Here::Played(tests) => {
            let names: Vec<String> = tests.iter().map(|test| format!("`{}`", test[0].row())).collect();
            format!("tried by {}", names.join(", "))
        }
        Here::CannotApply(reason) => format!("cannot apply: {reason}"),
        Here::Later(part) => format!("to come with {part}"),
    };
    format!("| {} | {} | {here} |\n", escape.reports, escape.cause)
}

#[test]
fn the_document_is_this_table() {
    let table: String = ESCAPES.iter().map(line).collect();
    let wanted = format!("{HEAD}{table}");
    if std::env::var_os("NSPAWN_BLESS").is_some() {
        std::fs::write(DOCUMENT, &wanted).unwrap();
    }
    let written = std::fs::read_to_string(Path::new(DOCUMENT)).unwrap_or_default();
    assert!(written == wanted, "docs/known-escapes.md is another table: run with NSPAWN_BLESS=1");
}

#[test]
fn every_test_of_the_table_is_run() {
    let listed = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let run: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let mut absent = String::new();
    for escape in ESCAPES {
        let Here::Played(tests) = escape.here else { continue };
        assert!(!tests.is_empty(), "{} names no test", escape.reports);
        for test in tests.as_flattened().iter().filter(|test| !run.contains(test.0)) {
            writeln!(absent, "{}: {}", escape.reports, test.0).unwrap();
        }
    }
    assert!(absent.is_empty(), "{absent}");
}
