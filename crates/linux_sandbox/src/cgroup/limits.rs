//! What a sandbox may use at most: plain data, without paths or versions.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::{Controller, Device};

/// The limits of one sandbox; an absent one does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Memory of all processes together, page cache included. It bounds memory and swap together.
    pub memory: Option<Bytes>,
    /// Processor time of all processes together.
    pub cpu: Option<CpuQuota>,
    /// The processors that may be used.
    pub cpus: Option<CpuSet>,
    /// Input and output, one entry a disk.
    pub io: Vec<IoLimit>,
    /// Processes and threads together.
    pub processes: Option<NonZeroU64>,
}

impl Limits {
    /// Returns the controllers that these limits need, in a fixed order.
    pub fn controllers(&self) -> Vec<Controller> {
        Controller::ALL
            .into_iter()
            .filter(|controller| match controller {
                Controller::Memory => self.memory.is_some(),
                Controller::Cpu => self.cpu.is_some(),
                Controller::Cpuset => self.cpus.is_some(),
                Controller::Io => self.io.iter().any(IoLimit::is_limiting),
                Controller::Pids => self.processes.is_some(),
            })
            .collect()
    }
}

/// A size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Bytes(pub NonZeroU64);

/// Processor time: so many microseconds in each period, on all processors together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CpuQuota {
    quota_us: u64,
    period_us: u64,
}

impl CpuQuota {
    /// The kernel's own period. Long against the time that a small program needs to start, so that it starts at
    /// full speed inside its first period; a shorter one spreads the same time more evenly and slows every start.
    const PERIOD_US: u64 = 100_000;
    /// The longest period and the smallest quota that the kernel takes (kernel/sched/core.c).
    const PERIOD_MAX_US: u64 = 1_000_000;
    const QUOTA_MIN_US: u64 = 1_000;

    /// Makes a quota of `share` millionths of one processor: 1 500 000 is one and a half processors. Returns
    /// nothing below 1000 (0.1 %), which the kernel cannot hold. A small share gets a longer period.
    pub fn from_millionths(share: NonZeroU64) -> Option<Self> {
        let share = share.get();
        // A quota has to stay within the kernel's 64 bit nanoseconds; more processors than this do not exist.
        let share = share.min(1_000_000 * 65_536);
        let period_us = (Self::QUOTA_MIN_US * 1_000_000).div_ceil(share).max(Self::PERIOD_US);
        let quota_us = share * period_us / 1_000_000;
        (period_us <= Self::PERIOD_MAX_US).then_some(Self { quota_us, period_us })
    }

    /// Returns the time that may be used in each period, in microseconds.
    pub fn quota_us(self) -> u64 {
        self.quota_us
    }

    /// Returns the length of a period, in microseconds.
    pub fn period_us(self) -> u64 {
        self.period_us
    }
}

/// A set of processors, at least one, written as the kernel writes it: `0-3,6`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuSet(BTreeSet<u32>);

impl CpuSet {
    /// Processors have numbers below this (the kernel's largest NR_CPUS is 8192).
    const END: u32 = 8192;

    /// Makes the set of the bits in `mask`: bit 0 is processor 0.
    pub fn from_mask(mask: NonZeroU64) -> Self {
        Self((0..64).filter(|bit| mask.get() >> bit & 1 == 1).collect())
    }

    /// Returns the processors' numbers in rising order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    /// Returns the processors that `other` does not have, or nothing where it has them all.
    pub fn beyond(&self, other: &Self) -> Option<Self> {
        let rest: BTreeSet<u32> = self.0.difference(&other.0).copied().collect();
        (!rest.is_empty()).then_some(Self(rest))
    }
}

/// A list of processors that is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuSetError(String);

impl fmt::Display for CpuSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {:?} as a list of processors such as 0-3,6", self.0)
    }
}

impl std::error::Error for CpuSetError {}

impl FromStr for CpuSet {
    type Err = CpuSetError;

