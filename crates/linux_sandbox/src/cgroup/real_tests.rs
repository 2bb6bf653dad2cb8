//! Groups of the real kernel: each limit is met by a program that tries to pass it. What this machine does not allow
//! is skipped by name on stderr: `skipped: NAME: REASON`.

use std::fs::{self, File};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

fn skip(name: &str, error: &Error) {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    crate::skipped::skip(name, &format!("{error}{cause}"));
}

fn n(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).expect("not zero")
}

/// The directory of the test program: /tmp may lie in memory.
fn on_disk() -> PathBuf {
    std::env::current_exe().expect("it is known").with_file_name("")
}

/// A group that is gone when the test ends, however it ends.
struct Scratch(Group);

impl Drop for Scratch {
    fn drop(&mut self) {
        let result = self.0.destroy(PATIENCE);
        if !std::thread::panicking() {
            result.expect("the group can be destroyed");
        }
    }
}

/// Makes the group of a test, or says why this machine cannot.
fn scratch(test: &str, limits: &Limits) -> Option<Scratch> {
    let host = Host::detect().expect("proc is mounted");
    if let Some(error) = limits.controllers().into_iter().find_map(|c| host.supports(c).err()) {
        skip(test, &error);
        return None;
    }
    let name = format!("nspawn_test_{test}_{}", std::process::id());
    Some(Scratch(host.create(&name, limits).expect("what is supported can be made")))
}

impl Scratch {
    /// Prepares a shell that enters the group and then runs `script`. The shell enters by the descriptors of this
    /// process's [`Entrance`], reached through /proc, as a test may not run code between fork and exec.
    fn shell(&self, script: &str) -> (Command, Entrance) {
        let entrance = self.0.entrance().expect("the group can be entered");
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!(
            "for door in \"$@\"; do printf {} > \"$door\" || exit 99; done; set --; {script}",
            std::str::from_utf8(Entrance::SELF).expect("a digit")
        ));
        command.arg("sh");
        for door in entrance.tasks.iter().chain(&entrance.procs) {
            command.arg(format!("/proc/{}/fd/{}", std::process::id(), door.as_raw_fd()));
        }
        command.stdin(Stdio::null()).env("LC_ALL", "C");
        (command, entrance)
    }

    fn run(&self, script: &str) -> Output {
        let (mut command, _entrance) = self.shell(script);
        command.output().expect("sh runs")
    }

    fn spawn(&self, script: &str) -> Child {
        let (mut command, _entrance) = self.shell(&format!("echo in; {script}"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("sh runs");
        // The descriptors have to stay open until it has entered.
        let mut word = [0; 3];
        std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut word).expect("it has entered");
        child
    }
}

#[test]
fn a_memory_hog_is_killed_and_counted() {
    let limits = Limits { memory: Some(Bytes(n(32 << 20))), ..Limits::default() };
    let Some(group) = scratch("memory", &limits) else { return };
    let counter = group.0.oom_counter().expect("it opens").expect("memory is limited");
    let kills = || {
        let mut text = [0; 512];
        let len = rustix::io::pread(&counter, &mut text, 0).expect("it can be read");
        parse_oom_kills(&text[..len])
    };
    assert!(group.run("dd if=/dev/zero of=/dev/null bs=8M count=1").status.success(), "within the limit");
    assert_eq!(kills(), 0);
    let hog = group.run("exec dd if=/dev/zero of=/dev/null bs=128M count=1");
    assert_eq!(hog.status.signal(), Some(9), "{hog:?}");
    assert!(kills() >= 1, "the kernel counts its kill");
    let usage = group.0.usage();
    assert_eq!(usage.oom_kills, Some(kills()));
    // Version 2 tells the peak since Linux 5.19.
    assert!(usage.memory_peak.is_none_or(|peak| (8 << 20..=32 << 20).contains(&peak)), "{usage:?}");
}

