//! Where the host's dynamic loader finds shared libraries by name: the file that ldconfig(8) makes, read as glibc's
//! `dl-cache.h` describes it, and the directories that every loader looks into.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::elf;
use crate::program::Width;

/// The file.
pub(super) const FILE: &str = "/etc/ld.so.cache";

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
/// Magic, counts, flags and offsets, padded.
const HEAD: usize = 48;
/// Flags, name, path, version of the system, capabilities.
const ENTRY: usize = 24;
/// Paths are shorter (the kernel's PATH_MAX).
const PATH_MAX: usize = 4096;
/// A library of x86-64 for this C library (`FLAG_X8664_LIB64 | FLAG_ELF_LIBC6`).
const X86_64: u32 = 0x0303;
/// One of i386 (`FLAG_ELF_LIBC6`).
const I386: u32 = 0x0003;

/// Where loaders look besides.
const DIRECTORIES: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
const DIRECTORIES_32: [&str; 6] =
    ["/lib/i386-linux-gnu", "/usr/lib/i386-linux-gnu", "/lib32", "/usr/lib32", "/lib", "/usr/lib"];

/// The libraries of a host, of one size of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoaderCache {
    width: Width,
    pub(super) libraries: BTreeMap<String, PathBuf>,
}

impl LoaderCache {
    /// Reads this host's; empty where there is none, or one of another format.
    pub(super) fn of_host(width: Width) -> Self {
        let read = std::fs::read(FILE).ok().and_then(|file| Self::parse(&file, width));
        read.unwrap_or(Self { width, libraries: BTreeMap::new() })
    }

    pub(super) fn parse(file: &[u8], width: Width) -> Option<Self> {
        let wanted = match width {
            Width::Bits64 => X86_64,
            Width::Bits32 => I386,
        };
        // Older systems have a table of an older format before it.
        let start = file.windows(MAGIC.len()).position(|bytes| bytes == MAGIC)?;
        let file = &file[start..];
        let word = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?));
        let text = |at: u32| {
            let rest = file.get(at as usize..)?;
            // Many entries may share one long text: what is no path is not copied again and again.
            let rest = &rest[..rest.len().min(PATH_MAX)];
            if !rest.contains(&0) {
                return None;
            }
            std::str::from_utf8(rest.split(|byte| *byte == 0).next()?).ok()
        };
        let mut libraries = BTreeMap::new();
        for number in 0..word(MAGIC.len())? as usize {
            let at = HEAD + ENTRY * number;
            // Those for processors of certain capabilities have others for all.
            let for_all = word(at + 16)? == 0 && word(at + 20)? == 0;
            if word(at)? == wanted && for_all {
                let (name, path) = (text(word(at + 4)?)?, text(word(at + 8)?)?);
                // The first of several is the one that the loader takes.
                libraries.entry(name.to_owned()).or_insert_with(|| path.into());
            }
        }
        Some(Self { width, libraries })
    }

    /// Returns the file of a library.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        let directories = match self.width {
            Width::Bits64 => DIRECTORIES,
            Width::Bits32 => DIRECTORIES_32,
        };
        let usual = directories.map(|directory| Path::new(directory).join(name));
        let mut places = self.libraries.get(name).cloned().into_iter().chain(usual);
        places.find(|path| elf::width(path) == Some(self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a cache of entries (flags, capabilities, name, path).
    fn cache(entries: &[(u32, u64, &str, &str)]) -> Vec<u8> {
        let mut texts = Vec::new();
        let mut file = MAGIC.to_vec();
        file.extend((entries.len() as u32).to_le_bytes());
        file.resize(HEAD, 0);
        let base = HEAD + ENTRY * entries.len();
        for (flags, capabilities, name, path) in entries {
            let mut put = |text: &str| {
                let at = (base + texts.len()) as u32;
                texts.extend(text.bytes().chain([0]));
                at
            };
            for word in [*flags, put(name), put(path), 0] {
                file.extend(word.to_le_bytes());
            }
            file.extend(capabilities.to_le_bytes());
        }
        file.extend(texts);
        file
    }

    #[test]
    fn the_loader_s_choice_is_found() {
        let file = cache(&[
            (X86_64, 1 << 62, "liba.so.1", "/special/liba.so.1"),
            (X86_64, 0, "liba.so.1", "/first/liba.so.1"),
            (X86_64, 0, "liba.so.1", "/second/liba.so.1"),
            (I386, 0, "liba.so.1", "/of 32 bits/liba.so.1"),
            (0x0803, 0, "libb.so.1", "/of x32/libb.so.1"),
        ]);
        let old = [b"ld.so-1.7.0\0\0\0\0\0", file.as_slice()].concat();
        for (width, place) in [(Width::Bits64, "/first/liba.so.1"), (Width::Bits32, "/of 32 bits/liba.so.1")]
        {
            let libraries = BTreeMap::from([("liba.so.1".to_owned(), PathBuf::from(place))]);
            let expected = Some(LoaderCache { width, libraries });
            for file in [&file, &old] {
                assert_eq!(LoaderCache::parse(file, width), expected);
            }
        }
    }

    #[test]
    fn what_is_no_cache_is_none() {
        let whole = cache(&[(X86_64, 0, "liba.so.1", "/liba.so.1")]);
        let mut endless = whole.clone();
        endless[MAGIC.len()..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let long = cache(&[(X86_64, 0, "liba.so.1", &"/".repeat(PATH_MAX))]);
        for file in [b"".as_slice(), b"glibc-ld.so.cache1.0", &whole[..HEAD + 9], &endless, &long] {
            assert_eq!(LoaderCache::parse(file, Width::Bits64), None, "{file:?}");
        }
    }

    #[test]
    fn this_host_has_a_c_library() {
        let host = LoaderCache::of_host(Width::Bits64);
        assert!(host.find("libc.so.6").is_some_and(|path| path.is_absolute()));
        assert_eq!(host.find("libnone.so.0"), None);
        let of_32_bit = LoaderCache::of_host(Width::Bits32).find("libc.so.6");
        assert!(of_32_bit.is_none() || of_32_bit != host.find("libc.so.6"));
    }
}
