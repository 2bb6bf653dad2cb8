use std::path::{Path, PathBuf};

use super::linux::host_path;
use crate::error::Result;
use crate::paths::tests::wrongly_told;

fn host(text: &str) -> Result<String> {
    let own = [PathBuf::from("/var/lib/hostcompute_nspawn"), PathBuf::from("/run/hostcompute_nspawn")];
    host_path("key", text, Path::new("/etc/app"), &own).map(|path| path.display().to_string())
}

#[test]
fn host_directories_that_must_not_be_mapped_are_refused() {
    let texts = [
        "",
        "/",
        "/..",
        "/a/..",
        "../..",
        "../../..",
        "/proc",
        "/proc/self/root",
        "/sys",
        "/sys/fs/cgroup",
        "/dev",
        "/dev/shm",
        "/tmp/../proc",
        "../../proc/1",
        "/./dev/",
        "/var/lib/hostcompute_nspawn",
        "/var/lib/hostcompute_nspawn/base",
        "/var",
        "/var/lib/",
        "/run",
        "/run/hostcompute_nspawn/x/..",
        "C:/projects",
        r"C:\projects",
        "c:",
        "C:x",
        r"\\server\share",
        r"\\?\C:\",
        r"\\.\pipe\x",
        r"\??\C:\",
        r"\\?\GLOBALROOT\Device\x",
        "//?/C:/",
        "//server/share",
        r"\abs",
        r"build\bin",
        "/a\0b",
    ];
    assert_eq!(wrongly_told(&texts, host), Vec::<String>::new());
}

#[test]
fn host_directories_are_relative_to_the_configuration() {
    for (text, wanted) in [
        ("/srv/app", "/srv/app"),
        ("/srv/app/", "/srv/app"),
        ("/srv//app/./x", "/srv/app/x"),
        ("build/bin", "/etc/app/build/bin"),
        (".", "/etc/app"),
        ("../other", "/etc/other"),
        ("/procx", "/procx"),
        ("/srv/proc", "/srv/proc"),
        ("./a:b", "/etc/app/a:b"),
        ("/var/lib/hostcompute_nspawn2", "/var/lib/hostcompute_nspawn2"),
        ("/srv/a & echo x", "/srv/a & echo x"),
    ] {
        assert_eq!(host(text).unwrap(), wanted);
    }
    assert!(host_path("key", "x", Path::new("not/absolute"), &[]).is_err());
    assert_eq!(host_path("key", "/x", Path::new("not/absolute"), &[]).unwrap(), Path::new("/x"));
}

proptest::proptest! {
    #[test]
    fn accepted_host_paths_are_clean(text in r"[a-z./]{0,12}") {
        if let Ok(path) = host(&text) {
            proptest::prop_assert_eq!(&host(&path).unwrap(), &path);
            proptest::prop_assert!(path.starts_with('/') && !path.split('/').any(|name| name == ".."));
        }
    }
}
