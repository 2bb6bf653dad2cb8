//! Runs fuzz targets without a fuzzer, as tests of the crates that they belong to: over their seeds, and over changes
//! of those that are the same every time.

use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

/// So many changed seeds are tried a target.
const CHANGED: usize = 2000;
/// No seed grows longer by its changes.
const LONGEST: usize = 4096;

/// Makes a test of each target: it has the target's name.
macro_rules! replayed {
    ($($target:ident),+ $(,)?) => {$(
        #[test]
        fn $target() {
            super::replay::replay(stringify!($target), super::$target);
        }
    )+};
}
pub(crate) use replayed;

/// Runs a target over the files of `fuzz/seeds/<name>`, and over changes of them.
///
/// # Panics
/// The target does, or there are no seeds.
pub(crate) fn replay(name: &str, target: fn(&[u8])) {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name);
    let entries = fs::read_dir(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty(), "{} is empty", place.display());
    for (seed, file) in seeds.iter().zip(&files) {
        assert!(catch_unwind(|| target(seed)).is_ok(), "{} makes it fail, as said above", file.display());
    }
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for _ in 0..CHANGED {
        let (mut bytes, other) = (dice.choice(&seeds).clone(), dice.choice(&seeds));
        for _ in 0..=dice.below(4) {
            change(&mut bytes, other, &mut dice);
        }
        bytes.truncate(LONGEST);
        let withstood = catch_unwind(|| target(&bytes)).is_ok();
        assert!(withstood, "a changed seed makes it fail, as said above: b\"{}\"", bytes.escape_ascii());
    }
}

/// Changes bytes in one place.
fn change(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let end = at + dice.below(bytes.len() - at + 1).min(8);
    let part = match dice.below(5) {
        0 => Vec::new(),
        1 => vec![dice.below(256) as u8],
        2 => bytes[at..end].iter().map(|byte| byte ^ (1 << dice.below(8))).collect(),
        3 => dice.choice(&[0_u32, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX]).to_le_bytes().to_vec(),
        _ => {
            let from = dice.below(other.len() + 1);
            other[from..from + dice.below(other.len() - from + 1)].to_vec()
        }
    };
    bytes.splice(at..end, part);
}

/// Numbers that are the same every time (xorshift64).
struct Dice(u64);

impl Dice {
    /// Returns a number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }

    fn choice<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
