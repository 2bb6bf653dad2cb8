use super::*;

const ELF: &[u8] = b"\x7fELF\x02\x01\x01";
const ELF32: &[u8] = b"\x7fELF\x01\x01\x01";
const SCRIPT: &[u8] = b"#!/bin/sh\n";

/// Makes a tree of files.
fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

#[test]
fn is_found_where_packages_put_it() {
    let debian = |loader: &'static str| {
        vec![
            ("usr/bin/wine", SCRIPT),
            (loader, ELF),
            ("usr/lib/wine/wineserver", SCRIPT),
            ("usr/lib/wine/wineserver64", ELF),
            ("usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so", ELF),
            ("usr/share/wine/nls/locale.nls", b"x".as_slice()),
        ]
    };
    let other = |loader: &'static str, server, library, data| {
        vec![(loader, ELF), (server, ELF), (library, ELF), (data, b"x".as_slice())]
    };
    let (stable, staging) = ("opt/wine-stable/lib64/wine", "opt/wine-staging/lib/wine");
    for (name, files, loader, server, libraries) in [
        (
            "Debian 12, Ubuntu 24.04",
            debian("usr/lib/wine/wine64"),
            "usr/lib/wine/wine64",
            "wineserver64",
            "usr/lib/x86_64-linux-gnu/wine",
        ),
        (
            "Debian without wine64",
            debian("usr/lib/wine/wine"),
            "usr/lib/wine/wine",
            "wineserver64",
            "usr/lib/x86_64-linux-gnu/wine",
        ),
        (
            "Debian 14, its loader among the libraries",
            [("usr/bin/wine64", SCRIPT), ("usr/bin/wine", SCRIPT)]
                .into_iter()
                .chain(other(
                    "usr/lib/x86_64-linux-gnu/wine/wine",
                    "usr/lib/x86_64-linux-gnu/wine/wineserver",
                    "usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so",
                    "usr/share/wine/nls/x",
                ))
                .collect(),
            "usr/lib/x86_64-linux-gnu/wine/wine",
            "wineserver",
            "usr/lib/x86_64-linux-gnu/wine",
        ),
        (
            "Fedora",
            other(
                "usr/bin/wine64",
                "usr/bin/wineserver64",
                "usr/lib64/wine/x86_64-unix/ntdll.so",
                "usr/share/wine/nls/x",
            ),
            "usr/bin/wine64",
            "wineserver64",
            "usr/lib64/wine",
        ),
        (
            "Fedora without wine64",
            other(
                "usr/bin/wine",
                "usr/bin/wineserver",
                "usr/lib64/wine/x86_64-unix/ntdll.so",
                "usr/share/wine/nls/x",
            ),
            "usr/bin/wine",
            "wineserver",
            "usr/lib64/wine",
        ),
        (
            "WineHQ, of two word sizes",
            [("opt/wine-stable/bin/wine", ELF32)]
                .into_iter()
                .chain(other(
                    "opt/wine-stable/bin/wine64",
                    "opt/wine-stable/bin/wineserver",
                    "opt/wine-stable/lib64/wine/x86_64-unix/ntdll.so",
                    "opt/wine-stable/share/wine/nls/x",
                ))
                .collect(),
            "opt/wine-stable/bin/wine64",
            "wineserver",
            stable,
        ),
        (
            "WineHQ's staging, without wine64",
            other(
                "opt/wine-staging/bin/wine",
                "opt/wine-staging/bin/wineserver",
                "opt/wine-staging/lib/wine/x86_64-unix/ntdll.so",
                "opt/wine-staging/share/wine/nls/x",
            ),
            "opt/wine-staging/bin/wine",
            "wineserver",
            staging,
        ),
    ] {
        let root = tree(&files);
        let found = Wine::find_below(root.path()).unwrap_or_else(|| panic!("{name}"));
        let loader = root.path().join(loader);
        assert_eq!((&found.loader, &found.server), (&loader, &loader.with_file_name(server)), "{name}");
        assert_eq!(found.libraries, root.path().join(libraries), "{name}");
        let named = Wine::of_loader(&loader).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(named, found, "{name}");
        for part in [&found.loader, &found.server, &found.libraries, &found.data] {
            let mapped = found.parts().into_iter().filter(|mapped| part.starts_with(mapped)).count();
            assert_eq!(mapped, 1, "{name}: {}", part.display());
        }
    }
}

#[test]
fn is_found_only_whole() {
    let whole: [(&str, &[u8]); 4] = [
        ("usr/lib/wine/wine64", ELF),
        ("usr/lib/wine/wineserver64", ELF),
        ("usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so", ELF),
        ("usr/share/wine/nls/x", b"x"),
    ];
    assert!(Wine::find_below(tree(&whole).path()).is_some());
    for without in 0..whole.len() {
        let mut part = whole.to_vec();
        let (missing, _) = part.remove(without);
        assert_eq!(Wine::find_below(tree(&part).path()), None, "without {missing}");
    }
    for no_loader in [SCRIPT, ELF32, b""] {
        let mut other = whole;
        other[0].1 = no_loader;
        let root = tree(&other);
        assert_eq!(Wine::find_below(root.path()), None, "{no_loader:?}");
        assert_eq!(Wine::of_loader(&root.path().join(whole[0].0)), None, "{no_loader:?}");
    }
}

