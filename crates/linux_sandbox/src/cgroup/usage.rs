//! What a group has used, and whether the kernel killed in it for want of memory.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::OFlags;
use serde::Serialize;

use super::entrance::open;
use super::group::Dir;
use super::{Error, Group, Version, files};

/// What a group has used since it was made. A part that no directory of the group measures is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The most memory used at once, in bytes. Version 2 tells since Linux 5.19.
    pub memory_peak: Option<u64>,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Processor time, user and system together. Version 1 tells only where `cpuacct` is mounted with `cpu`.
    pub cpu_time: Option<Duration>,
    /// How often and how long the CPU quota has held processes back.
    pub throttled: Option<Throttled>,
    /// How often a process or thread was refused by the limit of processes.
    pub forks_refused: Option<u64>,
}

/// How a CPU quota was felt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Throttled {
    /// Periods in which the quota ran out.
    pub periods: u64,
    /// Time for which processes that could run were held back, summed over processors.
    pub time: Duration,
}

impl Group {
    /// Reads what the group has used. Ask before [`Group::remove`]; ended processes are counted.
    pub fn usage(&self) -> Usage {
        self.dirs.iter().fold(Usage::default(), |sum, dir| {
            let one = read(dir);
            Usage {
                memory_peak: sum.memory_peak.or(one.memory_peak),
                oom_kills: sum.oom_kills.or(one.oom_kills),
                cpu_time: sum.cpu_time.or(one.cpu_time),
                throttled: sum.throttled.or(one.throttled),
                forks_refused: sum.forks_refused.or(one.forks_refused),
            }
        })
    }

    /// Opens the file that counts the kernel's kills for want of memory, for a process that reads it again and again
    /// from offset 0 (`pread`) and gives the bytes to [`parse_oom_kills`]; 512 bytes hold all of it. Nothing where
    /// the group does not limit memory.
    pub fn oom_counter(&self) -> Result<Option<OwnedFd>, Error> {
        self.dirs
            .iter()
            .map(|dir| dir.path.join(oom_file(dir.version)))
            .find(|path| path.exists())
            .map(|path| open(&path, OFlags::RDONLY))
            .transpose()
    }
}

fn oom_file(version: Version) -> &'static str {
    match version {
        Version::V1 => "memory.oom_control",
        Version::V2 => "memory.events",
    }
}

/// Returns the count of kills in the text of `memory.oom_control` (version 1) or `memory.events` (version 2), and 0
/// where it has none. Allocates nothing, so that pid 1 may call it where nothing is to be had.
pub fn parse_oom_kills(text: &[u8]) -> u64 {
    files::keyed(text, b"oom_kill").unwrap_or(0)
}

fn read(dir: &Dir) -> Usage {
    let text = |file: &str| std::fs::read(dir.path.join(file)).ok();
    let number =
        |file: &str| text(file).and_then(|text| std::str::from_utf8(&text).ok()?.trim_end().parse().ok());
    let oom_kills = text(oom_file(dir.version)).map(|text| parse_oom_kills(&text));
    let forks_refused = text("pids.events").and_then(|text| files::keyed(&text, b"max"));
    let stat = text("cpu.stat").unwrap_or_default();
    let throttled = |key, unit: fn(u64) -> Duration| {
        Some(Throttled {
            periods: files::keyed(&stat, b"nr_throttled")?,
            time: unit(files::keyed(&stat, key)?),
        })
    };
    match dir.version {
        Version::V1 => Usage {
            memory_peak: number("memory.max_usage_in_bytes"),
            cpu_time: number("cpuacct.usage").map(Duration::from_nanos),
            throttled: throttled(b"throttled_time", Duration::from_nanos),
            oom_kills,
            forks_refused,
        },
        Version::V2 => Usage {
            memory_peak: number("memory.peak"),
            cpu_time: files::keyed(&stat, b"usage_usec").map(Duration::from_micros),
            throttled: throttled(b"throttled_usec", Duration::from_micros),
            oom_kills,
            forks_refused,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn kills_are_counted_in_both_versions() {
        for (text, kills) in [
            ("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", 3),
            ("low 0\nhigh 0\nmax 12\noom 2\noom_kill 5\noom_group_kill 1\n", 5),
            ("oom_kill_disable 1\nunder_oom 1\n", 0),
            ("oom_kill x\n", 0),
            ("", 0),
        ] {
            assert_eq!(parse_oom_kills(text.as_bytes()), kills, "{text:?}");
        }
    }

    fn usage_of(version: Version, files: &[(&str, &str)]) -> Usage {
        let dir = tempfile::tempdir().expect("a directory");
        for (file, text) in files {
            fs::write(dir.path().join(file), text).expect("a file");
        }
        let path: &Path = dir.path();
        Group { name: "x".into(), dirs: vec![Dir { path: path.to_owned(), version }] }.usage()
    }

    #[test]
    fn version_1_is_read_in_nanoseconds() {
        let usage = usage_of(
            Version::V1,
            &[
                ("memory.max_usage_in_bytes", "20971520\n"),
                ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
                ("cpuacct.usage", "1500000000\n"),
                ("cpu.stat", "nr_periods 9\nnr_throttled 4\nthrottled_time 2000000\n"),
                ("pids.events", "max 7\n"),
            ],
        );
        let throttled = Throttled { periods: 4, time: Duration::from_millis(2) };
        assert_eq!(
            usage,
            Usage {
                memory_peak: Some(20_971_520),
                oom_kills: Some(1),
                cpu_time: Some(Duration::from_millis(1500)),
                throttled: Some(throttled),
                forks_refused: Some(7),
            }
        );
    }

    #[test]
    fn version_2_is_read_in_microseconds_and_without_a_limit_says_nothing() {
        let stat =
            "usage_usec 2500\nuser_usec 1\nsystem_usec 1\nnr_periods 1\nnr_throttled 1\nthrottled_usec 30\n";
        let usage = usage_of(Version::V2, &[("cpu.stat", stat), ("memory.peak", "4096\n")]);
        let throttled = Throttled { periods: 1, time: Duration::from_micros(30) };
        assert_eq!(
            usage,
            Usage {
                memory_peak: Some(4096),
                cpu_time: Some(Duration::from_micros(2500)),
                throttled: Some(throttled),
                ..Usage::default()
            }
        );
        assert_eq!(usage_of(Version::V2, &[]), Usage::default());
    }
}
