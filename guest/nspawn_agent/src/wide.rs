//! Text that is known when the agent is built, as Windows takes it.

/// Returns ASCII `text` as UTF-16 closed by NUL; `N` is one more than its length.
pub const fn utf16<const N: usize>(text: &str) -> [u16; N] {
    let bytes = text.as_bytes();
    assert!(bytes.len() + 1 == N && text.is_ascii());
    let mut units = [0; N];
    let mut index = 0;
    while index + 1 < N {
        units[index] = bytes[index] as u16;
        index += 1;
    }
    units
}

/// ASCII text as a `&'static [u16]` closed by NUL.
macro_rules! wide {
    ($text:expr) => {{
        const UNITS: [u16; $text.len() + 1] = $crate::wide::utf16($text);
        &UNITS as &'static [u16]
    }};
}
