//! How many processors this Windows has. They are in groups of at most 64: what counts without naming a group counts
//! those of one group alone.
// UNSAFETY: calls a function that takes a number.
#![expect(unsafe_code, reason = "one function of kernel32")]

use windows_sys::Win32::System::Threading::GetActiveProcessorCount;

/// `ALL_PROCESSOR_GROUPS`.
const ALL_GROUPS: u16 = 0xFFFF;

/// Returns the number of all processors that are switched on: at least 1.
pub fn count() -> u32 {
    in_group(ALL_GROUPS)
}

/// Returns the number of those in the first group, whose numbers in masks are 0 and up: at least 1.
pub fn in_first_group() -> u32 {
    in_group(0)
}

fn in_group(group: u16) -> u32 {
    // SAFETY: takes any number; answers 0 where there is no such group.
    unsafe { GetActiveProcessorCount(group) }.max(1)
}
