//! A-01 to A-06: what is written as an argument arrives as that argument, whatever it holds, and nothing but the
//! program is run.

use std::fs;

use serde_json::json;

use crate::launcher::machine::{WINDOWS, has};
use crate::launcher::place::{Place, shared_root};
use crate::oracle::{NOT_EXECUTABLE, REFUSED, refuses_text};
use crate::quoting::{assert_given, launch, pass, place, units};

/// How many times the program is started with a random vector, and the vectors' seed.
const STARTS: usize = 150;
const SEED: u64 = 0x6e73_7061_776e;

/// What vectors are made of: what is special to the rules is frequent.
const PIECES: [&str; 16] =
    [" ", "\t", "\"", "\\", "\\\\", "\"\"", "\\\"", "a", "Z9", "é", "中", "😀", "*", "%OS%", "\n", "' "];

/// A small generator (xorshift64), so that every run tests the same.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn argument(&mut self) -> String {
        (0..self.below(8)).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }
}

#[test]
fn a01_random_vectors_arrive() {
    if !has("a01_random_vectors_arrive", &[WINDOWS]) {
        return;
    }
    let place = place();
    let mut random = Random(SEED);
    for start in 0..STARTS {
        // One argument, a few, many.
        let count = 1 + random.below([2, 8, 60][start % 3]);
        let arguments: Vec<String> = (0..count).map(|_| random.argument()).collect();
        assert_given(&pass(&place, &arguments), &arguments);
    }
}

#[test]
fn a02_metacharacters_mean_nothing() {
    if !has("a02_metacharacters_mean_nothing", &[WINDOWS]) {
        return;
    }
    let place = place();
    let mut arguments = Vec::new();
    for mark in [
        "%", "^", "&", "|", "<", ">", "(", ")", "!", ",", ";", "=", "~", "*", "?", "\n", "\r\n", "`", "$",
        "#", "@", "'",
    ] {
        let shapes = [
            mark.to_owned(),
            format!("{mark}{mark}"),
            format!("\"{mark}"),
            format!("a\" {mark} b"),
            format!("\\\"{mark}"),
        ];
        arguments.extend(shapes);
    }
    let commands = [
        "%OS%",
        "%PATH%",
        "& echo x",
        "\" & echo x & \"",
        "| more",
        "> out.txt",
        "two^three",
        "*.exe",
        "$(id)",
        "a&b",
    ];
    arguments.extend(commands.map(str::to_owned));
    assert_given(&pass(&place, &arguments), &arguments);
    // Each of the commands alone too: the rest of a command line can hide it.
    for command in commands {
        assert_given(&pass(&place, &[command]), &[command]);
    }
    let left: Vec<_> = fs::read_dir(place.work()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["arguments.exe"]);
}

#[test]
fn a03_every_character_arrives() {
    if !has("a03_every_character_arrives", &[WINDOWS]) {
        return;
    }
    let place = place();
    let arguments = [
        "é",
        "中",
        "😀",
        "\u{feff}",
        "\u{feff}x",
        "e\u{301}",
        "\u{1}",
        "\u{7f}",
        "\u{a0}",
        "\u{200b}",
        "\u{fffd}",
        "\u{fffe}",
        "\u{10ffff}",
        "",
    ];
    assert_given(&pass(&place, &arguments), &arguments);
    for (text, says) in [
        ("\\ud800", "lone surrogate"),
        ("x\\udfff", "lone surrogate"),
        ("\\u0000", "NUL"),
        ("a\\u0000b", "NUL"),
    ] {
        let config = place.config("arguments.exe", json!({"process_arguments": ["@"]})).to_string();
        refuses_text(&place, config.replace('@', text), REFUSED, &[says]);
    }
}

#[test]
fn a04_an_executable_with_spaces_is_that_one() {
    if !has("a04_an_executable_with_spaces_is_that_one", &[WINDOWS]) {
        return;
    }
    let place = place();
    let arguments = place.work().join("arguments.exe");
    for path in ["Program Files/a b.exe", "Program.exe", "Program Files/a.exe"] {
        place.put(&arguments, path);
    }
    for (mapped, inside) in [("C:/work", r"C:\work"), ("C:/Program Files/x", r"C:\Program Files\x")] {
        let changes = json!({"mapped_directory": mapped, "process_arguments": ["b.exe"]});
        let ran = launch(&place, "Program Files/a b.exe", changes, &shared_root());
        assert_eq!(ran.told("self"), [units(&format!(r"{inside}\Program Files\a b.exe"))]);
        assert_eq!(ran.told("crt"), [units("b.exe")]);
    }
}

#[test]
fn a05_batch_files_are_refused() {
    if !has("a05_batch_files_are_refused", &[WINDOWS]) {
        return;
    }
    let place = Place::new();
    for name in ["x.bat", "x.cmd", "y.BAT", "z.exe.bat"] {
        fs::write(place.work().join(name), "@echo %1\r\n").unwrap();
        for arguments in [json!([]), json!(["plain"]), json!(["& echo x"])] {
            let config = place.config(name, json!({"process_arguments": arguments})).to_string();
            refuses_text(
                &place,
                config,
                NOT_EXECUTABLE,
                &["error: cannot execute ", name, "it is a batch file"],
            );
        }
    }
    for name in ["x.bat. .", "x.bat ", "x.cmd."] {
        let config = place.config(name, json!({})).to_string();
        refuses_text(&place, config, REFUSED, &["error: process_executable: ", "ends in a dot or space"]);
    }
}

#[test]
fn a06_file_names_are_no_commands() {
    if !has("a06_file_names_are_no_commands", &[WINDOWS]) {
        return;
    }
    let place = place();
    for name in ["a & echo x", "a^b", "%OS%", "(a)", "a && calc.exe"] {
        let changes = json!({"stdout_filename": name, "mapped_directory": format!("C:/{name}"), "process_arguments": ["x"]});
        let mut ran = launch(&place, "arguments.exe", changes, &shared_root());
        assert!(ran.stdout.is_empty(), "{ran:?}");
        ran.stdout = fs::read(place.work().join(name)).unwrap();
        assert_given(&ran, &["x"]);
        assert_eq!(ran.told("self"), [units(&format!(r"C:\{name}\arguments.exe"))]);
    }
    for (key, text) in [
        ("stdout_filename", "a >> b"),
        ("stdout_filename", "\" & \""),
        ("mapped_directory", "C:/\" & \""),
        ("mapped_directory", "C:/a >> b"),
    ] {
        let config = place.config("arguments.exe", json!({key: text})).to_string();
        refuses_text(&place, config, REFUSED, &[&format!("error: {key}: ")]);
    }
}
