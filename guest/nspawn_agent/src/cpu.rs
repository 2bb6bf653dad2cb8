//! What the processor can do, as programs ask Windows for it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use core::fmt;

/// PF_FASTFAIL_AVAILABLE: not the processor's, always there.
const FASTFAIL: usize = 23;

/// XCR0 with what AVX needs: x87, SSE and the upper halves of the registers.
const AVX_STATE: u64 = 0b111;

/// Bytes of the legacy area and the header of an XSAVE area; AVX state follows in the compacted form.
const XSAVE_HEAD: u32 = 512 + 64;

/// What [`IsProcessorFeaturePresent`] and the XSTATE functions of Windows report.
///
/// [`IsProcessorFeaturePresent`]: https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-isprocessorfeaturepresent
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpu {
    /// The PF_ numbers of winnt.h, each with its answer.
    pub features: [bool; 64],
    /// Extended state, where the processor and the kernel keep AVX registers.
    pub xstate: Option<XState>,
    /// Who made it, and what.
    pub model: Model,
}

/// The processor's own account of itself, as the registry and the environment have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// `GenuineIntel`, `AuthenticAMD`.
    pub vendor: String,
    /// The name on the box.
    pub brand: String,
    /// `Intel64 Family 6 Model 85 Stepping 7`.
    pub identifier: String,
}

/// Layout of the extended state in a saved context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XState {
    /// The compacted form is used (XSAVEC).
    pub compacted: bool,
    /// Unchanged parts are not written (XSAVEOPT).
    pub optimized: bool,
    /// Where the AVX part lies in the form that is not compacted, in bytes.
    pub avx_offset: u32,
    /// Bytes of the AVX part.
    pub avx_size: u32,
    /// Bytes of a context with all that the kernel keeps.
    pub all_size: u32,
}

impl XState {
    /// Returns the bytes of a context with these parts.
    #[must_use]
    pub fn size(&self) -> u32 {
        (if self.compacted { XSAVE_HEAD } else { self.avx_offset }) + self.avx_size
    }
}

impl Cpu {
    /// Asks the processor this runs on.
    #[must_use]
    pub fn detect() -> Self {
        let basic = __cpuid(1);
        let extended = __cpuid(0x8000_0001);
        let structured = if __cpuid(0).eax >= 7 { __cpuid_count(7, 0).ebx } else { 0 };
        // Without OSXSAVE, reading XCR0 is an illegal instruction.
        // SAFETY: OSXSAVE says that the processor has XGETBV and that the kernel lets programs use it.
        let kept = if bit(basic.ecx, 27) { unsafe { xcr0() } } else { 0 };
        let avx = kept & AVX_STATE == AVX_STATE;

        let mut features = [false; 64];
        for (feature, present) in [
            (2, bit(basic.edx, 8)),      // CMPXCHG8B
            (3, bit(basic.edx, 23)),     // MMX
            (6, bit(basic.edx, 25)),     // SSE
            (8, bit(basic.edx, 4)),      // RDTSC
            (9, bit(basic.edx, 6)),      // PAE
            (10, bit(basic.edx, 26)),    // SSE2
            (11, bit(basic.edx, 24)),    // denormals are zeros, told by FXSR
            (12, bit(extended.edx, 20)), // NX
            (13, bit(basic.ecx, 0)),     // SSE3
            (14, bit(basic.ecx, 13)),    // CMPXCHG16B
            (17, bit(basic.ecx, 27)),    // XSAVE
            (FASTFAIL, true),
            (28, bit(basic.ecx, 30)),        // RDRAND
            (32, bit(extended.edx, 27)),     // RDTSCP
            (36, bit(basic.ecx, 9)),         // SSSE3
            (37, bit(basic.ecx, 19)),        // SSE4.1
            (38, bit(basic.ecx, 20)),        // SSE4.2
            (39, avx && bit(basic.ecx, 28)), // AVX
            (40, avx && bit(structured, 5)), // AVX2
        ] {
            features[feature] = present;
        }
        let xstate = features[39].then(detect_xstate);
        Self { features, xstate, model: Model::detect() }
    }
}

