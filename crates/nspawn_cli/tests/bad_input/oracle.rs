//! What every refusal has in common, and what a legal neighbour must do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::launcher::place::Place;
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};

/// The longest that a refusal may take.
const AT_ONCE: Duration = Duration::from_secs(1);
/// The most memory that a refusal may take.
const LITTLE: u64 = 64 << 20;
/// The most characters of its line: paths and values are cut.
const SHORT: usize = 600;

/// The status of a launcher that did not launch.
pub const REFUSED: i32 = 125;
/// The status where the program cannot be executed.
pub const NOT_EXECUTABLE: i32 = 126;
/// The status where the program is not there.
pub const NOT_FOUND: i32 = 127;

/// Makes a place that holds a native program, `hello`, which says so.
pub fn place() -> Place {
    Place::with(&program(Target::Native, "bad_input/programs/hello.c"))
}

/// Asserts that this configuration, a text, is refused with `status`, in one line that holds each of `says`.
pub fn refuses_text(place: &Place, text: impl AsRef<[u8]>, status: i32, says: &[&str]) {
    fs::write(place.at("config.json"), text).unwrap();
    refuses_command(place, &mut place.launcher(&place.root()), status, says);
}

/// Asserts that the configuration of `hello` with `changes` is refused with status 125.
pub fn refuses(place: &Place, changes: Value, says: &[&str]) {
    refuses_text(place, place.config("hello", changes).to_string(), REFUSED, says);
}

/// Asserts that a launcher is refused.
pub fn refuses_command(place: &Place, launcher: &mut Command, status: i32, says: &[&str]) {
    let before = touched(place);
    let ran = run(launcher);
    let context = format!("wanted {says:?}: {ran:?}");
    assert_eq!(ran.status, Some(status), "{context}");
    assert!(ran.stdout.is_empty(), "{context}");
    let line = ran.stderr.strip_suffix('\n').unwrap_or_else(|| panic!("{context}"));
    assert!(line.starts_with("error: ") && !line.contains(char::is_control), "one line: {context}");
    assert!(line.chars().count() <= SHORT, "a short line: {context}");
    assert!(says.iter().all(|piece| line.contains(piece)), "{context}");
    assert!(ran.elapsed < AT_ONCE && ran.peak_resident < LITTLE, "{context}");
    assert_eq!(touched(place), before, "{context}");
}

/// Asserts that the configuration of `hello` with `changes` runs.
pub fn runs(place: &Place, changes: Value) {
    place.configure("hello", changes);
    said_hello(run(&mut place.launcher(&place.root())));
}

/// Asserts that a run was one of `hello`.
pub fn said_hello(ran: Ran) {
    let ran = ran.succeeded();
    assert_eq!(ran.text(), "hello\n", "{ran:?}");
}

/// Returns all that a launcher could have left: what is in the process directory, and what it keeps for a container.
fn touched(place: &Place) -> BTreeMap<String, (u64, SystemTime)> {
    let mut files = BTreeMap::new();
    list(&place.work(), &mut files);
    for kept in ["root/run", "root/data", "root/data/scratch"] {
        let entries = fs::read_dir(place.at(kept)).into_iter().flatten().map(Result::unwrap);
        let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("nspawn_"));
        files.extend(ours.map(|entry| (entry.path().display().to_string(), (0, SystemTime::UNIX_EPOCH))));
    }
    files
}

fn list(directory: &Path, files: &mut BTreeMap<String, (u64, SystemTime)>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            list(&entry.path(), files);
        }
        files.insert(entry.path().display().to_string(), (metadata.len(), metadata.modified().unwrap()));
    }
}
