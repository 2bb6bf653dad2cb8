use super::*;
use std::fs;
use std::num::NonZeroU64;

use crate::cgroup::{Bytes, CpuQuota, CpuSet, Device, IoLimit};

use Controller::{Cpu, Cpuset, Io, Memory, Pids};

fn n(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).expect("not zero")
}

/// A group as plain files: what it has, what it passes on, its type (none: the root) and its processes.
struct Fake(&'static str, &'static str, Option<&'static str>, &'static str);

const ALL: &str = "cpuset cpu io memory hugetlb pids rdma misc";

/// Makes the groups below each other, the root first; returns the chain, the deepest first.
fn tree(root: &Path, levels: &[Fake]) -> Vec<PathBuf> {
    let mut path = root.to_owned();
    let mut chain = Vec::new();
    for (i, Fake(available, passed_on, kind, processes)) in levels.iter().enumerate() {
        if i > 0 {
            path.push(format!("g{i}"));
            fs::create_dir(&path).expect("a directory");
        }
        for (file, text) in [
            ("cgroup.controllers", Some(*available)),
            ("cgroup.subtree_control", Some(*passed_on)),
            ("cgroup.procs", Some(*processes)),
            ("cgroup.type", *kind),
        ] {
            if let Some(text) = text {
                fs::write(path.join(file), text).expect("a file");
            }
        }
        chain.insert(0, path.clone());
    }
    chain
}

