//! Where the documents are not word for word what was asked.

use std::fmt;

use super::processor::Share;
use crate::spec::Percent;

/// A point in which the documents differ from what was asked, in words for a step line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// More processors were asked for than there are: the host's number stands.
    CountLowered {
        /// What was asked.
        count: u16,
        /// What there is.
        host_cpus: u32,
    },
    /// Both a count and a percentage were asked, and the service takes one: the tighter stands.
    TighterTaken {
        /// Processors' worth of time, at most the host's.
        count: u32,
        /// Percent of the host asked.
        percent: Percent,
        /// The processors of the host.
        host_cpus: u32,
        /// What stands.
        maximum: Share,
    },
    /// A storage limit was asked, and schema v2 has none for mapped directories.
    MountsUnlimited {
        /// The number of mapped directories.
        mounts: usize,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CountLowered { count, host_cpus } => {
                write!(
                    f,
                    "{count} processors asked, the host has {host_cpus}: no more than those are granted"
                )
            }
            Self::TighterTaken { count, percent, host_cpus, maximum } => {
                let percent = percent.get();
                write!(
                    f,
                    "processor time limited by count ({count} of {host_cpus}) and by percent ({percent}): \
                     one limit is possible, the tighter, {maximum} % of the host, is taken"
                )
            }
            Self::MountsUnlimited { mounts } => {
                let directories = if *mounts == 1 { "directory is" } else { "directories are" };
                write!(
                    f,
                    "storage limits hold for the system volume only: schema v2 has none for mapped \
                     directories, and {mounts} {directories} mapped"
                )
            }
        }
    }
}
