//! Looks at an executable before anything starts: what sort it is, or why it cannot be executed here. Pure: the caller
//! opens the file and reads its head.
//!
//! Sources: the PE format as Microsoft documents it ("PE Format"), the ELF specification. Only the fields that decide
//! are read; the loader judges the rest.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::refusal::quoted;

#[cfg(test)]
mod tests;

/// How much of the file's beginning [`inspect`] wants, in bytes; less where the file is shorter.
pub const HEAD: usize = 64 * 1024;

/// Which Windows programs this host can run. Native programs are those of x86-64 in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64 alone: the Wine found has no 32-bit part.
    X64,
    /// x86-64 and 32-bit x86.
    X64AndX86,
}

/// An executable that can be executed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// A Windows program (PE).
    Windows {
        /// How it talks to its user.
        subsystem: Subsystem,
        /// The size of its addresses.
        width: Width,
    },
    /// A Linux program (ELF) of x86-64.
    Native(Linking),
}

/// How a Windows program talks to its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsystem {
    /// By a console: standard handles.
    Console,
    /// By windows.
    Gui,
}

/// The size of a program's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 32 bits.
    Bits32,
    /// 64 bits.
    Bits64,
}

/// What a native program needs besides itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linking {
    /// Nothing.
    Static,
    /// A loader and libraries.
    Dynamic,
}

/// Says what the file `name` of `size` bytes is, from its first [`HEAD`] bytes (`head` holds all of them, or the whole
/// file where it is shorter).
///
/// # Errors
/// [`ErrorKind::ProgramNotExecutable`] with the reason: neither PE nor ELF, for another machine, not a program but a
/// library or driver, damaged, or a batch file, whose arguments nobody can quote.
pub fn inspect(head: &[u8], size: u64, name: &str, host: Machine) -> Result<Program> {
    let judged = match is_batch(name) {
        true => Err(Unfit::Batch),
        false => judge(Bytes(head), size, host),
    };
    judged.map_err(|unfit| {
        let error = Error::new(ErrorKind::ProgramNotExecutable, "execute", quoted(name));
        let error = error.reason(unfit.to_string());
        if unfit == Unfit::No32Bit { error.with_hint(PART_32) } else { error }
    })
}

/// How a Wine gets its 32-bit part.
const PART_32: &str = "install that part: dpkg --add-architecture i386 && apt-get update && \
                       apt-get install wine32:i386 (Debian, Ubuntu)";

/// Why a file cannot be executed here.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    Batch,
    Empty,
    Script,
    Text,
    Unknown,
    Dos,
    Win16,
    Library,
    Driver,
    NoProgram,
    Subsystem(u16),
    Machine(&'static str),
    No32Bit,
    Truncated,
    Damaged(&'static str),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Batch => {
                "it is a batch file: cmd.exe would read its arguments again, and none can be quoted safely"
            }
            Self::Empty => "it is empty",
            Self::Script => "it is a script, not a Windows program (PE) or native program (ELF)",
            Self::Text => "it is text, not a Windows program (PE) or native program (ELF)",
            Self::Unknown => "it is neither a Windows program (PE) nor a native program (ELF)",
            Self::Dos => "it is a DOS program",
            Self::Win16 => "it is a 16-bit program (for Windows 3 or OS/2)",
            Self::Library => "it is a library, not a program",
            Self::Driver => "it is a driver, not a program",
            Self::NoProgram => "it is an object file or core dump, not a program",
            Self::Subsystem(number) => {
                return write!(f, "it is for another subsystem of Windows (number {number})");
            }
            Self::Machine(machine) => {
                return write!(f, "it is for another machine type: {machine}, not x86-64");
            }
            Self::No32Bit => "it is a 32-bit program, and the Wine of this host has no 32-bit part",
            Self::Truncated => "it is cut off: its headers go beyond its end",
            Self::Damaged(what) => return write!(f, "it is damaged: {what}"),
        };
        f.write_str(text)
    }
}

/// Tells a batch file by its name. Windows drops dots and spaces at the end of a name, so `x.bat. .` is one.
fn is_batch(name: &str) -> bool {
    let name = name.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    name.ends_with(".bat") || name.ends_with(".cmd")
}

fn judge(file: Bytes<'_>, size: u64, host: Machine) -> std::result::Result<Program, Unfit> {
    match file.0 {
        [] => Err(Unfit::Empty),
        [b'M', b'Z', ..] => windows(file, size, host),
        [0x7f, b'E', b'L', b'F', ..] => native(file, size),
        [b'#', b'!', ..] => Err(Unfit::Script),
        head if is_text(head) => Err(Unfit::Text),
        _ => Err(Unfit::Unknown),
    }
}

fn is_text(head: &[u8]) -> bool {
    let begin = &head[..head.len().min(512)];
    begin.iter().all(|b| !b.is_ascii_control() || b.is_ascii_whitespace())
}