#[test]
fn a_group_goes_to_the_nearest_place_that_passes_on_what_is_needed() {
    const DOMAIN: Option<&str> = Some("domain\n");
    let session = || Fake("memory pids", "", DOMAIN, "812\n813\n");
    let root = || Fake(ALL, "cpuset cpu io memory pids", None, "1\n2\n");
    // Levels from the root down; wanted; the level that is chosen (0: the root) and what is enabled there.
    type Row = (&'static str, Vec<Fake>, &'static [Controller], usize, &'static [Controller]);
    let table: Vec<Row> = vec![
        (
            "beside the session's scope",
            vec![root(), Fake(ALL, "memory pids", DOMAIN, ""), session()],
            &[Memory, Pids],
            1,
            &[],
        ),
        (
            "further up rather than changing a slice",
            vec![root(), Fake(ALL, "memory pids", DOMAIN, ""), session()],
            &[Memory, Cpu],
            0,
            &[],
        ),
        (
            "nobody passes it on: the nearest that can",
            vec![
                Fake(ALL, "memory cpu", None, "1\n"),
                Fake("memory cpu", "memory", DOMAIN, ""),
                Fake("memory", "", DOMAIN, "9\n"),
            ],
            &[Memory, Io],
            0,
            &[Io],
        ),
        (
            "a free slice is nearer than the root",
            vec![
                Fake(ALL, "memory", None, "1\n"),
                Fake("memory cpu", "memory", DOMAIN, ""),
                Fake("memory", "", DOMAIN, "9\n"),
            ],
            &[Memory, Cpu],
            1,
            &[Cpu],
        ),
        (
            "the root itself, processes or not",
            vec![Fake(ALL, "", None, "1\n")],
            &[Cpu, Memory],
            0,
            &[Cpu, Memory],
        ),
        (
            "an own group without processes, seen from a cgroup namespace",
            vec![Fake("cpu memory", "memory", DOMAIN, "")],
            &[Cpu, Memory],
            0,
            &[Cpu],
        ),
        (
            "never below a threaded group",
            vec![Fake(ALL, "cpu", None, ""), Fake("cpu", "cpu", Some("domain threaded\n"), ""), session()],
            &[Cpu],
            0,
            &[],
        ),
    ];
    for (case, levels, wanted, level, enable) in table {
        let root = tempfile::tempdir().expect("a directory");
        let chain = tree(root.path(), &levels);
        let got = place(&chain, wanted).unwrap_or_else(|error| panic!("{case}: {error}"));
        let parent = chain[chain.len() - 1 - level].clone();
        assert_eq!(got, Place { enable: enable.to_vec(), ..Place::ready(&parent) }, "{case}");
    }
}

#[test]
fn where_no_group_can_be_made_the_obstacle_is_named() {
    let domain = Some("domain\n");
    let table = [
        (
            "a container's only group has its processes",
            vec![Fake("cpu memory", "", domain, "1\n")],
            ErrorKind::Occupied,
        ),
        (
            "nobody has io",
            vec![Fake("cpu memory", "", None, ""), Fake("", "", domain, "1\n")],
            ErrorKind::Absent,
        ),
        ("threaded", vec![Fake("cpu memory io", "cpu", Some("threaded\n"), "")], ErrorKind::Occupied),
    ];
    for (case, levels, kind) in table {
        let root = tempfile::tempdir().expect("a directory");
        let wanted = if kind == ErrorKind::Absent { [Memory, Io] } else { [Memory, Cpu] };
        let error = place(&tree(root.path(), &levels), &wanted).expect_err(case);
        assert_eq!(error.kind(), kind, "{case}: {error}");
    }
    let error = place(&[], &[Memory]).expect_err("no group at all");
    assert_eq!(error.kind(), ErrorKind::Absent);
}

#[test]
fn what_a_user_s_systemd_lacks_is_its_host_s_concern() {
    for (host, group, kind) in [
        ("memory io", "memory io", None),
        ("memory io", "memory", Some(ErrorKind::Undelegated)),
        ("memory", "memory", Some(ErrorKind::Absent)),
    ] {
        let root = tempfile::tempdir().expect("a directory");
        let chain = tree(root.path(), &[Fake(host, "", None, ""), Fake(group, "", Some("domain\n"), "")]);
        let offered = offers(chain.last().expect("the top"), &chain[0], Io);
        assert_eq!(offered.err().map(|error| error.kind()), kind, "{host} {group}");
    }
}

#[test]
fn what_was_delegated_to_the_launcher_is_arranged_by_it() {
    let own = |role, control| Level {
        path: "/own".into(),
        available: vec![Memory, Cpu],
        passed_on: vec![Memory],
        role,
        entry: Ok(()),
        control,
    };
    let below = |leave_for: Option<&str>| {
        Some(Place { parent: "/own".into(), enable: vec![Cpu], leave_for: leave_for.map(PathBuf::from) })
    };
    for (case, own, wanted, place) in [
        ("alone in it", own(Role::Ours, Ok(())), [Memory, Cpu], below(Some("/own/launcher"))),
        ("it left before", own(Role::Left, Ok(())), [Memory, Cpu], below(None)),
        ("others are in it", own(Role::Occupied, Ok(())), [Memory, Cpu], None),
        ("it lacks a controller", own(Role::Ours, Ok(())), [Memory, Io], None),
        ("it may not be changed", own(Role::Ours, Err(Errno::ACCESS)), [Memory, Cpu], None),
    ] {
        assert_eq!(own.below(&wanted), place, "{case}");
    }
}

#[test]
fn the_launcher_leaves_before_controllers_are_switched_on() {
    let root = tempfile::tempdir().expect("a directory");
    let chain = tree(root.path(), &[Fake(ALL, "memory", Some("domain\n"), "1\n")]);
    let leave_for = Some(chain[0].join("launcher"));
    let place = Place { parent: chain[0].clone(), enable: vec![Cpu], leave_for };
    // In a plain directory it cannot be moved, and then nothing else is done.
    let error = enable(&place).expect_err("no such file");
    assert!(error.to_string().contains("launcher/cgroup.procs"), "{error}");
    let control = fs::read_to_string(chain[0].join("cgroup.subtree_control")).expect("a file");
    assert_eq!(control, "memory");
    fs::write(chain[0].join("launcher/cgroup.procs"), "").expect("a file");
    enable(&place).expect("a launcher that left once leaves again");
    assert_eq!(fs::read_to_string(chain[0].join("launcher/cgroup.procs")).expect("a file"), "0");
}

#[test]
fn missing_rights_are_told_before_all_else() {
    // A plain user in a session of the system: the slice above would do, and is not the user's.
    let levels = [
        (Role::Occupied, vec![Memory], Ok(())),
        (Role::Free, vec![Memory, Cpu], Err(Errno::ACCESS)),
        (Role::Root, vec![Memory, Cpu], Err(Errno::ACCESS)),
    ]
    .map(|(role, available, entry)| Level {
        path: format!("/{}", available.len()).into(),
        passed_on: available.clone(),
        available,
        role,
        entry,
        control: entry,
    });
    let error = explain(&levels, &[Memory, Cpu]);
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(error.to_string(), "cannot make a control group below /2");
    assert!([DELEGATE, DELEGATE_BY_SYSTEMD].map(Some).contains(&error.cure()), "{:?}", error.cure());
}

#[test]
fn controllers_are_switched_on_by_one_write() {
    let root = tempfile::tempdir().expect("a directory");
    let chain = tree(root.path(), &[Fake(ALL, "memory", None, "")]);
    let place = place(&chain, &[Memory, Cpu, Io]).expect("the root");
    enable(&place).expect("writable");
    let control = root.path().join("cgroup.subtree_control");
    assert_eq!(fs::read_to_string(&control).expect("a file"), "+cpu +io");
    fs::remove_file(&control).expect("a file");
    let error = enable(&place).expect_err("no such file");
    assert!(error.to_string().contains("cgroup.subtree_control (controller cpu)"), "{error}");
    enable(&Place { enable: Vec::new(), ..place }).expect("nothing to write");
}

/// All limits at once.
fn limits() -> Limits {
    let rate = |bytes, operations| Rate {
        bytes_per_second: NonZeroU64::new(bytes),
        operations_per_second: NonZeroU64::new(operations),
    };
    let io = |minor, read, write| IoLimit { device: Device { major: 254, minor }, read, write };
    Limits {
        memory: Some(Bytes(n(67_108_864))),
        cpu: CpuQuota::from_millionths(n(1_500_000)),
        cpus: Some(CpuSet::from_mask(n(0b101))),
        io: vec![
            io(0, rate(8, 0), rate(1_048_576, 1 << 40)),
            io(16, rate(0, 0), rate(0, 0)),
            io(32, rate(0, 20), rate(0, 0)),
        ],
        processes: NonZeroU64::new(20),
    }
}

/// Writes the settings into files of a fake group, and returns every file's text.
fn written(dir: &Path, settings: &[Setting]) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for setting in settings {
        fs::write(dir.join(setting.file), "").expect("a file");
        setting.apply(dir).expect("writable");
        texts.push((setting.file.to_owned(), fs::read_to_string(dir.join(setting.file)).expect("a file")));
    }
    texts
}

