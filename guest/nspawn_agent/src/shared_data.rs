//! The page that every Windows process reads at 0x7ffe0000 (KUSER_SHARED_DATA of the driver kit's headers):
//! the fields that Wine leaves to the first process of a session. The clocks in the page are the wineserver's.

use crate::cpu::{Cpu, XState};

/// Bytes of the page.
pub const SIZE: usize = 0x1000;

/// The system directory's parent, as NtSystemRoot has it.
const SYSTEM_ROOT: &str = r"C:\windows";

const TICK_COUNT_MULTIPLIER: usize = 0x04;
const NT_SYSTEM_ROOT: usize = 0x30;
const LARGE_PAGE_MINIMUM: usize = 0x244;
const NT_BUILD_NUMBER: usize = 0x260;
const NT_PRODUCT_TYPE: usize = 0x264;
const PRODUCT_TYPE_IS_VALID: usize = 0x268;
const NATIVE_PROCESSOR_ARCHITECTURE: usize = 0x26a;
const NT_MAJOR_VERSION: usize = 0x26c;
const NT_MINOR_VERSION: usize = 0x270;
const PROCESSOR_FEATURES: usize = 0x274;
const SUITE_MASK: usize = 0x2d0;
const NX_SUPPORT_POLICY: usize = 0x2d5;
const NUMBER_OF_PHYSICAL_PAGES: usize = 0x2e8;
const ACTIVE_PROCESSOR_COUNT: usize = 0x3c0;
const ACTIVE_GROUP_COUNT: usize = 0x3c4;
const XSTATE: usize = 0x3d8;

/// Ticks are milliseconds: the factor is 1, with 24 bits of fraction.
const TICK_IS_MILLISECOND: u32 = 1 << 24;
/// Bytes of a large page of the processor.
const LARGE_PAGE: u32 = 2 << 20;
/// NX_SUPPORT_POLICY_OPTIN, as Wine says.
const OPT_IN: u8 = 2;
/// VER_NT_SERVER: a server that is no domain controller.
const SERVER: u32 = 3;
/// PROCESSOR_ARCHITECTURE_AMD64.
const AMD64: u16 = 9;

/// What the page says.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Build of Windows 10.0.
    pub build: u32,
    /// Pages of memory.
    pub physical_pages: u32,
    /// Processors that the container has.
    pub processors: u32,
    /// What each of them can do.
    pub cpu: &'a Cpu,
}

/// Writes `facts` by `put`, which takes an offset in the page and bytes.
pub fn fill(facts: &Facts<'_>, mut put: impl FnMut(usize, &[u8])) {
    put(TICK_COUNT_MULTIPLIER, &TICK_IS_MILLISECOND.to_le_bytes());
    put(LARGE_PAGE_MINIMUM, &LARGE_PAGE.to_le_bytes());
    for (index, unit) in SYSTEM_ROOT.encode_utf16().chain([0]).enumerate() {
        put(NT_SYSTEM_ROOT + 2 * index, &unit.to_le_bytes());
    }
    put(NT_BUILD_NUMBER, &facts.build.to_le_bytes());
    put(NT_PRODUCT_TYPE, &SERVER.to_le_bytes());
    put(PRODUCT_TYPE_IS_VALID, &[1]);
    put(NATIVE_PROCESSOR_ARCHITECTURE, &AMD64.to_le_bytes());
    put(NT_MAJOR_VERSION, &10_u32.to_le_bytes());
    put(NT_MINOR_VERSION, &0_u32.to_le_bytes());
    put(PROCESSOR_FEATURES, &facts.cpu.features.map(u8::from));
    put(SUITE_MASK, &0_u32.to_le_bytes());
    put(NX_SUPPORT_POLICY, &[OPT_IN]);
    put(NUMBER_OF_PHYSICAL_PAGES, &facts.physical_pages.to_le_bytes());
    put(ACTIVE_PROCESSOR_COUNT, &facts.processors.to_le_bytes());
    put(ACTIVE_GROUP_COUNT, &[1]);
    if let Some(xstate) = &facts.cpu.xstate {
        fill_xstate(xstate, |offset, bytes| put(XSTATE + offset, bytes));
    }
}

/// Writes an XSTATE_CONFIGURATION: x87 (0), SSE (1) and AVX (2), the parts that every Wine saves and restores.
fn fill_xstate(xstate: &XState, mut put: impl FnMut(usize, &[u8])) {
    const PARTS: u64 = 0b111;
    const FEATURES: usize = 0x18;
    const ALL_FEATURE_SIZE: usize = 0x228;
    const X87_SIZE: u32 = 0xa0;
    const SSE_SIZE: u32 = 0x100;

    put(0x00, &PARTS.to_le_bytes()); // EnabledFeatures
    put(0x08, &PARTS.to_le_bytes()); // EnabledVolatileFeatures
    put(0x10, &xstate.size().to_le_bytes());
    let flags = u32::from(xstate.optimized) | u32::from(xstate.compacted) << 1;
    put(0x14, &flags.to_le_bytes());
    put(ALL_FEATURE_SIZE, &xstate.all_size.to_le_bytes());
    let parts = [(0, X87_SIZE), (X87_SIZE, SSE_SIZE), (xstate.avx_offset, xstate.avx_size)];
    for (index, (offset, size)) in parts.into_iter().enumerate() {
        put(FEATURES + 8 * index, &offset.to_le_bytes());
        put(FEATURES + 8 * index + 4, &size.to_le_bytes());
        put(ALL_FEATURE_SIZE + 4 + 4 * index, &size.to_le_bytes()); // AllFeatures
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::cpu::Model;
    use std::string::String;
    use std::vec;

    /// The words that a program finds at these offsets under Wine's own first process, with these facts.
    #[test]
    fn layout() {
        let mut features = [false; 64];
        features[2] = true;
        features[40] = true;
        let xstate =
            XState { compacted: true, optimized: true, avx_offset: 0x240, avx_size: 0x100, all_size: 0x980 };
        let model = Model { vendor: String::new(), brand: String::new(), identifier: String::new() };
        let cpu = Cpu { features, xstate: Some(xstate), model };
        let mut page = vec![0; SIZE];
        fill(
            &Facts { build: 20348, physical_pages: 0x5e_298c, processors: 2, cpu: &cpu },
            |offset, bytes| {
                page[offset..offset + bytes.len()].copy_from_slice(bytes);
            },
        );
        for (offset, word) in [
            (0x04, 0x0100_0000),
            (0x30, 0x003a_0043),
            (0x44, 0),
            (0x244, 0x0020_0000),
            (0x260, 20348),
            (0x264, 3),
            (0x268, 0x0009_0001),
            (0x26c, 10),
            (0x270, 0),
            (0x274, 0x0001_0000),
            (0x29c, 1),
            (0x2d0, 0),
            (0x2d4, 0x0200),
            (0x2e8, 0x5e_298c),
            (0x3c0, 2),
            (0x3c4, 1),
            (0x3d8, 7),
            (0x3e0, 7),
            (0x3e8, 0x340),
            (0x3ec, 3),
            (0x3f4, 0xa0),
            (0x3f8, 0xa0),
            (0x3fc, 0x100),
            (0x400, 0x240),
            (0x404, 0x100),
            (0x600, 0x980),
            (0x604, 0xa0),
            (0x608, 0x100),
            (0x60c, 0x100),
        ] {
            let found = u32::from_le_bytes(page[offset..offset + 4].try_into().unwrap());
            assert_eq!(found, word, "{offset:#x}: {found:#x}");
        }
    }
}
