//! Text as Windows takes it: UTF-16, ended by a zero.

use crate::error::{Error, Result};

/// A text in UTF-16, ended by a zero and holding no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wide(Vec<u16>);

impl Wide {
    /// Turns `text` into UTF-16.
    ///
    /// # Errors
    /// [`Error::Nul`].
    pub fn new(text: &str) -> Result<Self> {
        match text.contains('\0') {
            true => Err(Error::Nul(text.to_owned())),
            false => Ok(Self(text.encode_utf16().chain([0]).collect())),
        }
    }

    /// Returns where it begins.
    pub fn as_ptr(&self) -> *const u16 {
        self.0.as_ptr()
    }
}

/// Turns what stands before the first zero of `units` into text. Surrogates without their other half, which JSON and
/// paths can hold, become U+FFFD: such a text is for a message, or it is refused by whoever parses it.
#[cfg(any(windows, test))]
pub(crate) fn text(units: &[u16]) -> String {
    let length = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_there_and_back() {
        for sample in ["", "a", r"C:\jdk\bin", "é中😀", "{\"a\":1}"] {
            let wide = Wide::new(sample).unwrap();
            assert_eq!(wide.0.last(), Some(&0));
            assert_eq!(wide.0.len(), sample.encode_utf16().count() + 1);
            assert_eq!(text(&wide.0), sample);
        }
        assert!(matches!(Wide::new("a\0b"), Err(Error::Nul(_))));
    }

    #[test]
    fn ends_at_the_first_zero_and_bears_broken_surrogates() {
        for (units, wanted) in [
            (&[0x61, 0, 0x62][..], "a"),
            (&[0x61, 0x62], "ab"),
            (&[], ""),
            (&[0x61, 0xD800, 0x62], "a\u{fffd}b"),
            (&[0xDC00], "\u{fffd}"),
        ] {
            assert_eq!(text(units), wanted);
        }
    }
}
