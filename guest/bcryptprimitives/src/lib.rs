//! `bcryptprimitives.dll` for Wine versions that have none (Wine 8), with the one function of it that programs
//! import: the standard libraries of Rust (since 1.78) and Go (since 1.22) take random numbers from
//! `ProcessPrng`. It exports nothing else, so a program that wants more is told so when it is loaded.
#![no_std]

use core::arch::global_asm;
use core::panic::PanicInfo;

#[link(name = "advapi32")]
unsafe extern "system" {
    /// RtlGenRandom.
    fn SystemFunction036(buffer: *mut u8, length: u32) -> u8;
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn ExitProcess(code: u32) -> !;
}

/// The exit code of a process that asked for random numbers and could not have them: the Win32 error of a
/// device that does not work.
const ERROR_GEN_FAILURE: u32 = 31;

/// Fills `length` bytes at `buffer` with random numbers and returns TRUE.
///
/// As the original it never fails, and its callers do not look: where the system gives no random numbers, the
/// process ends.
///
/// # Safety
/// `buffer` must be valid for writes of `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn ProcessPrng(buffer: *mut u8, length: usize) -> i32 {
    let mut done = 0;
    while done < length {
        let part = u32::try_from(length - done).unwrap_or(u32::MAX);
        // SAFETY: `done + part` is at most `length`.
        if unsafe { SystemFunction036(buffer.add(done), part) } == 0 {
            // SAFETY: takes no pointer.
            unsafe { ExitProcess(ERROR_GEN_FAILURE) }
        }
        done += part as usize;
    }
    1
}

// The entry point accepts being loaded: there is nothing to set up. In assembly, because a function of Rust that
// the linker finds by name would be exported too.
global_asm!(".globl DllMainCRTStartup", "DllMainCRTStartup:", "mov eax, 1", "ret");

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: takes no pointer.
    unsafe { ExitProcess(ERROR_GEN_FAILURE) }
}
