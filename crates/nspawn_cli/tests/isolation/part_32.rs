//! I-07 for 32-bit Windows programs, where the host's Wine runs them: they do, start others, and may
//! call no more than others do.

use std::process::Command;

use serde_json::json;

use crate::launcher::machine::{Need, has, programs_32, skip};
use crate::launcher::place::{Place, scratch};
use crate::launcher::run::run;
use crate::launcher::who::Who;
use crate::probe::{EPERM, assert_all};

const COMPILER: &str = "i686-w64-mingw32-gcc";
const NAME: &str = "part_32.exe";

#[test]
fn i07_32_bit_programs_of_root() {
    tries("part_32::i07_32_bit_programs_of_root", Who::Root);
}

#[test]
fn i07_32_bit_programs_of_a_plain_user() {
    tries("part_32::i07_32_bit_programs_of_a_plain_user", Who::Plain);
}

fn tries(test: &str, who: Who) {
    if !has(test, &[&[who.need(), Need::Wine]]) {
        return;
    }
    if programs_32().is_none() {
        return skip(test, "Wine runs no 32-bit programs here (wine32:i386)");
    }
    if Command::new(COMPILER).arg("--version").output().is_err() {
        return skip(test, "no compiler for 32-bit Windows is installed (gcc-mingw-w64-i686)");
    }
    let made = tempfile::tempdir_in(scratch()).unwrap();
    let program = made.path().join(NAME);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/isolation/programs/part_32.c");
    let compiled = Command::new(COMPILER).args(["-O1", "-Wall", "-o"]).arg(&program).arg(source).status();
    assert!(compiled.unwrap().success());
    let place = Place::of(who).holding(&program);
    place.configure(NAME, json!({"process_arguments": [NAME], "services": "none"}));
    let ran = run(&mut place.launcher(&place.windows_root()));
    assert_eq!(ran.status, Some(42), "{ran:?}");
    assert_eq!(ran.told("ended"), ["42"], "{ran:?}");
    // Its own, and those of the program that it started.
    assert_all(&ran, "call", 2 * 13, &[EPERM]);
    assert_all(&ran, "made", 4, &[1]);
}