#[test]
fn its_32_bit_part_is_found_where_packages_put_it() {
    let debian: [(&str, &[u8]); 4] = [
        ("usr/lib/wine/wine64", ELF),
        ("usr/lib/wine/wineserver64", ELF),
        ("usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so", ELF),
        ("usr/share/wine/nls/x", b"x"),
    ];
    let winehq: [(&str, &[u8]); 4] = [
        ("opt/wine-stable/bin/wine64", ELF),
        ("opt/wine-stable/bin/wineserver", ELF),
        ("opt/wine-stable/lib64/wine/x86_64-unix/ntdll.so", ELF),
        ("opt/wine-stable/share/wine/nls/x", b"x"),
    ];
    const DEBIAN_HEART: &str = "usr/lib/i386-linux-gnu/wine/i386-unix/ntdll.so";
    const WINEHQ_HEART: &str = "opt/wine-stable/lib/wine/i386-unix/ntdll.so";
    type Files<'a> = &'a [(&'a str, &'a [u8])];
    type Found = Option<(&'static str, &'static str)>;
    let cases: [(&str, Files<'_>, Files<'_>, Found); 6] = [
        (
            "Debian, Ubuntu",
            &debian,
            &[(DEBIAN_HEART, ELF32), ("usr/lib/wine/wine", ELF32)],
            Some(("usr/lib/wine/wine", "usr/lib/i386-linux-gnu/wine")),
        ),
        (
            "WineHQ",
            &winehq,
            &[(WINEHQ_HEART, ELF32), ("opt/wine-stable/bin/wine", ELF32)],
            Some(("opt/wine-stable/bin/wine", "opt/wine-stable/lib/wine")),
        ),
        (
            "a loader among the libraries",
            &winehq,
            &[(WINEHQ_HEART, ELF32), ("opt/wine-stable/lib/wine/i386-unix/wine", ELF32)],
            Some(("opt/wine-stable/lib/wine/i386-unix/wine", "opt/wine-stable/lib/wine")),
        ),
        ("none", &debian, &[], None),
        ("no loader", &debian, &[(DEBIAN_HEART, ELF32)], None),
        ("a loader of 64 bits", &debian, &[(DEBIAN_HEART, ELF32), ("usr/lib/wine/wine", ELF)], None),
    ];
    for (name, whole, more, wanted) in cases {
        let files: Vec<_> = whole.iter().chain(more).copied().collect();
        let root = tree(&files);
        let found = Wine::find_below(root.path()).unwrap_or_else(|| panic!("{name}"));
        let wanted = wanted.map(|(loader, libraries)| Part32 {
            loader: root.path().join(loader),
            libraries: root.path().join(libraries),
        });
        assert_eq!(found.part_32, wanted, "{name}");
        assert_eq!(found.runs_32_bit(), wanted.is_some(), "{name}");
        let interface = if wanted.is_some() { Interface::X86_64AndI386 } else { Interface::X86_64 };
        assert_eq!(found.interface(), interface, "{name}");
        let parts = found.parts();
        let is_mapped = |path: &Path| parts.iter().any(|part| path.starts_with(part));
        let part_32 = wanted.iter().flat_map(|part| [part.loader.clone(), part.unix()]);
        assert!(part_32.into_iter().all(|path| is_mapped(&path)), "{name}: {parts:?}");
    }
}

#[test]
fn its_own_wow64_uses_the_entry_of_32_bit_programs() {
    const WHOLE: [(&str, &[u8]); 4] = [
        ("usr/lib/wine/wine64", ELF),
        ("usr/lib/wine/wineserver64", ELF),
        ("usr/lib/x86_64-linux-gnu/wine/x86_64-unix/ntdll.so", ELF),
        ("usr/share/wine/nls/x", b"x"),
    ];
    const OF_WOW64: [(&str, &[u8]); 3] = [
        ("usr/lib/x86_64-linux-gnu/wine/i386-windows/ntdll.dll", b"x"),
        ("usr/lib/x86_64-linux-gnu/wine/x86_64-windows/wow64.dll", b"x"),
        ("usr/lib/x86_64-linux-gnu/wine/x86_64-windows/wow64win.dll", b"x"),
    ];
    for missing in [None, Some(0), Some(1), Some(2)] {
        let of_wow64 = OF_WOW64.iter().enumerate().filter(|(index, _)| Some(*index) != missing);
        let files: Vec<_> = WHOLE.iter().chain(of_wow64.map(|(_, file)| file)).copied().collect();
        let root = tree(&files);
        let found = Wine::find_below(root.path()).unwrap_or_else(|| panic!("{missing:?}"));
        let interface = if missing.is_none() { Interface::X86_64AndI386 } else { Interface::X86_64 };
        let told = (found.part_32.is_some(), found.runs_32_bit(), found.interface());
        assert_eq!(told, (false, missing.is_none(), interface), "{missing:?}");
    }
}
