//! The limit of processor time: the service takes a count or a share, never both.

use std::fmt;

use super::Remark;
use crate::spec::{Limits, Percent};

/// A part of all the host's processor time, in hundredths of a percent: 1 to 10000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u16);

impl Share {
    const ALL: u64 = 10_000;

    /// Returns the share that `count` processors of `host_cpus` are, rounded down but never to nothing.
    fn of_count(count: u32, host_cpus: u32) -> Self {
        let share = u64::from(count) * Self::ALL / u64::from(host_cpus);
        Self(share.clamp(1, Self::ALL) as u16)
    }

    fn of_percent(percent: Percent) -> Self {
        Self(u16::from(percent.get()) * 100)
    }

    /// Returns the hundredths of a percent.
    pub fn hundredths(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Share {
    /// Writes percent: `25`, `33.33`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, rest) => write!(f, "{whole}.{rest:02}"),
        }
    }
}

/// The one limit that goes into the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Processor {
    /// Processors' worth of time.
    Count(u32),
    /// A part of the host's processor time.
    Maximum(Share),
}

/// Chooses the limit, and says what was not taken as it was asked. A host has at least one processor.
pub(super) fn choose(limits: &Limits, host_cpus: u32) -> (Option<Processor>, Vec<Remark>) {
    let host_cpus = host_cpus.max(1);
    let mut remarks = Vec::new();
    // 0 is no limit, as it is to the service.
    let Some(asked) = limits.cpu_count.filter(|&count| count > 0) else {
        return (limits.cpu_percent.map(|p| Processor::Maximum(Share::of_percent(p))), remarks);
    };
    let count = u32::from(asked).min(host_cpus);
    if count < u32::from(asked) {
        remarks.push(Remark::CountLowered { count: asked, host_cpus });
    }
    let Some(percent) = limits.cpu_percent else {
        return (Some(Processor::Count(count)), remarks);
    };
    let maximum = Share::of_count(count, host_cpus).min(Share::of_percent(percent));
    remarks.push(Remark::TighterTaken { count, percent, host_cpus, maximum });
    (Some(Processor::Maximum(maximum)), remarks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_tighter_of_count_and_percent() {
        let maximum = |hundredths| Some(Processor::Maximum(Share(hundredths)));
        let count = |count| Some(Processor::Count(count));
        // count asked, percent asked, host's processors; the limit, how many remarks
        let cases = [
            (None, None, 4, None, 0),
            (Some(2), None, 4, count(2), 0),
            (Some(0), None, 4, None, 0),
            (Some(8), None, 4, count(4), 1),
            (Some(u16::MAX), None, 4, count(4), 1),
            (None, Some(25), 4, maximum(2500), 0),
            (Some(1), Some(25), 2, maximum(2500), 1),
            (Some(1), Some(25), 8, maximum(1250), 1),
            (Some(1), Some(100), 3, maximum(3333), 1),
            (Some(8), Some(100), 4, maximum(10_000), 2),
            (Some(1), Some(100), 100_000, maximum(1), 1),
            (Some(1), Some(100), 0, maximum(10_000), 1),
        ];
        for (cpu_count, percent, host_cpus, limit, remarks) in cases {
            let cpu_percent = percent.and_then(Percent::new);
            let limits = Limits { cpu_count, cpu_percent, ..Limits::default() };
            let (chosen, said) = choose(&limits, host_cpus);
            assert_eq!((chosen, said.len()), (limit, remarks), "{cpu_count:?} {percent:?} {host_cpus}");
        }
    }
}