#[test]
fn page_cache_alone_kills_nobody() {
    let limits = Limits { memory: Some(Bytes(n(16 << 20))), ..Limits::default() };
    let Some(group) = scratch("page_cache", &limits) else { return };
    let file = tempfile::NamedTempFile::new_in(on_disk()).expect("a file");
    let path = file.path().display();
    let output =
        group.run(&format!("dd if=/dev/zero of={path} bs=1M count=64 2>&1 && cat {path} > /dev/null"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(group.0.usage().oom_kills, Some(0));
}

#[test]
fn a_quota_holds_back_a_busy_loop() {
    let limits = Limits { cpu: CpuQuota::from_millionths(n(200_000)), ..Limits::default() };
    let Some(group) = scratch("cpu", &limits) else { return };
    // Two loops, so that one processor cannot explain the bound.
    let start = Instant::now();
    let output =
        group.run("for i in 1 2; do timeout 1.5 sh -c 'while :; do :; done' & done; wait; cat /proc/$$/stat");
    let wall = start.elapsed();
    // Fields 16 and 17 of proc_pid_stat(5): user and system time of the children that were waited for.
    let stat = String::from_utf8(output.stdout).expect("text");
    let ticks: u64 = stat.split(' ').skip(15).take(2).map(|field| field.parse::<u64>().expect("ticks")).sum();
    // USER_HZ is 100 on all architectures that Wine has.
    let used = Duration::from_millis(ticks * 10);
    assert!(used > Duration::ZERO, "{stat}");
    // 20 % of the time, one period at the start, and as much again for a busy host.
    assert!(used < wall * 2 / 5 + Duration::from_millis(100), "{used:?} of {wall:?}");
    assert!(group.0.usage().throttled.expect("counted").periods > 0);
}

#[test]
fn a_process_sees_the_processors_it_may_use() {
    let limits = Limits { cpus: Some(CpuSet::from_mask(n(1))), ..Limits::default() };
    let Some(group) = scratch("cpuset", &limits) else { return };
    let output = group.run("grep Cpus_allowed_list /proc/self/status");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Cpus_allowed_list:\t0\n");
    assert!(!group.run("taskset -c 1 true 2>/dev/null").status.success(), "it cannot leave the set");
}

#[test]
fn processors_that_the_host_lacks_are_refused() {
    let host = Host::detect().expect("proc is mounted");
    if let Err(error) = host.supports(Controller::Cpuset) {
        return skip("cpuset_refused", &error);
    }
    let limits = Limits { cpus: Some("8191".parse().expect("a list")), ..Limits::default() };
    let error = host.create("nspawn_test_cpuset_refused", &limits).expect_err("no such processor");
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert_eq!(host.leftovers("nspawn_test_cpuset_refused", Reach::Everywhere).expect("readable"), []);
}

#[test]
fn disk_writes_are_slowed() {
    let dir = tempfile::tempdir_in(on_disk()).expect("a directory");
    let opened = File::open(dir.path()).expect("it opens");
    let device = match Device::below(opened.as_fd(), dir.path()) {
        Ok(device) => device,
        Err(error) => return skip("io", &error),
    };
    let per_second = |operations| Rate { bytes_per_second: None, operations_per_second: Some(n(operations)) };
    let bytes = |bytes| Rate { bytes_per_second: Some(n(bytes)), operations_per_second: None };
    // Reads are left alone; 1 MiB/s or 20 requests a second may be written.
    for (write, script) in [(bytes(1 << 20), "bs=256k count=8"), (per_second(20), "bs=4k count=40")] {
        let limits =
            Limits { io: vec![IoLimit { device, read: Rate::default(), write }], ..Limits::default() };
        let Some(group) = scratch("io", &limits) else { return };
        let start = Instant::now();
        let output =
            group.run(&format!("dd if=/dev/zero of={}/f {script} oflag=direct 2>&1", dir.path().display()));
        assert!(output.status.success(), "{output:?}");
        // Two seconds' worth, less the burst that the kernel lets through at the start.
        assert!(start.elapsed() > Duration::from_secs(1), "{script}: {:?}", start.elapsed());
    }
}

#[test]
fn forks_beyond_the_limit_are_refused() {
    let limits = Limits { processes: Some(n(4)), ..Limits::default() };
    let Some(group) = scratch("pids", &limits) else { return };
    let output = group.run("for i in 1 2 3 4 5 6; do sleep 5 & done; wait");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("fork"), "{output:?}");
    assert!(group.0.usage().forks_refused.expect("counted") >= 1);
}

#[test]
fn a_delegated_group_holds_its_sandboxes() {
    let limits =
        Limits { processes: Some(n(4)), cpu: CpuQuota::from_millionths(n(500_000)), ..Limits::default() };
    let Some(group) = scratch("delegated", &limits) else { return };
    let own = fs::read_to_string("/proc/self/cgroup").expect("proc is mounted");
    let Some(delegated) = own.lines().find_map(|line| line.strip_prefix("0::")?.strip_suffix("/launcher"))
    else {
        let error =
            Error::new(ErrorKind::Absent, "find", "systemd, or a group that it has delegated to us alone");
        return skip("a_delegated_group_holds_its_sandboxes", &error);
    };
    let path = group.0.paths().next().expect("one directory");
    assert_eq!(path.parent().expect("a group"), Path::new(&format!("/sys/fs/cgroup{delegated}")));
    let output = group.run("cat /proc/self/cgroup");
    assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("{delegated}/{}", group.0.name())));
}

