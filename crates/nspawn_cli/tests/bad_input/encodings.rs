//! B-05: what a configuration file may be: a regular file of whole UTF-8 that holds one JSON object.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::launcher::machine::{NATIVE, has};
use crate::launcher::run::run;
use crate::oracle::{REFUSED, place, refuses_command, refuses_text, said_hello};

#[test]
fn b05_only_whole_utf8_json() {
    if !has("b05_only_whole_utf8_json", &[NATIVE]) {
        return;
    }
    let place = place();
    let good = place.config("hello", json!({})).to_string();
    let utf16 = |bytes: fn(u16) -> [u8; 2], bom: bool| {
        bom.then_some('\u{feff}')
            .into_iter()
            .chain(good.chars())
            .collect::<String>()
            .encode_utf16()
            .flat_map(bytes)
            .collect::<Vec<u8>>()
    };
    let value = |bytes: &[u8]| [br#"{"name": ""#, bytes, br#""}"#].concat();
    let table: [(Vec<u8>, &str); 29] = [
        (utf16(u16::to_le_bytes, true), "is UTF-16"),
        (utf16(u16::to_be_bytes, true), "is UTF-16"),
        (utf16(u16::to_le_bytes, false), "is UTF-16"),
        (utf16(u16::to_be_bytes, false), "is UTF-16"),
        (format!("\u{feff}\u{feff}{good}").into(), "expected a value"),
        (value(b"\xff"), "line 1, column 11: a byte that is not UTF-8"),
        (value(b"\xc0\x80"), "a byte that is not UTF-8"),
        (value(b"\xed\xa0\x80"), "a byte that is not UTF-8"),
        (value(b"\\ud800"), "lone surrogate"),
        (value(b"\\udc00"), "lone surrogate"),
        (value(b"\\ud83dx"), "lone surrogate"),
        (value(b"\\u12"), "no character"),
        (value(b"\\x41"), "an escape that JSON does not have"),
        (value(b"\0"), "found \"\\0\""),
        (value(b"\n"), "expected a character or an escape"),
        (b"{\"name\": \"".to_vec(), "at the end of a string"),
        (b"// x\n{}".to_vec(), "found a comment"),
        (b"{ /* x */ }".to_vec(), "found a comment"),
        (b"{\"a\": 1,}".to_vec(), "found \"}\""),
        (b"{\"a\": NaN}".to_vec(), "found \"NaN\""),
        (b"{\"a\": -Infinity}".to_vec(), "expected a digit"),
        (b"{'a': 1}".to_vec(), "double quotes"),
        (b"{\"a\": 01}".to_vec(), "expected ',' or '}'"),
        (format!("{good}{good}").into(), "expected the end of the text"),
        (b"".to_vec(), "is empty"),
        (b" \n ".to_vec(), "is empty"),
        (b"\xef\xbb\xbf".to_vec(), "is empty"),
        ("[".repeat(100_000).into(), "is nested deeper than"),
        ("{\"a\":".repeat(100_000).into(), "is nested deeper than"),
    ];
    for (text, says) in table {
        refuses_text(&place, text, REFUSED, &["config.json: ", says]);
    }
    for (text, says) in [("[]", "an array"), ("null", "null"), ("7", "a number"), ("\"a\"", "a string")] {
        refuses_text(&place, text, REFUSED, &["error: configuration: must be an object, not ", says]);
    }
    for text in [format!("\u{feff}{good}"), format!(" \r\n\t{good}\n")] {
        fs::write(place.at("config.json"), text).unwrap();
        said_hello(run(&mut place.launcher(&place.root())));
    }
}

#[test]
fn b05_no_string_holds_nul() {
    if !has("b05_no_string_holds_nul", &[NATIVE]) {
        return;
    }
    let place = place();
    let whole = json!({
        "process_arguments": ["@"],
        "stdout_filename": "o@",
        "parent_layer_directory": "/l@",
        "environment": {"A@": "@"},
        "working_directory": "C:/w@",
        "hostname": "h@",
        "name": "n@",
        "mounts": [{"source": "/s@", "destination": "C:/d@"}],
        "services": "async@",
        "mapped_directory": "C:/work@",
    });
    let config = place.config("hello@", whole).to_string();
    let marks: Vec<usize> = config.match_indices('@').map(|(at, _)| at).collect();
    assert_eq!(marks.len(), 13);
    for mark in marks {
        let (before, after) = config.split_at(mark);
        let with =
            |inserted: &str| format!("{}{inserted}{}", before.replace('@', ""), after.replace('@', ""));
        refuses_text(&place, with("\\u0000"), REFUSED, &["NUL is never part of a value"]);
        refuses_text(&place, with("\0"), REFUSED, &["found \"\\0\""]);
        refuses_text(&place, with("\\ud800"), REFUSED, &["lone surrogate"]);
    }
}

#[test]
fn b05_files_that_are_no_configuration() {
    if !has("b05_files_that_are_no_configuration", &[NATIVE]) {
        return;
    }
    let place = place();
    assert!(Command::new("mkfifo").arg(place.at("fifo")).status().unwrap().success());
    symlink(place.at("fifo"), place.at("link")).unwrap();
    // Sparse: long, and empty on the disk.
    fs::File::create(place.at("gigabyte")).unwrap().set_len(1 << 30).unwrap();
    let refused = |path: &Path, says: &str| {
        refuses_command(&place, &mut place.launcher_of(path, &place.root()), REFUSED, &[says]);
    };
    for name in ["fifo", "link", "work"] {
        refused(&place.at(name), "is not a regular file");
    }
    refused(Path::new("/dev/zero"), "is not a regular file");
    refused(&place.at("gigabyte"), "is longer than 1 MiB");
    refused(&place.at("absent.json"), "No such file or directory");
    refused(&place.at("absent\n.json"), "absent\\n.json");
    refused(&place.work().join("hello/x"), "Not a directory");
}

#[test]
fn b05_a_file_that_cannot_be_read() {
    if !has("b05_a_file_that_cannot_be_read", &[NATIVE]) {
        return;
    }
    // Root can read anything, so the launcher is somebody else here, and lies where that one can reach it.
    let open = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let at = |name: &str| open.path().join(name);
    fs::copy(env!("CARGO_BIN_EXE_hostcompute_nspawn"), at("launcher")).unwrap();
    fs::write(at("config.json"), "{}").unwrap();
    fs::set_permissions(at("config.json"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut launcher = Command::new(at("launcher"));
    launcher.arg("--config").arg(at("config.json")).arg("--root").arg(at("root")).uid(65_534).gid(65_534);
    refuses_command(&place(), &mut launcher, REFUSED, &["config.json", "Permission denied"]);
}
