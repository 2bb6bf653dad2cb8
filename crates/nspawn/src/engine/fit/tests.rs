use std::num::NonZeroU64;

use super::*;

fn host(build: u32) -> HostVersion {
    HostVersion { major: 10, minor: 0, build }
}

fn layer(build: u16, revision: u16) -> FileVersion {
    FileVersion { major: 10, minor: 0, build, revision }
}

#[test]
fn a_host_runs_what_hcsshim_says_it_does() {
    for (host, builds) in [
        (14_393, 14_393..=14_393),
        (17_763, 17_763..=17_763),
        (18_362, 18_362..=18_362),
        (18_363, 18_362..=18_362),
        (19_042, 19_041..=19_041),
        (20_348, 20_348..=20_348),
        (22_000, 20_348..=22_000),
        (25_398, 20_348..=25_398),
        (26_100, 20_348..=26_100),
        (26_200, 26_100..=26_200),
        (30_000, 26_100..=30_000),
    ] {
        assert_eq!(runnable(host), builds, "{host}");
    }
}

#[test]
fn a_layer_that_does_not_fit_is_refused_with_both_builds_and_the_way_out() {
    for (of_host, of_layer, fits) in [
        (14_393, 14_393, true),
        (14_393, 17_763, false),
        (17_763, 14_393, false),
        (17_763, 17_763, true),
        (20_348, 17_763, false),
        (20_348, 20_348, true),
        (20_348, 26_100, false),
        (26_100, 20_348, true),
        (26_100, 25_398, true),
        (26_100, 17_763, false),
        (26_200, 20_348, false),
    ] {
        let checked = check_layer(host(of_host), None, layer(of_layer, 1), r"C:\layers\base");
        assert_eq!(checked.is_ok(), fits, "{of_layer} on {of_host}");
    }
    let error = check_layer(host(20_348), None, layer(17_763, 5), r"C:\base").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.one_line(),
        r"parent_layer_directory: holds Windows 10.0.17763 (Windows Server 2019), and this host is Windows 10.0.20348 (Windows Server 2022), which runs layers of build 20348 alone: C:\base"
    );
    assert_eq!(
        error.hint(),
        Some("take layers of build 20348 (image tag ltsc2022), or run these on a host of build 17763")
    );
    let error = check_layer(host(26_100), None, layer(17_763, 5), r"C:\base").unwrap_err();
    let hint =
        "take layers of builds 20348 to 26100 (image tag ltsc2025), or run these on a host of build 17763";
    assert_eq!(error.hint(), Some(hint));
    let old = FileVersion { major: 6, minor: 3, build: 20_348, revision: 0 };
    check_layer(host(20_348), None, old, r"C:\base").unwrap_err();
}

#[test]
fn revisions_matter_on_windows_server_2016_alone() {
    for (build, of_host, of_layer, told) in [
        (14_393, Some(5), 5, false),
        (14_393, Some(5), 6, true),
        (14_393, None, 6, false),
        (17_763, Some(5), 6, false),
        (20_348, Some(5), 6, false),
    ] {
        let hosts_file = of_host.map(|revision| layer(build, revision));
        let checked = check_layer(host(build.into()), hosts_file, layer(build, of_layer), r"C:\base");
        assert_eq!(checked.unwrap().is_some(), told, "{build} {of_host:?} {of_layer}");
    }
}

#[test]
fn windows_without_containers_is_told() {
    for (version, has) in [
        (HostVersion { major: 10, minor: 0, build: 14_393 }, true),
        (HostVersion { major: 10, minor: 0, build: 26_100 }, true),
        (HostVersion { major: 10, minor: 0, build: 10_586 }, false),
        (HostVersion { major: 6, minor: 3, build: 9600 }, false),
    ] {
        assert_eq!(check_host(version).is_ok(), has, "{version}");
    }
}

