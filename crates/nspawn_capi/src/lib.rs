//! The C library: the two functions of hostcompute_nspawn 1.3, and one that also tells how the program ended. What
//! they mean to a caller stands in `include/hostcompute_nspawn.h`.
//!
//! ```text
//! C caller ──border──> call ──thread of our own──> nspawn::host::Host::run
//!   its thread waits, and is told the steps        shares no umask, takes no signals
//! ```
//!
//! No panic crosses the border: one that happens is an error of its own. So this library must be built with unwinding
//! panics, as every profile of this workspace has them.

mod abi;
mod border;
mod call;
mod thread;

pub use abi::{Options, RunResult};
pub use border::{
    hostcompute_nspawn, hostcompute_nspawn_free, hostcompute_nspawn_run, hostcompute_nspawn_version,
};