/// Judges a file that begins with the DOS header.
fn windows(file: Bytes<'_>, size: u64, host: Machine) -> std::result::Result<Program, Unfit> {
    const DLL: u16 = 0x2000;
    const SYSTEM: u16 = 0x1000;
    const EXECUTABLE: u16 = 0x0002;
    let new = file.u32(0x3c).ok_or(Unfit::Truncated)?;
    if new == 0 || u64::from(new) + 4 > size {
        // Only where the relocations begin at 0x40 or later is that field an offset; else it is a DOS program's own.
        let has_new_header = new != 0 && file.u16(0x18).is_some_and(|relocations| relocations >= 0x40);
        return Err(if has_new_header { Unfit::Truncated } else { Unfit::Dos });
    }
    let new = new as usize;
    match file.at(new, 4) {
        Some(b"PE\0\0") => {}
        Some([b'N' | b'L', b'E', ..] | [b'L', b'X', ..]) => return Err(Unfit::Win16),
        Some(_) => return Err(Unfit::Dos),
        None => return Err(file.beyond(size)),
    }
    let field = |offset| file.u16(new + offset).ok_or_else(|| file.beyond(size));
    let (machine, flags, magic) = (field(4)?, field(22)?, field(24)?);
    let width = match (machine, magic) {
        (0x8664, 0x20b) => Width::Bits64,
        (0x014c, 0x10b) => Width::Bits32,
        (0x8664 | 0x014c, _) => return Err(Unfit::Damaged("its optional header is not of its machine type")),
        _ => return Err(Unfit::Machine(pe_machine(machine))),
    };
    if flags & DLL != 0 {
        return Err(Unfit::Library);
    }
    if flags & SYSTEM != 0 {
        return Err(Unfit::Driver);
    }
    if flags & EXECUTABLE == 0 {
        return Err(Unfit::Damaged("it was not linked to the end"));
    }
    let subsystem = match field(24 + 68)? {
        1 => return Err(Unfit::Driver),
        2 => Subsystem::Gui,
        3 => Subsystem::Console,
        other => return Err(Unfit::Subsystem(other)),
    };
    let sections_end = new + 24 + usize::from(field(20)?) + 40 * usize::from(field(6)?);
    if sections_end as u64 > size {
        return Err(Unfit::Truncated);
    }
    match (width, host) {
        (Width::Bits32, Machine::X64) => Err(Unfit::No32Bit),
        _ => Ok(Program::Windows { subsystem, width }),
    }
}

/// Judges a file that begins with the ELF magic.
fn native(file: Bytes<'_>, size: u64) -> std::result::Result<Program, Unfit> {
    const PT_INTERP: u32 = 3;
    let beyond = || file.beyond(size);
    let class_and_order = file.at(4, 2).ok_or_else(beyond)?;
    let field = |offset| file.u16(offset).ok_or_else(beyond);
    let (kind, machine) = (field(16)?, field(18)?);
    match (class_and_order, machine) {
        ([2, 1], 62) => {}
        ([_, 2], _) => return Err(Unfit::Machine("a big-endian one")),
        ([1, 1], 62) => return Err(Unfit::Machine("x32")),
        _ => return Err(Unfit::Machine(elf_machine(machine))),
    }
    if !matches!(kind, 2 | 3) {
        return Err(Unfit::NoProgram);
    }
    let entry = file.u64(24).ok_or_else(beyond)?;
    let table = file.u64(32).and_then(|at| usize::try_from(at).ok()).ok_or_else(beyond)?;
    let (entry_size, count) = (usize::from(field(54)?), usize::from(field(56)?));
    if entry == 0 {
        return Err(Unfit::Library);
    }
    if entry_size != 56 || count == 0 {
        return Err(Unfit::Damaged("it has no program headers"));
    }
    let mut linking = Linking::Static;
    for n in 0..count {
        let header =
            table.checked_add(n * entry_size).and_then(|at| file.at(at, entry_size)).ok_or_else(beyond)?;
        if Bytes(header).u32(0) == Some(PT_INTERP) {
            linking = Linking::Dynamic;
        }
    }
    Ok(Program::Native(linking))
}

fn pe_machine(machine: u16) -> &'static str {
    match machine {
        0xaa64 => "ARM64",
        0xa641 => "ARM64EC",
        0x01c0 | 0x01c2 | 0x01c4 => "ARM",
        0x0200 => "IA-64",
        0x0ebc => "EFI byte code",
        0x5032 | 0x5064 => "RISC-V",
        0x6232 | 0x6264 => "LoongArch",
        _ => "an unknown one",
    }
}

fn elf_machine(machine: u16) -> &'static str {
    match machine {
        3 => "32-bit x86",
        40 => "ARM",
        50 => "IA-64",
        183 => "ARM64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => "an unknown one",
    }
}

/// The head of a file. Numbers in it are little-endian, and `None` where they lie beyond it.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn at(self, offset: usize, length: usize) -> Option<&'a [u8]> {
        self.0.get(offset..offset.checked_add(length)?)
    }

    fn array<const N: usize>(self, offset: usize) -> Option<[u8; N]> {
        self.at(offset, N)?.try_into().ok()
    }

    fn u16(self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_le_bytes)
    }

    fn u32(self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    fn u64(self, offset: usize) -> Option<u64> {
        self.array(offset).map(u64::from_le_bytes)
    }

    /// Says what it means that a header lies beyond the head: either the file ends there, or it is a file that no
    /// linker makes.
    fn beyond(self, size: u64) -> Unfit {
        match size > self.0.len() as u64 {
            true => Unfit::Damaged("its headers lie beyond its first 64 KiB"),
            false => Unfit::Truncated,
        }
    }
}
