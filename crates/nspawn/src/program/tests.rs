use super::*;

const SIZE: u64 = 1 << 20;

/// A program as a linker makes it, and with changes: (offset, bytes).
fn pe(machine: u16, magic: u16, changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut file = vec![0; 1024];
    let fields: [(usize, &[u8]); 8] = [
        (0, b"MZ"),
        (0x18, &[0x40, 0]),
        (0x3c, &[0x80, 0]),
        (0x80, b"PE\0\0"),
        (0x84, &machine.to_le_bytes()),
        (0x86, &[3, 0]),
        (0x94, &[0xf0, 0, 0x22, 0]),
        (0x98, &magic.to_le_bytes()),
    ];
    for (offset, bytes) in fields.iter().chain(&[(0xdc, &[3, 0][..])]).chain(changes) {
        file[*offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    file
}

fn pe64(changes: &[(usize, &[u8])]) -> Vec<u8> {
    pe(0x8664, 0x20b, changes)
}

/// A native program with two program headers, the second as given.
fn elf(second_header: u32, changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut file = vec![0; 1024];
    let fields: [(usize, &[u8]); 9] = [
        (0, b"\x7fELF\x02\x01\x01"),
        (16, &[3, 0]),
        (18, &[62, 0]),
        (24, &[0, 0x10]),
        (32, &[64]),
        (54, &[56, 0]),
        (56, &[2, 0]),
        (64, &[1]),
        (64 + 56, &second_header.to_le_bytes()),
    ];
    for (offset, bytes) in fields.iter().chain(changes) {
        file[*offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    file
}

fn reason(head: &[u8], size: u64, name: &str, host: Machine) -> String {
    let error = inspect(head, size, name, host).expect_err(name);
    assert_eq!(error.kind(), ErrorKind::ProgramNotExecutable);
    let line = error.one_line();
    line.strip_prefix(&format!("cannot execute {}: ", quoted(name))).expect(&line).to_owned()
}

#[test]
fn knows_programs_by_their_headers() {
    let windows = |subsystem, width| Program::Windows { subsystem, width };
    for (head, wanted) in [
        (pe64(&[]), windows(Subsystem::Console, Width::Bits64)),
        (pe64(&[(0xdc, &[2])]), windows(Subsystem::Gui, Width::Bits64)),
        (pe(0x14c, 0x10b, &[]), windows(Subsystem::Console, Width::Bits32)),
        (elf(3, &[]), Program::Native(Linking::Dynamic)),
        (elf(2, &[]), Program::Native(Linking::Static)),
        (elf(2, &[(16, &[2])]), Program::Native(Linking::Static)),
    ] {
        assert_eq!(inspect(&head, SIZE, "a.exe", Machine::X64AndX86).unwrap(), wanted);
    }
}

#[test]
fn says_why_a_file_cannot_be_executed() {
    let beyond = pe64(&[(0x3c, &[0, 0, 2, 0])]);
    for (head, wanted) in [
        (vec![], "it is empty"),
        (b"#!/bin/sh\r\necho\r\n".to_vec(), "it is a script"),
        (b"echo hello\r\n\xc3\xa4".to_vec(), "it is text"),
        (b"PK\x03\x04\0\0".to_vec(), "it is neither"),
        (vec![0; 4096], "it is neither"),
        (pe(0xaa64, 0x20b, &[]), "it is for another machine type: ARM64,"),
        (pe(0x0200, 0x20b, &[]), "it is for another machine type: IA-64,"),
        (pe(0x1234, 0x20b, &[]), "it is for another machine type: an unknown one,"),
        (pe(0x14c, 0x10b, &[]), "it is a 32-bit program"),
        (pe(0x14c, 0x20b, &[]), "it is damaged: its optional header"),
        (pe64(&[(0x97, &[0x20])]), "it is a library"),
        (pe64(&[(0x97, &[0x10])]), "it is a driver"),
        (pe64(&[(0xdc, &[1])]), "it is a driver"),
        (pe64(&[(0xdc, &[10])]), "it is for another subsystem of Windows (number 10)"),
        (pe64(&[(0x96, &[0x20])]), "it is damaged: it was not linked"),
        (pe64(&[(0x80, b"NE")]), "it is a 16-bit program"),
        (pe64(&[(0x80, b"LE")]), "it is a 16-bit program"),
        (pe64(&[(0x80, b"LX")]), "it is a 16-bit program"),
        (pe64(&[(0x80, b"  ")]), "it is a DOS program"),
        (pe64(&[(0x3c, &[0, 0])]), "it is a DOS program"),
        (pe64(&[(0x3c, &[0xff; 4]), (0x18, &[0x1c])]), "it is a DOS program"),
        (pe64(&[(0x3c, &[0xff; 4])]), "it is cut off"),
        (beyond, "it is damaged: its headers lie beyond"),
        (elf(3, &[(18, &[183])]), "it is for another machine type: ARM64,"),
        (elf(3, &[(4, &[1, 1]), (18, &[3])]), "it is for another machine type: 32-bit x86,"),
        (elf(3, &[(4, &[1, 1])]), "it is for another machine type: x32,"),
        (elf(3, &[(4, &[2, 2])]), "it is for another machine type: a big-endian one,"),
        (elf(3, &[(16, &[1])]), "it is an object file or core dump"),
        (elf(3, &[(16, &[4])]), "it is an object file or core dump"),
        (elf(3, &[(24, &[0, 0])]), "it is a library"),
        (elf(3, &[(56, &[0])]), "it is damaged: it has no program headers"),
        (elf(3, &[(32, &[0xff; 8])]), "it is damaged: its headers lie beyond"),
    ] {
        let told = reason(&head, SIZE, "a.exe", Machine::X64);
        assert!(told.starts_with(wanted), "{told} (wanted: {wanted})");
    }
}

#[test]
fn says_which_package_runs_32_bit_programs() {
    let program = pe(0x14c, 0x10b, &[]);
    let error = inspect(&program, SIZE, "a.exe", Machine::X64).unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("wine32:i386")), "{error:?}");
    assert_eq!(inspect(b"", 0, "a.exe", Machine::X64).unwrap_err().hint(), None);
}

#[test]
fn refuses_batch_files_by_name_however_it_ends() {
    for name in ["x.bat", "x.cmd", "x.BAT", "x.Cmd", "x.bat. .", "x.cmd ", "x.bat...", "a.exe.bat", ".bat"] {
        assert!(reason(&pe64(&[]), SIZE, name, Machine::X64).starts_with("it is a batch file"), "{name}");
    }
    for name in ["bat", "x.bat.exe", "xbat", "x.bats", "cmd.exe"] {
        assert!(inspect(&pe64(&[]), SIZE, name, Machine::X64).is_ok(), "{name}");
    }
}

#[test]
fn headers_cut_off_anywhere_are_refused() {
    for (whole, headers) in [(pe64(&[]), 0x80 + 24 + 0xf0 + 3 * 40), (elf(3, &[]), 64 + 2 * 56)] {
        for length in 0..headers {
            reason(&whole[..length], length as u64, "a.exe", Machine::X64);
        }
        assert!(inspect(&whole[..headers], headers as u64, "a.exe", Machine::X64).is_ok());
    }
}

#[test]
fn knows_a_real_program() {
    let path = std::env::current_exe().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let size = bytes.len() as u64;
    bytes.truncate(HEAD);
    let found = inspect(&bytes, size, "tests", Machine::X64).unwrap();
    assert_eq!(matches!(found, Program::Windows { .. }), cfg!(windows), "{found:?}");
}

proptest::proptest! {
    #[test]
    fn never_panics(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..256),
        base in 0..2_usize,
        at in 0..768_usize,
        size in 0..2048_u64,
    ) {
        let mut head = if base == 0 { pe64(&[]) } else { elf(3, &[]) };
        let _ = inspect(&bytes, size, "a", Machine::X64);
        head[at..at + bytes.len()].copy_from_slice(&bytes);
        let _ = inspect(&head, size, "a", Machine::X64);
    }
}
