//! The catalogue of bad input (groups B and A), as far as the text of a configuration decides it.

use super::*;

#[test]
fn b01_wrong_types_name_the_key_and_both_types() {
    let samples = [
        ("null", json!(null)),
        ("a boolean", json!(true)),
        ("a number", json!(1)),
        ("a string", json!("C:/x")),
        ("an array", json!([])),
        ("an object", json!({})),
    ];
    let keys = keys::FILE.iter().map(|key| (key.name, key.kind.type_name()));
    let mut refused = 0;
    for (key, wanted) in keys {
        for (given, value) in samples.iter().filter(|(given, _)| !wanted.starts_with(given)) {
            let line = refusal(config(json!({key: value})));
            let shown = value.to_string();
            assert_eq!(line, format!("{key}: must be {wanted}, not {given}: {shown}"));
            refused += usize::from(ORIGINAL_KEYS.contains(&key));
        }
    }
    // Of the 72 combinations of an original key and a type, 12 are right.
    assert_eq!(refused, 60);
    for (changes, wanted) in [
        (json!({"process_arguments": ["a", 1]}), "process_arguments[1]: must be a string, not a number: 1"),
        (json!({"environment": {"A": null}}), "environment.A: must be a string, not null: null"),
        (json!({"mounts": ["C:/x"]}), "mounts[0]: must be an object, not a string: \"C:/x\""),
        (
            json!({"mounts": [{"source": "/x", "destination": "C:/x", "read_only": "yes"}]}),
            "mounts[0].read_only: must be a boolean, not a string: \"yes\"",
        ),
        (json!({"mounts": [{"source": "/x"}]}), "mounts[0].destination: is required"),
        (json!({"services": "Async"}), "services: must be one of async, wait, none: \"Async\""),
    ] {
        assert_eq!(refusal(config(changes)), wanted);
    }
}

#[test]
fn b02_numbers_are_whole_and_in_range() {
    let maxima = [
        ("max_ram_mb", u64::from(u32::MAX)),
        ("cpus_count", u64::from(u16::MAX)),
        ("cpu_affinity_hex", u64::MAX),
        ("max_cpu_percent", 100),
        ("max_processes", 4_194_304),
        ("max_storage_iops", u64::from(u32::MAX)),
        ("max_storage_bandwidth_bytes_per_sec", u64::MAX),
        ("timeout_seconds", u64::from(u32::MAX)),
    ];
    let with = |key: &str, number: &str| {
        format!(
            r#"{{"{key}": {number}, "process_directory": "/a", "process_executable": "a", "mapped_directory": "C:/a"}}"#
        )
    };
    let never = ["-1", "-0", "1.5", "1.0", "1e3", "18446744073709551616", "1e400", "-1e400", "0.0"];
    let sometimes =
        [0_u64, 1, 100, 101, 65_535, 65_536, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 53) + 1, u64::MAX];
    for (key, max) in maxima {
        for number in never {
            let rule = format!("must be a whole number from 0 to {max}, in plain digits");
            assert_eq!(refusal(with(key, number)), format!("{key}: {rule}: {number}"));
        }
        assert!(refusal(with(key, "\"512\"")).contains("must be a number, not a string"));
        for number in sometimes {
            assert_eq!(parsed(with(key, &number.to_string())).is_ok(), number <= max, "{key} {number}");
        }
    }
    assert!(refusal(with("max_ram_mb", &"9".repeat(100_000))).ends_with("99…"));
    // What is accepted arrives as it was written; 0 is unset.
    assert_eq!(
        parsed(with("cpu_affinity_hex", "9007199254740993")).unwrap().limits.affinity.unwrap().bits(),
        (1 << 53) + 1
    );
    for (key, _) in maxima {
        let spec = parsed(with(key, "0")).unwrap();
        assert_eq!((spec.limits, spec.timeout), (Limits::default(), None));
    }
}

