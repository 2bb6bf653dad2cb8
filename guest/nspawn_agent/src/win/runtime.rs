//! What a program without the standard library lacks: a heap, and an end.

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use super::ffi::{ExitProcess, GetProcessHeap, HeapAlloc, HeapFree, HeapReAlloc};

/// Exit code after a defect of the agent: ERROR_INTERNAL_ERROR.
const INTERNAL_ERROR: u32 = 1359;

/// Blocks of the process heap lie at multiples of this.
const HEAP_ALIGNMENT: usize = 16;

struct ProcessHeap;

#[global_allocator]
static HEAP: ProcessHeap = ProcessHeap;

// SAFETY: the process heap is thread-safe and returns distinct blocks, aligned for every layout that is served.
unsafe impl GlobalAlloc for ProcessHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > HEAP_ALIGNMENT {
            return core::ptr::null_mut();
        }
        // SAFETY: takes no pointer of ours.
        unsafe { HeapAlloc(GetProcessHeap(), 0, layout.size()) }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the block came from `alloc`.
        unsafe { HeapFree(GetProcessHeap(), 0, block) };
    }

    unsafe fn realloc(&self, block: *mut u8, _: Layout, size: usize) -> *mut u8 {
        // SAFETY: the block came from `alloc`.
        unsafe { HeapReAlloc(GetProcessHeap(), 0, block, size) }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(INTERNAL_ERROR)
}

/// Ends the process.
pub fn exit(code: u32) -> ! {
    // SAFETY: takes no pointer.
    unsafe { ExitProcess(code) }
}
