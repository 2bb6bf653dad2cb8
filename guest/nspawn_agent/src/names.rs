//! Text that Windows is given.

use alloc::vec::Vec;

/// The longest NetBIOS name of a computer, in UTF-16 units (MAX_COMPUTERNAME_LENGTH).
const LONGEST_NETBIOS: usize = 15;

/// Returns the NetBIOS name that Windows derives from `host`: its first label, cut at 15 units, in capitals.
#[must_use]
pub fn netbios(host: &[u16]) -> Vec<u16> {
    let label = host.split(|unit| *unit == u16::from(b'.')).next().unwrap_or_default();
    label.iter().take(LONGEST_NETBIOS).copied().map(capital).collect()
}

/// Returns `text` as Windows takes it, without a NUL.
#[must_use]
pub fn utf16(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Host names are ASCII, so the capitals of ASCII are enough.
fn capital(unit: u16) -> u16 {
    u8::try_from(unit).map_or(unit, |byte| byte.to_ascii_uppercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netbios_names() {
        for (host, name) in [
            ("web", "WEB"),
            ("3f2a9c01d7be", "3F2A9C01D7BE"),
            ("web-1.example.org", "WEB-1"),
            ("a-name-of-more-than-fifteen", "A-NAME-OF-MORE-"),
            ("", ""),
            ("h\u{e4}fen", "H\u{e4}FEN"),
        ] {
            assert_eq!(netbios(&utf16(host)), utf16(name), "{host}");
        }
    }
}
