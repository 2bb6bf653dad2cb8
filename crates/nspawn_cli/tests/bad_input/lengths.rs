//! B-10: lengths up to the bound work, and the first beyond it is refused.

use serde_json::json;

use crate::launcher::machine::{NATIVE, WINDOWS, has};
use crate::launcher::place::{Place, shared_root};
use crate::launcher::programs::{Target, program};
use crate::launcher::run::run;
use crate::oracle::{NOT_EXECUTABLE, REFUSED, place, refuses, refuses_text, runs};

/// The longest command line, in UTF-16 units.
const COMMAND_LINE: usize = 32_766;
/// The longest path of a Windows program and the longest directory that one starts in, in UTF-16 units.
const PROGRAM: usize = 259;
const DIRECTORY: usize = 258;

#[test]
fn b10_names() {
    if !has("b10_names", &[NATIVE]) {
        return;
    }
    let place = place();
    for (name, legal) in [
        ("a".repeat(255), true),
        ("a".repeat(256), false),
        ("é".repeat(127), true),
        ("é".repeat(128), false),
        ("😀".repeat(63), true),
        ("😀".repeat(64), false),
    ] {
        let says = "is longer than 255 UTF-16 units or 255 bytes";
        if legal {
            place.put(&place.work().join("hello"), &name);
            runs(&place, json!({"process_executable": name}));
            runs(&place, json!({"mapped_directory": format!("C:/{name}")}));
        } else {
            refuses(&place, json!({"process_executable": name}), &["error: process_executable: ", says]);
            refuses(
                &place,
                json!({"mapped_directory": format!("C:/{name}")}),
                &["error: mapped_directory: ", says],
            );
        }
    }
}

/// Returns a path on drive C of so many units.
fn path(units: usize) -> String {
    let mut path = "C:".to_owned();
    while path.len() + 2 <= units {
        let left = units - path.len() - 1;
        // What is left for the last name must be at least a separator and a letter.
        let name = if left > 200 && left < 203 { 100 } else { left.min(200) };
        path.push('/');
        path.push_str(&"d".repeat(name));
    }
    assert_eq!(path.len(), units);
    path
}

#[test]
fn b10_paths() {
    if !has("b10_paths", &[NATIVE]) {
        return;
    }
    let place = place();
    for units in [259, 260, 261, 2_000] {
        runs(&place, json!({"mapped_directory": path(units)}));
        runs(&place, json!({"working_directory": "C:/", "mapped_directory": path(units)}));
    }
    // Linux has an end of its own, well before the end of Windows.
    for units in [4_200, 32_000] {
        refuses(
            &place,
            json!({"mapped_directory": path(units)}),
            &["error: mapped_directory: ", "longer than"],
        );
    }
    for key in ["mapped_directory", "working_directory"] {
        let says = [&format!("error: {key}: ") as &str, "is longer than 32766 UTF-16 units"];
        refuses(&place, json!({key: path(32_767)}), &says);
    }
    for key in ["process_executable", "stdout_filename"] {
        let long = path(32_770)[3..].to_owned();
        refuses(
            &place,
            json!({key: long}),
            &[&format!("error: {key}: "), "is longer than 32766 UTF-16 units"],
        );
    }
}

#[test]
fn b10_ten_thousand_arguments() {
    if !has("b10_ten_thousand_arguments", &[NATIVE]) {
        return;
    }
    let place = place();
    place.configure("hello", json!({"process_arguments": vec!["ab"; 10_000]}));
    let ran = run(&mut place.launcher(&place.root())).succeeded();
    assert_eq!(ran.text(), "hello 10000\n");
}

/// Returns the argument that makes a command line of so many units of `"C:\work\PROGRAM" ARGUMENT`.
fn argument(program: &str, units: usize) -> String {
    "x".repeat(units - r#""C:\work\" "#.len() - program.len())
}

#[test]
fn b10_command_lines() {
    if !has("b10_command_lines", &[NATIVE]) {
        return;
    }
    let place = place();
    place.configure("hello", json!({"process_arguments": [argument("hello", COMMAND_LINE)]}));
    assert_eq!(run(&mut place.launcher(&place.root())).succeeded().text(), "hello 1\n");
    for units in [COMMAND_LINE + 1, COMMAND_LINE + 2] {
        let says =
            format!("the command line has {units} UTF-16 units, and Windows takes at most {COMMAND_LINE}");
        let arguments = json!({"process_arguments": [argument("hello", units)]});
        refuses(&place, arguments, &["error: process_arguments: ", &says]);
    }
}

#[test]
fn b10_a_windows_program_gets_the_longest_command_line() {
    if !has("b10_a_windows_program_gets_the_longest_command_line", &[WINDOWS]) {
        return;
    }
    let place = Place::with(&program(Target::Windows, "bad_input/programs/arguments.c"));
    let longest = argument("arguments.exe", COMMAND_LINE);
    place.configure("arguments.exe", json!({"process_arguments": [longest], "services": "none"}));
    let ran = run(&mut place.launcher(&shared_root())).succeeded();
    assert_eq!(ran.told("line"), [COMMAND_LINE.to_string()]);
}

#[test]
fn b10_a_windows_program_runs_below_a_long_path() {
    if !has("b10_a_windows_program_runs_below_a_long_path", &[WINDOWS]) {
        return;
    }
    let place = Place::with(&program(Target::Windows, "bad_input/programs/arguments.c"));
    let executable = r"\arguments.exe".len();
    for units in [200, PROGRAM - executable] {
        place.configure("arguments.exe", json!({"mapped_directory": path(units), "services": "none"}));
        run(&mut place.launcher(&shared_root())).succeeded();
    }
    for (units, directory) in [(PROGRAM + 1 - executable, "C:/"), (300, "C:/"), (2_000, "C:/")] {
        let changes = json!({"mapped_directory": path(units), "working_directory": directory});
        let config = place.config("arguments.exe", changes).to_string();
        refuses_text(
            &place,
            config,
            NOT_EXECUTABLE,
            &["error: cannot execute ", "its path is longer than the 259"],
        );
    }
}

#[test]
fn b10_a_windows_program_starts_in_a_long_directory() {
    if !has("b10_a_windows_program_starts_in_a_long_directory", &[WINDOWS]) {
        return;
    }
    let place = Place::with(&program(Target::Windows, "bad_input/programs/arguments.c"));
    for (units, legal) in [(DIRECTORY, true), (DIRECTORY + 1, false), (DIRECTORY + 2, false), (2_000, false)]
    {
        // As long as a path on C:, with one directory of it the mapped one.
        let below = path(units)["C:/w/".len()..].to_owned();
        std::fs::create_dir_all(place.work().join(&below)).unwrap();
        let directory = format!("C:/w/{below}");
        let changes = json!({"mapped_directory": "C:/w", "working_directory": directory, "services": "none"});
        place.configure("arguments.exe", changes.clone());
        if legal {
            run(&mut place.launcher(&shared_root())).succeeded();
        } else {
            let config = place.config("arguments.exe", changes).to_string();
            refuses_text(
                &place,
                config,
                REFUSED,
                &["error: working_directory: is longer than the 258 UTF-16 units"],
            );
        }
    }
}