    fn from_str(text: &str) -> Result<Self, CpuSetError> {
        let error = || CpuSetError(text.to_owned());
        let mut set = BTreeSet::new();
        for range in text.trim_end().split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let first: u32 = first.parse().map_err(|_| error())?;
            let last: u32 = last.parse().map_err(|_| error())?;
            if first > last || last >= Self::END {
                return Err(error());
            }
            set.extend(first..=last);
        }
        Ok(Self(set))
    }
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for cpu in self.iter() {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == cpu => *last = cpu,
                _ => ranges.push((cpu, cpu)),
            }
        }
        for (i, (first, last)) in ranges.into_iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for CpuSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The limits of one disk. The kernel holds reads and writes apart: there is no limit of both together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IoLimit {
    /// The whole disk; see [`Device::below`].
    pub device: Device,
    /// What may be read.
    pub read: Rate,
    /// What may be written. On version 1 it holds for direct and synchronous writes only: what the page cache
    /// writes back later is not charged to the group.
    pub write: Rate,
}

impl IoLimit {
    pub(super) fn is_limiting(&self) -> bool {
        self.read != Rate::default() || self.write != Rate::default()
    }
}

/// A speed; an absent part does not limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Bytes in a second.
    pub bytes_per_second: Option<NonZeroU64>,
    /// Requests in a second; the kernel keeps 32 bits of it.
    pub operations_per_second: Option<NonZeroU64>,
}

impl Rate {
    /// Returns the requests in a second as the kernel can hold them. Version 1 would take the low 32 bits of a
    /// larger number (block/blk-throttle.c), and so turn a very high limit into a very low one.
    pub(super) fn operations(&self) -> Option<u32> {
        self.operations_per_second.map(|n| u32::try_from(n.get()).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(n: u64) -> NonZeroU64 {
        NonZeroU64::new(n).expect("not zero")
    }

    #[test]
    fn a_quota_is_never_below_what_the_kernel_takes() {
        let table = [
            (2_000_000, Some((200_000, 100_000))),
            (500_000, Some((50_000, 100_000))),
            (10_000, Some((1_000, 100_000))),
            (9_999, Some((1_000, 100_011))),
            (3_000, Some((1_000, 333_334))),
            (1_000, Some((1_000, 1_000_000))),
            (999, None),
            (1, None),
            (u64::MAX, Some((6_553_600_000, 100_000))),
        ];
        for (share, want) in table {
            let got = CpuQuota::from_millionths(n(share)).map(|q| (q.quota_us(), q.period_us()));
            assert_eq!(got, want, "share {share}");
        }
    }

    #[test]
    fn a_quota_holds_its_share() {
        for share in (1_000..3_000_000).step_by(997) {
            let quota = CpuQuota::from_millionths(n(share)).expect("large enough");
            assert!(quota.quota_us() >= 1_000, "share {share}");
            let (held, asked) = (quota.quota_us() * 1_000_000, share * quota.period_us());
            assert!(held <= asked && held > asked / 1000 * 999, "share {share}: {quota:?}");
        }
    }

    #[test]
    fn processor_lists_are_read_and_written() {
        for (text, want) in [("0", "0"), ("0-3,6", "0-3,6"), ("3,1,2\n", "1-3"), ("0,2,4-5", "0,2,4-5")] {
            assert_eq!(text.parse::<CpuSet>().map(|set| set.to_string()), Ok(want.to_owned()));
        }
        for text in ["", "\n", "a", "3-1", "0,", "8192", "0-4294967295", "-1", "1 2"] {
            assert!(text.parse::<CpuSet>().is_err(), "{text:?}");
        }
        assert_eq!(CpuSet::from_mask(n(0b1011)).to_string(), "0-1,3");
        assert_eq!(CpuSet::from_mask(n(1 << 63)).to_string(), "63");
        let (some, all) = (CpuSet::from_mask(n(0b110)), CpuSet::from_mask(n(0b11)));
        assert_eq!(some.beyond(&all).map(|set| set.to_string()), Some("2".to_owned()));
        assert_eq!(all.beyond(&all), None);
    }

    #[test]
    fn only_what_is_limited_needs_a_controller() {
        assert_eq!(Limits::default().controllers(), []);
        let device = Device { major: 8, minor: 0 };
        let idle = IoLimit { device, read: Rate::default(), write: Rate::default() };
        assert_eq!(Limits { io: vec![idle.clone()], ..Limits::default() }.controllers(), []);
        let write = Rate { operations_per_second: Some(n(1 << 40)), ..Rate::default() };
        assert_eq!(write.operations(), Some(u32::MAX));
        let limits =
            Limits { io: vec![IoLimit { write, ..idle }], processes: Some(n(5)), ..Limits::default() };
        assert_eq!(limits.controllers(), [Controller::Io, Controller::Pids]);
    }
}
