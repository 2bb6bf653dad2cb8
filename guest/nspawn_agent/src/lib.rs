//! What the agent decides, apart from the Windows calls that carry it out: bytes in, plain data out. Nothing
//! here is specific to the target, so the tests run on the host.
#![no_std]

extern crate alloc;

pub mod cpu;
pub mod names;
pub mod note;
pub mod orders;
pub mod pids;
pub mod shared_data;
