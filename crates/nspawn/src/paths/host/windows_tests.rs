use std::path::{Path, PathBuf};

use super::windows::{check_host, host_path};
use crate::error::Result;
use crate::paths::tests::wrongly_told;

fn host(text: &str) -> Result<String> {
    let own = [PathBuf::from(r"C:\ProgramData\hostcompute_nspawn\run"), PathBuf::from(r"D:\nspawn\data")];
    host_path("key", text, Path::new(r"C:\app\etc"), &own).map(|path| path.display().to_string())
}

#[test]
fn host_directories_that_must_not_be_mapped_are_refused() {
    let texts = [
        "",
        "c:/",
        r"C:\",
        r"C:\a\..",
        r"..\..",
        r"..\..\..",
        "c:",
        "C:x",
        r"\abs",
        "/abs",
        r"\\server\share",
        "//server/share",
        r"\\?\C:\x",
        r"\\.\pipe\x",
        r"\??\C:\x",
        r"\\?\GLOBALROOT\Device\x",
        r"c:\PROGRAMDATA\Hostcompute_nspawn\run",
        r"C:\ProgramData\hostcompute_nspawn\run\x",
        r"C:\programdata",
        r"D:\nspawn",
        r"d:/nspawn/data/x/../y",
        r"C:\a:b",
        r"C:\nul.txt",
        r"C:\a ",
        r"C:\a.",
        "C:\\a\0b",
        r"C:\what?",
    ];
    assert_eq!(wrongly_told(&texts, host), Vec::<String>::new());
}

#[test]
fn host_directories_are_relative_to_the_configuration() {
    for (text, wanted) in [
        (r"C:\srv\app", r"C:\srv\app"),
        ("e:/srv/app/", r"E:\srv\app"),
        (r"C:\srv\\app\.\x", r"C:\srv\app\x"),
        ("build/bin", r"C:\app\etc\build\bin"),
        (".", r"C:\app\etc"),
        (r"..\other", r"C:\app\other"),
        (r"D:\nspawn2", r"D:\nspawn2"),
        (r"D:\programdata", r"D:\programdata"),
        (r"C:\srv\a & echo x", r"C:\srv\a & echo x"),
    ] {
        assert_eq!(host(text).unwrap(), wanted);
    }
    for base in ["not/absolute", r"\\server\share", ""] {
        assert!(host_path("key", "x", Path::new(base), &[]).is_err(), "{base}");
        assert_eq!(host_path("key", "c:/x", Path::new(base), &[]).unwrap(), Path::new(r"C:\x"));
    }
}

#[test]
fn real_paths_are_judged_in_their_verbatim_form() {
    let own = [PathBuf::from(r"\\?\C:\own")];
    for (path, accepted) in
        [(r"\\?\C:\work", true), (r"\\?\C:\Own\x", false), (r"\\?\C:\", false), (r"\\?\Volume{1}\", false)]
    {
        assert_eq!(check_host("key", Path::new(path), &own).is_ok(), accepted, "{path}");
    }
}

#[test]
fn lengths_are_bounded_in_utf16_units() {
    for (names, accepted) in [(1, true), (16_382, true), (16_383, false)] {
        assert_eq!(host(&format!("C:{}", r"\é".repeat(names))).is_ok(), accepted, "{names} names");
    }
}

proptest::proptest! {
    #[test]
    fn accepted_host_paths_are_clean(text in r"[a-zC:./\\]{0,12}") {
        if let Ok(path) = host(&text) {
            proptest::prop_assert_eq!(&host(&path).unwrap(), &path);
            proptest::prop_assert!(path.as_bytes()[1] == b':' && !path.contains('/'));
            proptest::prop_assert!(!path.split('\\').any(|name| name == ".."));
        }
    }
}