impl Model {
    fn detect() -> Self {
        let leaf = __cpuid(0);
        let vendor = text(&[leaf.ebx, leaf.edx, leaf.ecx]);
        let mut brand = Vec::new();
        if __cpuid(0x8000_0000).eax >= 0x8000_0004 {
            for number in 0x8000_0002..=0x8000_0004 {
                let leaf = __cpuid(number);
                brand.extend([leaf.eax, leaf.ebx, leaf.ecx, leaf.edx]);
            }
        }
        let kind = if vendor == "GenuineIntel" { "Intel64" } else { "AMD64" };
        let identifier = format!("{kind} {}", Signature(__cpuid(1).eax));
        Self { vendor, brand: text(&brand), identifier }
    }
}

/// EAX of CPUID leaf 1, shown as family, model and stepping.
struct Signature(u32);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |shift: u32, mask: u32| self.0 >> shift & mask;
        let base = part(8, 0xf);
        let family = if base == 0xf { base + part(20, 0xff) } else { base };
        let model = if base == 0xf || base == 6 { part(16, 0xf) << 4 | part(4, 0xf) } else { part(4, 0xf) };
        write!(f, "Family {family} Model {model} Stepping {}", part(0, 0xf))
    }
}

/// Reads registers that hold text, which ends with NUL or with them.
fn text(registers: &[u32]) -> String {
    let bytes: Vec<u8> =
        registers.iter().flat_map(|word| word.to_le_bytes()).take_while(|byte| *byte != 0).collect();
    String::from(String::from_utf8_lossy(&bytes).trim())
}

fn detect_xstate() -> XState {
    let (all, saving, avx) = (__cpuid_count(0xd, 0), __cpuid_count(0xd, 1), __cpuid_count(0xd, 2));
    XState {
        compacted: bit(saving.eax, 1),
        optimized: bit(saving.eax, 0),
        avx_offset: avx.ebx,
        avx_size: avx.eax,
        all_size: all.ebx,
    }
}

fn bit(register: u32, number: u32) -> bool {
    register >> number & 1 == 1
}

/// # Safety
/// CPUID must report OSXSAVE.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: as the function's own.
    unsafe { _xgetbv(0) }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        let cpu = Cpu::detect();
        for (feature, name, present) in [
            (10, "sse2", std::is_x86_feature_detected!("sse2")),
            (13, "sse3", std::is_x86_feature_detected!("sse3")),
            (14, "cmpxchg16b", std::is_x86_feature_detected!("cmpxchg16b")),
            (17, "xsave", std::is_x86_feature_detected!("xsave")),
            (28, "rdrand", std::is_x86_feature_detected!("rdrand")),
            (36, "ssse3", std::is_x86_feature_detected!("ssse3")),
            (37, "sse4.1", std::is_x86_feature_detected!("sse4.1")),
            (38, "sse4.2", std::is_x86_feature_detected!("sse4.2")),
            (39, "avx", std::is_x86_feature_detected!("avx")),
            (40, "avx2", std::is_x86_feature_detected!("avx2")),
        ] {
            assert_eq!(cpu.features[feature], present, "{name}");
        }
        assert_eq!(cpu.xstate.is_some(), std::is_x86_feature_detected!("avx"));
    }
    /// Family and model each have an extension that counts for some families only.
    #[test]
    fn signatures() {
        for (register, shown) in [
            (0x00a1_0f11, "Family 25 Model 17 Stepping 1"),
            (0x0005_0657, "Family 6 Model 85 Stepping 7"),
            (0x0000_0543, "Family 5 Model 4 Stepping 3"),
            (0x00f0_0543, "Family 5 Model 4 Stepping 3"),
        ] {
            assert_eq!(format!("{}", Signature(register)), shown, "{register:#x}");
        }
    }

    #[test]
    fn texts() {
        let cpu = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
        assert_eq!(text(&[cpu(b" AMD"), cpu(b" EPY"), cpu(b"C\0ab")]), "AMD EPYC");
        assert_eq!(text(&[]), "");
    }
}