#[test]
fn b03_duplicate_keys_are_refused_however_spelled() {
    for (extra, wanted) in [
        (r#""max_ram_mb": 1, "max_ram_mb": 1"#, "line 1, column 19: duplicate key max_ram_mb"),
        (r#""max_ram_mb": 1, "max_ram_mb": 2"#, "duplicate key max_ram_mb"),
        (r#""max_ram_mb": 1, "\u006dax_ram_mb": 1"#, "duplicate key max_ram_mb"),
        (r#""environment": {"A": "", "A": ""}"#, "duplicate key A"),
        (r#""environment": {"A b": "", "\u0041 b": ""}"#, "duplicate key \"A b\""),
        (r#""mounts": [{"source": "/a", "source": "/a"}]"#, "duplicate key source"),
    ] {
        let line = refusal(format!("{{{extra}}}"));
        assert!(line.starts_with(AT) && line.contains(wanted), "{line}");
    }
    let line = refusal(config(json!({"environment": {"Path": "", "PATH": ""}})));
    assert!(line.ends_with(": duplicate variable: names compare without case"), "{line}");
}

#[test]
fn b04_unknown_keys_are_refused_with_the_nearest_known_one() {
    for (key, subject, nearest) in [
        ("usr", "usr", "user"),
        ("max_ram", "max_ram", "max_ram_mb"),
        ("cpu_count", "cpu_count", "cpus_count"),
        ("Max_Ram_MB", "Max_Ram_MB", "max_ram_mb"),
        ("PROCESS_DIRECTORY", "PROCESS_DIRECTORY", "process_directory"),
        ("hostname ", "\"hostname \"", "hostname"),
        ("hostname\u{a0}", "\"hostname\\u{a0}\"", "hostname"),
        ("h\u{43e}stname", "\"h\\u{43e}stname\"", "hostname"),
        ("mapped-directory", "\"mapped-directory\"", "mapped_directory"),
    ] {
        let line = refusal(config(json!({key: 1})));
        assert_eq!(line, format!("{subject}: unknown key; the nearest known key is {nearest}"));
    }
    let line =
        refusal(config(json!({"mounts": [{"source": "/x", "destination": "C:/x", "readonly": true}]})));
    assert_eq!(line, "mounts[0].readonly: unknown key; the nearest known key is read_only");
    refusal(config(json!({"": 1})));
    refusal(config(json!({"k".repeat(500_000): 1})));
}

#[test]
fn names_that_no_account_can_have_are_refused() {
    let (long_name, long_domain) = ("n".repeat(105), format!(r"{}\n", "d".repeat(257)));
    for name in [
        "",
        ".",
        " .",
        r"a\",
        r"\a",
        r"a\b\c",
        "a/b",
        "a@b",
        "a:b",
        "a\nb",
        "a\u{85}\\b",
        &long_name,
        &long_domain,
    ] {
        let line = refusal(config(json!({"user": name})));
        assert!(line.starts_with("user: must be NAME or DOMAIN\\NAME"), "{line}");
    }
    for name in
        ["ContainerUser", r".\a", "a b", "Ünï", r"NT AUTHORITY\SYSTEM", &long_name[1..], &long_domain[1..]]
    {
        assert!(parsed(config(json!({"user": name}))).is_ok(), "{name}");
    }
}

#[test]
fn known_but_unsupported_keys_are_another_error() {
    for (key, value, wanted) in [
        (
            "isolation",
            json!("hyperv"),
            "isolation: only process isolation is supported, without this key; Hyper-V",
        ),
        ("credential_spec", json!({"a": 1}), "credential_spec: credential specs"),
        ("devices", json!([]), "devices: passing devices"),
        ("mapped_pipes", json!([r"\\.\pipe\docker_engine"]), "mapped_pipes: passing named pipes"),
    ] {
        let text = config(json!({key: value}));
        let line = refusal(&text);
        assert!(line.starts_with(wanted), "{line}");
        assert_eq!(parsed(&text).unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(parsed(config(json!({"usr": 1}))).unwrap_err().kind(), ErrorKind::InvalidSpec);
}

#[test]
fn b05_only_whole_utf8_json_is_read() {
    let good = config(json!({}));
    let utf16 = |unit: fn(u16) -> [u8; 2]| good.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let with_bom = |bom: [u8; 2], text: Vec<u8>| [bom.to_vec(), text].concat();
    assert!(parsed(format!("\u{feff}{good}")).is_ok());
    assert!(parsed(format!(" \r\n\t{good}\n")).is_ok());
    let value = |bytes: &[u8]| [br#"{"name": ""#, bytes, br#""}"#].concat();
    let table: [(Vec<u8>, &str); 37] = [
        (with_bom([0xff, 0xfe], utf16(u16::to_le_bytes)), "is UTF-16"),
        (with_bom([0xfe, 0xff], utf16(u16::to_be_bytes)), "is UTF-16"),
        (utf16(u16::to_le_bytes), "is UTF-16"),
        (utf16(u16::to_be_bytes), "is UTF-16"),
        (format!("\u{feff}\u{feff}{good}").into(), "line 1, column 1: expected a value, found \"\\u{feff}\""),
        (value(b"\xff"), "line 1, column 11: a byte that is not UTF-8"),
        (value(b"\xc0\x80"), "a byte that is not UTF-8"),
        (value(b"\xed\xa0\x80"), "a byte that is not UTF-8"),
        (value(b"\\ud800"), "line 1, column 11: a \\u escape that is no character"),
        (value(b"\\udc00"), "a \\u escape that is no character"),
        (value(b"\\ud800\\ud800"), "a \\u escape that is no character"),
        (value(b"\\ud800x"), "a \\u escape that is no character"),
        (value(b"\\u12"), "a \\u escape that is no character"),
        (value(b"\\u+123"), "a \\u escape that is no character"),
        (value("\\u12é".as_bytes()), "a \\u escape that is no character"),
        (value(b"\\x41"), "an escape that JSON does not have"),
        (value(b"C:\\work"), "an escape that JSON does not have"),
        (value(b"\0"), "line 1, column 11: expected a character or an escape in a string, found \"\\0\""),
        (value(b"\n"), "expected a character or an escape"),
        (b"{\"name\": \"".to_vec(), "line 1, column 11: expected '\"' at the end of a string"),
        (b"{\"name\": \"\\".to_vec(), "an escape that JSON does not have"),
        (b"// x\n{}".to_vec(), "line 1, column 1: expected a value, found a comment"),
        (b"{\n  // x\n}".to_vec(), "line 2, column 3: expected a key in double quotes, found a comment"),
        (b"{\"a\": 1,\n}".to_vec(), "line 2, column 1: expected a key in double quotes, found \"}\""),
        (b"[1, ]".to_vec(), "column 5: expected a value, found \"]\""),
        (b"{\"a\": NaN}".to_vec(), "expected a value, found \"NaN\""),
        (b"{\"a\": -Infinity}".to_vec(), "expected a digit, found \"I\""),
        (b"{'a': 1}".to_vec(), "expected a key in double quotes, found \"'\""),
        (b"{\"a\": 01}".to_vec(), "expected ',' or '}', found \"1\""),
        (b"{\"a\": .5}".to_vec(), "expected a value, found \".\""),
        (b"{\"a\": 1.}".to_vec(), "expected a digit, found \"}\""),
        (b"{\"a\" 1}".to_vec(), "expected ':', found \"1\""),
        (format!("{good}x").into(), "expected the end of the text, found \"x\""),
        (format!("{good}{good}").into(), "expected the end of the text, found \"{\""),
        (b"".to_vec(), "is empty"),
        (b" \n ".to_vec(), "is empty"),
        (b"\xef\xbb\xbf".to_vec(), "is empty"),
    ];
    for (text, wanted) in table {
        let line = refusal(&text);
        assert!(line.starts_with(&format!("{AT}: ")) && line.contains(wanted), "{line} (wanted: {wanted})");
    }
    for (text, wanted) in
        [("[]", "an array: []"), ("null", "null: null"), ("7", "a number: 7"), ("\"a\"", "a string: \"a\"")]
    {
        assert_eq!(refusal(text), format!("configuration: must be an object, not {wanted}"));
    }
}

#[test]
fn b05_a_file_cut_off_anywhere_is_refused() {
    for length in 0..ORIGINAL.trim_end().len() {
        refusal(&ORIGINAL[..length]);
    }
}

#[test]
fn b05_nesting_has_an_end() {
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        let line = refusal(open.repeat(100_000));
        assert!(line.contains("is nested deeper than 32 levels"), "{line}");
    }
}

#[test]
fn b05_no_string_holds_nul() {
    let config = r#"{"process_directory": "/a@", "process_executable": "a@", "process_arguments": ["@"], "mapped_directory": "C:/a@",
        "stdout_filename": "o@", "parent_layer_directory": "/l@", "environment": {"A@": "@"}, "working_directory": "C:/w@",
        "hostname": "h@", "name": "n@", "mounts": [{"source": "/s@", "destination": "C:/d@"}], "services": "async@"}"#;
    assert!(parsed(config.replace('@', "")).is_ok());
    let places: Vec<_> = config.match_indices('@').map(|(at, _)| at).collect();
    for chosen in &places {
        let with = |inserted: &str| {
            let (before, after) = config.split_at(*chosen);
            format!("{}{inserted}{}", before.replace('@', ""), after.replace('@', ""))
        };
        assert!(refusal(with("\\u0000")).contains("NUL is never part of a value"));
        assert!(refusal(with("\0")).contains("found \"\\0\""));
        assert!(refusal(with("\\ud800")).contains("lone surrogate"));
    }
    assert_eq!(places.len(), 14);
}

#[test]
fn b06_b07_b08_paths_are_judged_under_their_own_keys() {
    for (key, value) in [
        ("process_executable", r"..\x.exe"),
        ("process_executable", r"C:\x.exe"),
        ("process_executable", ""),
        ("stdout_filename", "/abs"),
        ("stdout_filename", "NUL:"),
        ("stdout_filename", "file::$DATA"),
        ("stdout_filename", "a >> b"),
        ("stdout_filename", "A.EXE"),
        ("stdout_filename", ""),
        ("process_directory", "/proc"),
        ("process_directory", "C:/projects"),
        ("process_directory", ""),
        ("parent_layer_directory", r"C:\ProgramData\docker\windowsfilter\x"),
        ("parent_layer_directory", "/"),
        ("parent_layer_directory", ""),
        ("mapped_directory", r"\\server\share"),
        ("mapped_directory", "C:/Windows/System32"),
        ("mapped_directory", "C:/a\" & \""),
        ("mapped_directory", "C:/a >> b"),
        ("working_directory", "D:/"),
        ("working_directory", r"\\.\pipe\x"),
        ("hostname", "not a host"),
        ("name", "../x"),
    ] {
        let line = refusal(config(json!({key: value})));
        assert!(line.starts_with(&format!("{key}: ")), "{line}");
        assert!(line.ends_with(&format!(": \"{value}\"")), "{line}");
    }
    let line = refusal(config(json!({"process_directory": "C:/projects"})));
    assert!(line.contains("is a Windows path, but host directories have Linux paths here"), "{line}");
    for key in ["name", "hostname", "stdout_filename", "mapped_directory", "process_directory"] {
        assert!(refusal(config(json!({key: "\\\u{7f}".repeat(300_000)}))).starts_with(key));
    }
}

#[test]
fn mapped_directories_are_apart() {
    let mounts = |places: &[&str]| {
        let mounts = places.iter().map(|place| json!({"source": "/srv/x", "destination": place}));
        config(json!({"mapped_directory": "C:/app/x", "mounts": mounts.collect::<Vec<_>>()}))
    };
    for (places, wanted) in [
        (
            &["C:/APP/X"][..],
            r#"mounts[0].destination: is or lies in mapped_directory, and mapped directories must be apart: "C:\APP\X""#,
        ),
        (
            &["C:/app"],
            r#"mapped_directory: is or lies in mounts[0].destination, and mapped directories must be apart: "C:\app\x""#,
        ),
        (
            &["C:/b", "C:/b/c/d"],
            r#"mounts[1].destination: is or lies in mounts[0].destination, and mapped directories must be apart: "C:\b\c\d""#,
        ),
        (
            &["C:/é", "C:/b", "C:/É/c"],
            r#"mounts[2].destination: is or lies in mounts[0].destination, and mapped directories must be apart: "C:\É\c""#,
        ),
    ] {
        assert_eq!(refusal(mounts(places)), wanted);
    }
    assert!(parsed(mounts(&["C:/app/x1", "C:/app/y", "C:/b", "C:/b c", "C:/straße", "C:/strasse"])).is_ok());
}

#[test]
fn variables_have_names_that_windows_can_hold() {
    for (name, value, wanted) in [
        ("", "x", "environment.\"\": a variable must have a name"),
        ("A=B", "x", "environment.\"A=B\": the name of a variable cannot hold '='"),
        ("=C:", "x", "environment.\"=C:\": the name of a variable cannot hold '='"),
        (
            "A",
            &"x".repeat(32_765),
            "environment.A: name and value together are longer than 32765 UTF-16 units",
        ),
    ] {
        assert_eq!(refusal(config(json!({"environment": {name: value}}))), wanted);
    }
    assert!(parsed(config(json!({"environment": {"A": "x".repeat(32_764)}}))).is_ok());
}

#[test]
fn b10_ten_thousand_arguments_are_carried() {
    let arguments: Vec<_> = (0..10_000).map(|n| format!("argument {n}")).collect();
    assert_eq!(parsed(config(json!({"process_arguments": arguments}))).unwrap().process.arguments, arguments);
}
