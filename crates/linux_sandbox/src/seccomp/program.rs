//! The filter as a program of classic BPF (linux/bpf_common.h), put together of what the library compiles.
//!
//! ```text
//! x86-64 alone             both interfaces
//!
//! no x32                   by i386? to the last line
//! x86-64, compiled         no x32
//!                          x86-64, compiled
//!                          i386, compiled
//! ```
//!
//! What is compiled looks first whether the call was made by its interface, and kills the process where not.

use std::io;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, sock_filter};

use super::calls::{Architecture, Calls};
use crate::plan::Interface;

/// How `struct seccomp_data` (linux/seccomp.h) names the interface by which a call was made: linux/audit.h.
const AUDIT_ARCH_X86_64: u32 = 0xC000_003E;
pub(super) const AUDIT_ARCH_I386: u32 = 0x4000_0003;
/// Where that stands; the call's number stands at 0.
pub(super) const ARCH: u32 = 4;

/// The first number of the x32 interface (asm/unistd.h, `__X32_SYSCALL_BIT`).
const X32: u32 = 0x4000_0000;

/// Where the lower half of the first argument stands.
const FIRST_ARGUMENT: u32 = 16;

/// Loads what stands at an offset.
pub(super) const fn load(offset: u32) -> sock_filter {
    sock_filter { code: 0x20, jt: 0, jf: 0, k: offset }
}

/// Loads the first argument.
pub(super) const fn first_argument() -> sock_filter {
    load(FIRST_ARGUMENT)
}

/// Skips `then` instructions where what is loaded is `value`, else `otherwise`.
pub(super) const fn is(value: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter { code: 0x15, jt: then, jf: otherwise, k: value }
}

/// Ends with an answer.
pub(super) const fn answer(value: u32) -> sock_filter {
    sock_filter { code: 0x06, jt: 0, jf: 0, k: value }
}

/// "No such call" for x32: the library compares numbers only for being equal. Skips one instruction unless the number is at
/// least X32.
const NO_X32: [sock_filter; 3] = [
    load(0),
    sock_filter { code: 0x35, jt: 0, jf: 1, k: X32 },
    answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned()),
];

/// Makes a program that answers with `errno` to the calls that `calls` names for each interface.
///
/// # Errors
/// They cannot be compiled.
pub(super) fn program(
    interface: Interface,
    calls: impl Fn(Architecture) -> io::Result<Calls>,
    errno: i32,
) -> io::Result<BpfProgram> {
    let x86_64 = compile(calls(Architecture::X86_64)?, errno)?;
    let of_64_bit: BpfProgram = NO_X32.into_iter().chain(x86_64).collect();
    match interface {
        Interface::X86_64 => Ok(of_64_bit),
        Interface::X86_64AndI386 => {
            let of_32_bit = for_i386(compile(calls(Architecture::I386)?, errno)?)?;
            let length = u32::try_from(of_64_bit.len()).map_err(io::Error::other)?;
            let beyond = [
                load(ARCH),
                // Skips the next one unless it is i386: conditions jump no further than 255 instructions.
                is(AUDIT_ARCH_I386, 0, 1),
                sock_filter { code: 0x05, jt: 0, jf: 0, k: length },
            ];
            Ok(beyond.into_iter().chain(of_64_bit).chain(of_32_bit).collect())
        }
    }
}

fn compile(calls: Calls, errno: i32) -> io::Result<BpfProgram> {
    let answer = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, answer, TargetArch::x86_64);
    filter.and_then(BpfProgram::try_from).map_err(io::Error::other)
}

/// Makes a program that was compiled for x86-64 one for i386, which the library has no name for. Both are little-endian,
/// so arguments lie at the same places: all that tells them apart is the name in the comparison at the beginning.
///
/// # Errors
/// The library compares in another way than it did.
fn for_i386(mut compiled: BpfProgram) -> io::Result<BpfProgram> {
    match compiled.get_mut(..2) {
        Some([first, compared]) if *first == load(ARCH) && compared.k == AUDIT_ARCH_X86_64 => {
            compared.k = AUDIT_ARCH_I386;
            Ok(compiled)
        }
        _ => Err(io::Error::other("the compiled filter does not begin with the interface")),
    }
}