fn texts(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn version_2_gets_these_texts() {
    let root = tempfile::tempdir().expect("a directory");
    fs::write(root.path().join("cpuset.cpus.effective"), "0-3\n").expect("a file");
    let group = root.path().join("nspawn_x");
    fs::create_dir(&group).expect("a directory");
    let settings = settings(&limits().controllers(), &limits(), root.path()).expect("settings");
    assert_eq!(
        written(&group, &settings),
        texts(&[
            ("memory.max", "67108864"),
            ("memory.swap.max", "0"),
            ("memory.oom.group", "1"),
            ("cpu.max", "150000 100000"),
            ("cpuset.cpus", "0,2"),
            ("io.max", "254:0 rbps=8 wbps=1048576 wiops=4294967295"),
            ("io.max", "254:32 riops=20"),
            ("pids.max", "20"),
        ])
    );
}

#[test]
fn version_1_gets_these_texts() {
    let root = tempfile::tempdir().expect("a directory");
    fs::write(root.path().join("cpuset.effective_cpus"), "0-3\n").expect("a file");
    fs::write(root.path().join("cpuset.effective_mems"), "0-1\n").expect("a file");
    let group = root.path().join("nspawn_x");
    fs::create_dir(&group).expect("a directory");
    let settings =
        crate::cgroup::v1::settings(&limits().controllers(), &limits(), root.path()).expect("settings");
    assert_eq!(
        written(&group, &settings),
        texts(&[
            ("memory.limit_in_bytes", "67108864"),
            ("memory.memsw.limit_in_bytes", "67108864"),
            ("cpu.cfs_period_us", "100000"),
            ("cpu.cfs_quota_us", "150000"),
            ("cpuset.mems", "0-1"),
            ("cpuset.cpus", "0,2"),
            ("blkio.throttle.read_bps_device", "254:0 8"),
            ("blkio.throttle.write_bps_device", "254:0 1048576"),
            ("blkio.throttle.write_iops_device", "254:0 4294967295"),
            ("blkio.throttle.read_iops_device", "254:32 20"),
            ("pids.max", "20"),
        ])
    );
}

#[test]
fn processors_that_cannot_be_used_are_refused_by_number() {
    let root = tempfile::tempdir().expect("a directory");
    fs::write(root.path().join("cpuset.cpus.effective"), "0-1\n").expect("a file");
    let error = settings(&[Cpuset], &limits(), root.path()).expect_err("processor 2 is not there");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(
        error.to_string(),
        "cannot limit the sandbox to processors 0,2 (controller cpuset): 2 cannot be used here, only 0-1"
    );
}
