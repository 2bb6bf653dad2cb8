//! Control groups: the limits of one sandbox, on version 1, version 2 and hosts that have both.
//!
//! [`Limits`] are data. A [`Host`] knows what is mounted and where the launcher is. [`Host::create`] makes one
//! [`Group`]: a directory of the sandbox's name in each hierarchy that is needed, below the launcher's own group on
//! version 1, below a delegated one or beside it on version 2 (module `v2` says where exactly and why). Only controllers that are limited are
//! touched; without limits nothing is made.
//!
//! ```text
//! version 1   /sys/fs/cgroup/memory/OWN/NAME     memory.limit_in_bytes, memory.memsw.limit_in_bytes
//!             /sys/fs/cgroup/cpu/OWN/NAME        cpu.cfs_period_us, cpu.cfs_quota_us
//!             /sys/fs/cgroup/cpuset/OWN/NAME     cpuset.mems, cpuset.cpus
//!             /sys/fs/cgroup/blkio/OWN/NAME      blkio.throttle.{read,write}_{bps,iops}_device
//!             /sys/fs/cgroup/pids/OWN/NAME       pids.max
//! version 2   /sys/fs/cgroup/ABOVE/NAME          memory.max, memory.swap.max, memory.oom.group, cpu.max, cpuset.cpus,
//!                                                io.max, pids.max
//! ```
//!
//! # How a process gets in
//!
//! A process enters by itself, or is born inside; see [`Entrance`]. Both ways avoid the kernel's lock on the thread
//! groups of all processes. A write to `cgroup.procs` takes it and so waits for an RCU grace period: on an idle host
//! 1 to 25 ms, most often 5 to 9, where making, entering and removing a memory and a CPU group take half a millisecond.
//!
//! # How it ends
//!
//! Whoever makes a group removes it; dropping a [`Group`] leaves the directories. If the launcher is killed,
//! [`Host::leftovers`] finds them by name, without any record. Nothing in here knows who is alive: the caller asks
//! its lock before it kills what it found.

mod dbus;
mod device;
mod entrance;
mod error;
mod files;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod group;
mod host;
mod kill;
mod leftovers;
mod limits;
mod systemd;
mod usage;
mod v1;
mod v2;

#[cfg(test)]
mod real_tests;

pub use device::Device;
pub use entrance::Entrance;
pub use error::{Error, ErrorKind};
pub use group::Group;
pub use host::{Controller, Host, Version};
pub use leftovers::Reach;
pub use limits::{Bytes, CpuQuota, CpuSet, CpuSetError, IoLimit, Limits, Rate};
pub use usage::{Throttled, Usage, parse_oom_kills};
