use super::*;

/// What a host is expected to say of one controller.
fn at(version: Version, own: &str, mode: Mode) -> Option<(Version, Own, Mode)> {
    Some((version, Own::At(own.into()), mode))
}

fn of(host: &Host, controller: Controller) -> Option<(Version, Own, Mode)> {
    host.with(controller).ok().map(|h| (h.version, h.own.clone(), h.mode))
}

#[test]
fn hybrid_hosts_take_each_controller_where_it_is_mounted() {
    let host = Host::parse(
        "23 1 0:21 / /sys rw,nosuid - sysfs sysfs rw\n\
         31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
         32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
         33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n\
         34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n\
         35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
         38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n\
         40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n\
         41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
        "9:name=systemd:/\n7:blkio:/\n5:devices:/\n4:memory:/api/31099d\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/x\n",
    );
    let v1 = |path| at(Version::V1, path, Mode::Writable);
    assert_eq!(of(&host, Controller::Memory), v1("/sys/fs/cgroup/memory/api/31099d"));
    assert_eq!(of(&host, Controller::Cpu), v1("/sys/fs/cgroup/cpu"));
    assert_eq!(of(&host, Controller::Cpuset), v1("/sys/fs/cgroup/cpuset"));
    assert_eq!(of(&host, Controller::Io), v1("/sys/fs/cgroup/blkio"));
    // Not mounted on version 1: if anywhere, it is on version 2.
    assert_eq!(of(&host, Controller::Pids), at(Version::V2, "/sys/fs/cgroup/unified/x", Mode::Writable));
    assert_eq!(host.hierarchies.len(), 5, "cpuacct and systemd limit nothing");
}

#[test]
fn version_2_under_systemd() {
    let mounts = "25 24 0:22 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 \
                  rw,nsdelegate,memory_recursiveprot\n";
    for (group, up) in [
        (
            "/user.slice/user-0.slice/session-1.scope",
            vec!["/user.slice/user-0.slice/session-1.scope", "/user.slice/user-0.slice", "/user.slice", ""],
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope",
            vec![
                "/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope",
                "/user.slice/user-1000.slice/user@1000.service/app.slice",
                "/user.slice/user-1000.slice/user@1000.service",
                "/user.slice/user-1000.slice",
                "/user.slice",
                "",
            ],
        ),
    ] {
        let host = Host::parse(mounts, &format!("0::{group}\n"));
        let up: Vec<PathBuf> = up.iter().map(|up| format!("/sys/fs/cgroup{up}").into()).collect();
        for controller in Controller::ALL {
            assert_eq!(host.with(controller).expect("mounted").chain(), up);
        }
    }
}

#[test]
fn containers_see_a_part_of_the_tree() {
    // Version 1, docker without a cgroup namespace: the mount's root is the container's own group.
    let docker = "/docker/5f0c";
    let mounts = format!(
        "701 700 0:27 {docker} /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:11 - cgroup cgroup rw,cpu,cpuacct\n\
         702 700 0:28 {docker} /sys/fs/cgroup/memory rw,nosuid master:12 - cgroup cgroup rw,memory\n\
         703 700 0:29 /docker/5f0 /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
         704 700 0:30 /docker /with\\040space rw - cgroup cgroup rw,blkio\n"
    );
    let host = Host::parse(
        &mounts,
        "4:cpu,cpuacct:/docker/5f0c\n3:memory:/docker/5f0c/inner\n2:pids:/docker/5f0c\n1:blkio:/docker/5f0c:1\n",
    );
    let v1 = |path, mode| at(Version::V1, path, mode);
    assert_eq!(of(&host, Controller::Cpu), v1("/sys/fs/cgroup/cpu,cpuacct", Mode::ReadOnly));
    assert_eq!(of(&host, Controller::Memory), v1("/sys/fs/cgroup/memory/inner", Mode::Writable));
    assert_eq!(of(&host, Controller::Io), v1("/with space/5f0c:1", Mode::Writable));
    let hidden = Some((Version::V1, Own::Hidden(docker.into()), Mode::Writable));
    assert_eq!(of(&host, Controller::Pids), hidden, "a prefix of the name is not a group above");
    assert!(host.supports(Controller::Cpuset).is_err());

    // Version 2 with a cgroup namespace.
    let mounts = "900 800 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n";
    let host = Host::parse(mounts, "0::/\n");
    assert_eq!(of(&host, Controller::Memory), at(Version::V2, "/sys/fs/cgroup", Mode::Writable));
    // Mounted before the namespace was made, or the process was moved out of its root.
    for (root, group) in [("/../..", "/"), ("/", "/../other")] {
        let host = Host::parse(
            &format!("9 8 0:26 {root} /sys/fs/cgroup rw - cgroup2 x rw\n"),
            &format!("0::{group}\n"),
        );
        assert_eq!(
            of(&host, Controller::Memory),
            Some((Version::V2, Own::Hidden(group.into()), Mode::Writable))
        );
    }
}

#[test]
fn the_most_usable_mount_of_a_hierarchy_is_taken() {
    let mounts = "1 0 0:1 /a /hidden rw - cgroup2 x rw\n2 0 0:1 / /read_only ro - cgroup2 x rw\n\
                  3 0 0:1 / /good rw - cgroup2 x rw\n4 0 0:1 / /later rw - cgroup2 x rw\n";
    let host = Host::parse(mounts, "0::/own\n");
    assert_eq!(of(&host, Controller::Cpu), at(Version::V2, "/good/own", Mode::Writable));
    assert_eq!(host.hierarchies.len(), 1);
}

#[test]
fn what_cannot_be_used_is_named() {
    let table = [
        ("", "", ErrorKind::Absent, "cannot limit the sandbox (controller memory): no control group"),
        ("garbage\n1 2 3\n - cgroup2\n", "garbage\n:::\n", ErrorKind::Absent, "no control group file system"),
        // The kernel has it, but it is mounted nowhere that the launcher is in.
        ("1 0 0:1 / /m rw - cgroup cgroup rw,memory\n", "1:cpu:/\n", ErrorKind::Absent, "is mounted"),
        (
            "1 0 0:1 / /m ro - cgroup cgroup rw,memory\n",
            "1:memory:/a\n",
            ErrorKind::ReadOnly,
            "/m is mounted read-only",
        ),
        ("1 0 0:1 / /m rw - cgroup2 x ro\n", "0::/a\n", ErrorKind::ReadOnly, "/m is mounted read-only"),
        ("1 0 0:1 /b /m rw - cgroup2 x rw\n", "0::/a\n", ErrorKind::Absent, "own group /a is outside"),
        (
            "1 0 0:1 / /hidden rw - cgroup cgroup rw,memory\n",
            "1:memory:/a\n",
            ErrorKind::Absent,
            "mounted over",
        ),
        ("1 0 0:1 / /hidden rw - cgroup2 x rw\n", "0::/a\n", ErrorKind::Absent, "mounted over"),
    ];
    for (mounts, cgroup, kind, text) in table {
        let error = Host::parse(mounts, cgroup).supports(Controller::Memory).expect_err(mounts);
        assert_eq!(error.kind(), kind, "{mounts}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.controller(), Some(Controller::Memory));
    }
}