#[test]
fn what_is_missing_of_our_rights_is_named() {
    let both = vec!["SeBackupPrivilege", "SeRestorePrivilege"];
    for (elevated, missing, wanted) in [
        (Some(true), vec![], None),
        (None, vec![], None),
        (Some(false), vec![], Some("cannot make a container: this process is not elevated")),
        (
            Some(false),
            both.clone(),
            Some(
                "cannot make a container: this process is not elevated, and does not hold SeBackupPrivilege and \
                 SeRestorePrivilege",
            ),
        ),
        (
            Some(true),
            vec!["SeBackupPrivilege"],
            Some("cannot make a container: this user does not hold SeBackupPrivilege"),
        ),
        (
            None,
            both,
            Some("cannot make a container: this user does not hold SeBackupPrivilege and SeRestorePrivilege"),
        ),
    ] {
        let refused = check_rights(&Rights { elevated, missing }).err();
        assert!(refused.iter().all(|error| error.kind() == ErrorKind::Denied && error.hint().is_some()));
        assert_eq!(refused.map(|error| error.one_line()).as_deref(), wanted);
    }
}

#[test]
fn limits_are_held_against_the_host() {
    let host = Resources { processors: 8, first_group: 8, commit_limit: Some(16 << 30) };
    let large = Resources { processors: 128, first_group: 64, commit_limit: None };
    let limits = |mask: u64, memory: u64| Limits {
        affinity: AffinityMask::new(mask),
        memory_mb: NonZeroU64::new(memory),
        ..Limits::default()
    };
    for (limits, host, refused, told) in [
        (limits(0, 0), host, None, false),
        (limits(0x80, 16 << 10), host, None, false),
        (limits(0, (16 << 10) + 1), host, None, true),
        (limits(0, u64::MAX), large, None, false),
        (limits(0x101, 0), host, Some("bit 8 stands for processor 8, but this host has 8: 257"), false),
        (limits(1 << 63, 0), large, None, false),
        (
            limits(1 << 63, 0),
            Resources { first_group: 36, processors: 72, ..large },
            Some(
                "bit 63 stands for processor 63, but the first group of this host's 72 processors, the only one that \
                 a mask can name, has 36: 9223372036854775808",
            ),
            false,
        ),
    ] {
        match check_limits(&limits, host) {
            Ok(remark) => assert_eq!((remark.is_some(), refused), (told, None), "{limits:?}"),
            Err(error) => assert_eq!(
                Some(error.one_line()),
                refused.map(|reason| format!("cpu_affinity_hex: {reason}"))
            ),
        }
    }
}

#[test]
fn processes_are_limited_by_no_document() {
    let host = Resources { processors: 8, first_group: 8, commit_limit: None };
    let limits = Limits { processes: NonZeroU64::new(100), ..Limits::default() };
    let error = check_limits(&limits, host).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.one_line(),
        "cannot enforce max_processes: no document of the Host Compute Service has a field for it"
    );
}

#[test]
fn a_chain_is_an_array_of_absolute_paths() {
    for (text, wanted) in [
        ("null", Some(&[][..])),
        ("[]", Some(&[])),
        (r#"["C:\\layers\\base"]"#, Some(&[r"C:\layers\base"])),
        (r#"["d:/l/a", "\\\\?\\C:\\b", "//server/share"]"#, Some(&["d:/l/a", r"\\?\C:\b", "//server/share"])),
        ("", None),
        ("{}", None),
        ("[1]", None),
        (r#"["C:\\a"] x"#, None),
        (r#"["C:\\a""#, None),
        (r#"["base"]"#, None),
        (r#"["C:base"]"#, None),
        (r#"["\\base"]"#, None),
        (r#"[""]"#, None),
    ] {
        let parsed = parse_chain(text, r"C:\l\layerchain.json");
        let refused = parsed.as_ref().err().map(|error| (error.kind(), error.one_line()));
        assert!(
            refused
                .iter()
                .all(|(kind, line)| *kind == ErrorKind::InvalidSpec
                    && line.starts_with(r"C:\l\layerchain.json: ")),
            "{refused:?}"
        );
        let wanted = wanted.map(|paths: &[&str]| paths.iter().map(ToString::to_string).collect());
        assert_eq!(parsed.ok(), wanted, "{text}");
    }
}
