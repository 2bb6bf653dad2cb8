use super::*;

fn relative(text: &str) -> Result<String> {
    RelativePath::parse("key", text).map(|path| path.to_string())
}

fn place(text: &str) -> Result<String> {
    ContainerPath::parse("key", text).map(|path| path.to_string())
}

/// The refusals of a table that were accepted, or do not read as `key: reason: value`.
pub(super) fn wrongly_told(texts: &[&str], parse: impl Fn(&str) -> Result<String>) -> Vec<String> {
    let told = |text: &str| match parse(text) {
        Ok(path) => format!("{text:?} became {path:?}"),
        Err(error) => error.one_line(),
    };
    texts
        .iter()
        .map(|text| told(text))
        .filter(|line| !line.starts_with("key: ") || !line.ends_with('"') || line.chars().count() > 700)
        .collect()
}

#[test]
fn relative_paths_that_leave_their_directory_are_refused() {
    let texts = [
        "",
        "..",
        ".",
        "...",
        "..  ",
        r"..\x",
        "a/../../x",
        r"a\..\x",
        "a/./b",
        "/abs",
        r"\abs",
        r"C:\x",
        "C:/x",
        "c:x",
        "C:",
        r"\\server\share\x",
        "//server/share",
        r"\\?\C:\x",
        r"\\.\pipe\x",
        "//?/C:/x",
        r"\??\C:\x",
        r"\\?\GLOBALROOT\Device\x",
        "a//b",
        r"a\\b",
        r"a/\b",
        "a/",
        r"a\",
        "a./b",
        "a /b",
        "b.",
        "b ",
        "nul.txt",
        "a/CON",
        "con/a",
        "a/com1.log",
        "file:stream",
        "file::$DATA",
        "NUL:",
        "a|b",
        "a>>b",
        "a\0b",
        "a\u{1}",
        "out \" & \".txt",
    ];
    assert_eq!(wrongly_told(&texts, relative), Vec::<String>::new());
}

#[test]
fn relative_paths_take_either_separator_and_any_legal_name() {
    for (text, wanted) in [
        ("hello.exe", "hello.exe"),
        ("jdk/bin/java.exe", r"jdk\bin\java.exe"),
        (r"jdk\bin/java.exe", r"jdk\bin\java.exe"),
        ("CONx", "CONx"),
        ("nullable/com10", r"nullable\com10"),
        (".con", ".con"),
        ("aux-1", "aux-1"),
        ("a & echo x.txt", "a & echo x.txt"),
        ("two^three %OS%", "two^three %OS%"),
        ("straße/中/😀", r"straße\中\😀"),
    ] {
        assert_eq!(relative(text).unwrap(), wanted);
    }
}

#[test]
fn places_that_windows_or_we_need_are_refused() {
    let texts = [
        "",
        r"C:\",
        "c:/",
        "C:",
        "C:work",
        "work",
        r"\work",
        "/work",
        r"D:\work",
        "d:/",
        r"\\server\share",
        r"\\?\C:\work",
        r"\\.\pipe\x",
        "//?/C:/work",
        r"\??\C:\work",
        r"\\?\GLOBALROOT\Device\x",
        r"C:\Windows",
        r"c:\WINDOWS\System32",
        "c:/windows/",
        r"C:\Users",
        "C:/users/",
        r"C:\ProgramData",
        r"C:\Program Files",
        r"C:\program files (X86)\",
        r"C:\PROGRA~1",
        r"C:\progra~2\x",
        r"C:\nspawn_agent",
        r"c:\NSPAWN_x\y",
        r"C:\\work",
        r"C:\work\\",
        r"C:\a\..\b",
        r"C:\.",
        r"C:\work.",
        r"C:\work \x",
        r"C:\nul",
        r"C:\a\com1.txt",
        r"C:\a:b",
        r"C:\>>x",
        "C:\\a\0b",
        r"C:\con.\x",
        "C:\\\" & \"",
    ];
    assert_eq!(wrongly_told(&texts, place), Vec::<String>::new());
}

#[test]
fn places_are_normal_in_drive_and_separators() {
    for (text, wanted) in [
        ("c:/nspawndir", r"C:\nspawndir"),
        (r"C:\work\", r"C:\work"),
        ("C:/a/b/", r"C:\a\b"),
        (r"C:\Users\me", r"C:\Users\me"),
        (r"C:\Program Files\a b", r"C:\Program Files\a b"),
        (r"C:\ProgramData\x", r"C:\ProgramData\x"),
        (r"C:\Windows2", r"C:\Windows2"),
        (r"C:\a & echo x", r"C:\a & echo x"),
        (r"C:\two^three", r"C:\two^three"),
    ] {
        assert_eq!(place(text).unwrap(), wanted);
    }
    let any = |text: &str| ContainerPath::parse_any("key", text).map(|path| path.to_string());
    assert_eq!(any("C:/").unwrap(), r"C:\");
    assert_eq!(any(r"c:\Windows\Temp").unwrap(), r"C:\Windows\Temp");
    assert_eq!(wrongly_told(&["D:/", "", "x", r"C:\nul", r"C:\\", r"\\?\C:\"], any), Vec::<String>::new());
}

#[test]
fn joins_a_relative_path_below_a_place() {
    let place = ContainerPath::parse("key", "c:/work").unwrap();
    let file = RelativePath::parse("key", "bin/a.exe").unwrap();
    assert_eq!(place.join(&file).to_string(), r"C:\work\bin\a.exe");
    assert_eq!(place.join(&file).folded(), ["WORK", "BIN", "A.EXE"]);
}

#[test]
fn lengths_are_bounded_in_utf16_units() {
    // Components of 127 units and a separator: 256 of them and their last separator make 32 767 units.
    let long = |units: usize| {
        let mut text = format!("{}\\", "a".repeat(127)).repeat(units / 128 + 1);
        text.truncate(units);
        text
    };
    for (units, accepted) in
        [(259, true), (260, true), (261, true), (32_766, true), (32_767, false), (40_000, false)]
    {
        assert_eq!(relative(&long(units)).is_ok(), accepted, "{units} units");
        assert_eq!(place(&format!("C:\\{}", long(units - 3))).is_ok(), accepted, "{units} units");
    }
    for (name, accepted) in [("a".repeat(255), true), ("a".repeat(256), false), ("😀".repeat(64), false)] {
        assert_eq!(relative(&name).is_ok(), accepted);
    }
}

proptest::proptest! {
    /// What is accepted prints as what it was parsed from, whichever separator was used, and never climbs.
    #[test]
    fn accepted_paths_print_as_themselves(text in r"[a-zA-Z.:/\\ ~1é]{0,12}") {
        for (text, parse) in [(text.clone(), relative as fn(&str) -> _), (format!("c:/{text}"), place)] {
            let Ok(path) = parse(&text) else { continue };
            proptest::prop_assert_eq!(&parse(&path).unwrap(), &path);
            proptest::prop_assert_eq!(&parse(&text.replace('\\', "/")).unwrap(), &path);
            proptest::prop_assert!(!path.split('\\').any(|name| name.ends_with('.') || name.is_empty()));
        }
    }
}
