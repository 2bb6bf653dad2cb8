//! Where the host's dynamic loader finds shared libraries by name: the file that ldconfig(8) makes, read as glibc's
//! `dl-cache.h` describes it, and the directories that every loader looks into.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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

/// Where loaders look besides.
const DIRECTORIES: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// The libraries of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LoaderCache(pub(super) BTreeMap<String, PathBuf>);

impl LoaderCache {
    /// Reads this host's; empty where there is none, or one of another format.
    pub(super) fn of_host() -> Self {
        std::fs::read(FILE).ok().and_then(|file| Self::parse(&file)).unwrap_or_default()
    }

    pub(super) fn parse(file: &[u8]) -> Option<Self> {
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
            if word(at)? == X86_64 && for_all {
                let (name, path) = (text(word(at + 4)?)?, text(word(at + 8)?)?);
                // The first of several is the one that the loader takes.
                libraries.entry(name.to_owned()).or_insert_with(|| path.into());
            }
        }
        Some(Self(libraries))
    }

    /// Returns the file of a library.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        let usual = DIRECTORIES.map(|directory| Path::new(directory).join(name));
        self.0.get(name).cloned().into_iter().chain(usual).find(|path| path.is_file())
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
            (0x0003, 0, "libb.so.1", "/of 32 bits/libb.so.1"),
        ]);
        let expected = BTreeMap::from([("liba.so.1".to_owned(), PathBuf::from("/first/liba.so.1"))]);
        let old = [b"ld.so-1.7.0\0\0\0\0\0", file.as_slice()].concat();
        for file in [&file, &old] {
            assert_eq!(LoaderCache::parse(file), Some(LoaderCache(expected.clone())));
        }
    }

    #[test]
    fn what_is_no_cache_is_none() {
        let whole = cache(&[(X86_64, 0, "liba.so.1", "/liba.so.1")]);
        let mut endless = whole.clone();
        endless[MAGIC.len()..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let long = cache(&[(X86_64, 0, "liba.so.1", &"/".repeat(PATH_MAX))]);
        for file in [b"".as_slice(), b"glibc-ld.so.cache1.0", &whole[..HEAD + 9], &endless, &long] {
            assert_eq!(LoaderCache::parse(file), None, "{file:?}");
        }
    }

    #[test]
    fn this_host_has_a_c_library() {
        let found = LoaderCache::of_host().find("libc.so.6");
        assert!(found.is_some_and(|path| path.is_absolute()));
        assert_eq!(LoaderCache::default().find("libnone.so.0"), None);
    }
}
