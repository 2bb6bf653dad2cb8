//! B-08 and B-09: names that Windows reserves, and names that differ only by case.

use std::fs;

use serde_json::json;

use crate::launcher::machine::{NATIVE, has};
use crate::launcher::run::run;
use crate::oracle::{NOT_FOUND, REFUSED, place, refuses, refuses_text, runs};

const RESERVED: [&str; 32] = [
    "CON",
    "con",
    "nul.txt",
    "NUL.tar.gz",
    "aux .log",
    "PRN",
    "COM1",
    "com9.x",
    "COM¹",
    "com².txt",
    "LPT1",
    "LPT9.x",
    "LPT³",
    "CONIN$",
    "conout$",
    "NUL:",
    "file:stream",
    "file::$DATA",
    "a<b",
    "a>b",
    "a\"b",
    "a|b",
    "a?",
    "*",
    "a\u{1}b",
    "a\u{1f}",
    "a\nb",
    "a.",
    "a ",
    "..  ",
    "x/CON",
    "con/x",
];

const LEGAL: [&str; 20] = [
    "CONx",
    "nullable",
    "com10",
    "com0",
    ".con",
    "aux-1",
    "xcon",
    "nul_.txt",
    "a.nul",
    "COM1x",
    "conin",
    "a b",
    " a",
    "a..b",
    "a & echo x",
    "^",
    "%OS%",
    "ö中😀",
    "e\u{301}",
    "(a);b,c=d!~'`",
];

#[test]
fn b08_reserved_names() {
    if !has("b08_reserved_names", &[NATIVE]) {
        return;
    }
    let place = place();
    for name in RESERVED {
        for key in ["process_executable", "stdout_filename"] {
            refuses(&place, json!({key: name}), &[&format!("error: {key}: \"")]);
        }
        refuses(
            &place,
            json!({"mapped_directory": format!("C:/x/{name}")}),
            &["error: mapped_directory: \""],
        );
    }
    for name in ["-x", "x-", "not a host", "a_b", "0123", "sixteenletters16", "é", ""] {
        refuses(&place, json!({"hostname": name}), &["error: hostname: must be 1 to 15 letters"]);
    }
    for name in ["../x", "a/b", ".x", "-x", "", "é", "a b", &"x".repeat(57)] {
        refuses(&place, json!({"name": name}), &["error: name: must be 1 to 56 letters"]);
    }
}

#[test]
fn b08_legal_neighbours_run() {
    if !has("b08_legal_neighbours_run", &[NATIVE]) {
        return;
    }
    let place = place();
    for name in LEGAL {
        place.put(&place.work().join("hello"), name);
        runs(&place, json!({"process_executable": name}));
        fs::remove_file(place.work().join(name)).unwrap();
        place.configure("hello", json!({"stdout_filename": name, "mapped_directory": format!("C:/{name}")}));
        let ran = run(&mut place.launcher(&place.root())).succeeded();
        assert!(ran.stdout.is_empty(), "{ran:?}");
        assert_eq!(fs::read(place.work().join(name)).unwrap(), b"hello\n", "{name}");
        fs::remove_file(place.work().join(name)).unwrap();
    }
    for name in ["a", "A-1", "fifteenletters1"] {
        runs(&place, json!({"hostname": name}));
    }
    for name in ["0", "a.b_c-d", &"x".repeat(56)] {
        runs(&place, json!({"name": name}));
    }
}

#[test]
fn b09_names_compare_as_windows_compares_them() {
    if !has("b09_names_compare_as_windows_compares_them", &[NATIVE]) {
        return;
    }
    // What stands on disk, what is asked for, and whether they are the same.
    for (there, asked, same) in [
        ("hello", "HELLO", true),
        ("Hello.EXE", "hello.exe", true),
        ("Bin/Hello", "bin/HELLO", true),
        ("öäÿ", "ÖÄŸ", true),
        ("жук", "ЖУК", true),
        ("straße", "STRAßE", true),
        ("straße", "STRASSE", false),
        ("ß", "ẞ", false),
        ("İ", "i", false),
        ("ı", "I", false),
        ("ﬁ", "FI", false),
        ("é", "e\u{301}", false),
        ("e\u{301}", "E\u{301}", true),
        ("ſ", "S", false),
        ("\u{10428}", "\u{10400}", false),
    ] {
        let place = place();
        place.put(&place.work().join("hello"), &format!("x/{there}"));
        let asked = format!("x/{asked}");
        if same {
            runs(&place, json!({"process_executable": asked}));
        } else {
            let config = place.config(&asked, json!({})).to_string();
            refuses_text(&place, config, NOT_FOUND, &["error: cannot find ", "is not there"]);
        }
    }
}

#[test]
fn b09_an_ambiguous_name_is_never_guessed() {
    if !has("b09_an_ambiguous_name_is_never_guessed", &[NATIVE]) {
        return;
    }
    let place = place();
    for path in ["HELLO", "Bin/x", "bin/x", "Out.txt", "OUT.TXT"] {
        place.put(&place.work().join("hello"), path);
    }
    // Not even where one of them is spelled as asked.
    for asked in ["hello", "HELLO", "Hello"] {
        let config = place.config(asked, json!({})).to_string();
        refuses_text(
            &place,
            config,
            REFUSED,
            &["is ambiguous", "\"HELLO\"", "\"hello\"", "differ only by case"],
        );
    }
    let config = place.config("bin/x", json!({})).to_string();
    refuses_text(&place, config, REFUSED, &["is ambiguous", "\"bin\"", "\"Bin\""]);
    place.put(&place.work().join("hello"), "good");
    let output = place.config("good", json!({"stdout_filename": "out.txt"})).to_string();
    refuses_text(&place, output, REFUSED, &["is ambiguous", "\"Out.txt\"", "\"OUT.TXT\""]);
}
