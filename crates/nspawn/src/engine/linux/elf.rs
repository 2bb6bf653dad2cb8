//! What programs and shared libraries say of the libraries that they use.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use object::Endianness;
use object::elf::{DT_NEEDED, FileHeader32, FileHeader64};
use object::read::elf::{ElfFile, FileHeader};

use crate::program::Width;

/// Returns the size of addresses of a program or library of x86; `None`: it is none, a script say (elf(5), `ELFCLASS32`).
pub(super) fn width(path: &Path) -> Option<Width> {
    let mut head = [0; 5];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    match &head {
        b"\x7fELF\x01" => Some(Width::Bits32),
        b"\x7fELF\x02" => Some(Width::Bits64),
        _ => None,
    }
}

/// The libraries that one file uses, by the names that the dynamic loader looks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Uses {
    /// Those without which it is not loaded (`DT_NEEDED`).
    pub(super) needed: Vec<String>,
    /// Those that its texts name, for `dlopen` for the most part.
    pub(super) named: Vec<String>,
}

impl Uses {
    /// Reads an ELF file; `None`: it is none, or a broken one.
    pub(super) fn of(file: &[u8]) -> Option<Self> {
        Self::of_class::<FileHeader64<Endianness>>(file)
            .or_else(|| Self::of_class::<FileHeader32<Endianness>>(file))
    }

    fn of_class<Class: FileHeader>(file: &[u8]) -> Option<Self> {
        let elf = ElfFile::<Class>::parse(file).ok()?;
        let table = elf.elf_dynamic_table().ok()?;
        let needed = table.iter().filter(|entry| entry.tag == DT_NEEDED);
        // Many entries may share one long text: what is no name of a file is not copied again and again.
        let text = |entry| table.string(entry).ok().filter(|text| text.len() <= FILE_NAME_MAX);
        let name = |entry| String::from_utf8(text(entry)?.to_vec()).ok();
        Some(Self { needed: needed.map(name).collect::<Option<_>>()?, named: names(file) })
    }
}

/// No file system has longer names (NAME_MAX).
const FILE_NAME_MAX: usize = 255;
/// No name of a library is longer.
const NAME_MAX: usize = 64;

/// Finds all texts that are a library's name with its version: `libgnutls.so.30`.
fn names(file: &[u8]) -> Vec<String> {
    let texts = file.split(|byte| *byte == 0).filter(|text| text.len() <= NAME_MAX);
    let texts =
        texts.filter(|text| text.starts_with(b"lib")).filter_map(|text| std::str::from_utf8(text).ok());
    texts.filter(|text| is_name(text)).map(str::to_owned).collect()
}

fn is_name(text: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte));
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.split_once(".so.")
        .is_some_and(|(name, version)| plain(name) && number(version) && !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_among_other_texts() {
        let file =
            b"\x7fELF\0libgnutls.so.30\0failed to load libx.so.1\0libSDL2-2.0.so.0\0lib.so\0libm.so.6\xff\0\
                     libstdc++.so.6\0libodd.so.x\0/usr/lib/libpath.so.1\0libend.so.2";
        assert_eq!(names(file), ["libgnutls.so.30", "libSDL2-2.0.so.0", "libstdc++.so.6", "libend.so.2"]);
    }

    #[test]
    fn this_very_program_needs_the_c_library() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert!(Uses::of(&own).unwrap().needed.iter().any(|name| name == "libc.so.6"));
        assert_eq!((Uses::of(&own[..2000]), Uses::of(b"#!/bin/sh\n")), (None, None));
    }
}