#[test]
fn a_name_can_be_taken_once() {
    let limits = Limits { processes: Some(n(4)), ..Limits::default() };
    let Some(group) = scratch("twice", &limits) else { return };
    let host = Host::detect().expect("proc is mounted");
    // On version 1 one more hierarchy, so that something is made before the failure.
    let again = match host.supports(Controller::Pids) {
        Ok(Version::V1) => Limits { cpu: CpuQuota::from_millionths(n(500_000)), ..limits },
        _ => limits,
    };
    let error = host.create(group.0.name(), &again).expect_err("the name is taken");
    assert_eq!(error.kind(), ErrorKind::Exists);
    let found = host.leftovers(group.0.name(), Reach::Near).expect("readable");
    assert_eq!(found, std::slice::from_ref(&group.0), "what was made before the failure is undone");
}

#[test]
fn what_a_crash_leaves_is_found_and_destroyed() {
    let limits = Limits { processes: Some(n(64)), memory: Some(Bytes(n(64 << 20))), ..Limits::default() };
    let Some(group) = scratch("crash", &limits) else { return };
    let mut child = group.spawn("sleep 100 & (sleep 100; true) & exec sleep 100");
    assert_eq!(group.0.remove(Duration::ZERO).expect_err("alive").kind(), ErrorKind::Busy);

    let host = Host::detect().expect("proc is mounted");
    for reach in [Reach::Near, Reach::Everywhere] {
        let found = host.leftovers(group.0.name(), reach).expect("readable");
        assert_eq!(found, std::slice::from_ref(&group.0));
    }
    let paths: Vec<_> = group.0.paths().map(Path::to_owned).collect();
    let found = host.open(&paths).expect("recorded paths open");
    assert_eq!(found, group.0);
    // A group that the sandbox has made below its own goes with it.
    let inner = paths[0].join("inner");
    fs::create_dir(&inner).expect("a group below");
    fs::write(inner.join("cgroup.procs"), child.id().to_string()).expect("the child moves");

    found.destroy(PATIENCE).expect("killed and removed");
    assert_eq!(child.wait().expect("it has ended").signal(), Some(9));
    assert!(paths.iter().all(|path| !path.exists()));
    assert_eq!(host.leftovers(group.0.name(), Reach::Everywhere).expect("readable"), []);
    found.destroy(PATIENCE).expect("again is no error");
    assert_eq!(host.open(&paths).expect_err("gone").kind(), ErrorKind::Absent);
}

#[test]
fn a_group_that_changes_while_it_is_killed_ends() {
    let limits = Limits { memory: Some(Bytes(n(64 << 20))), ..Limits::default() };
    let Some(group) = scratch("hop", &limits) else { return };
    // Chains of processes, each of which starts the next and ends at once.
    let mut child = group.spawn("hop() { sleep 0.002; hop & }; for i in 1 2 3 4; do hop; done");
    child.wait().expect("the first shell ends");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(group.0.remove(Duration::ZERO).expect_err("alive").kind(), ErrorKind::Busy);
    group.0.destroy(PATIENCE).expect("killed and removed");
}
