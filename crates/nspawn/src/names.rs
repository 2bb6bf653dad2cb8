//! File names as Windows judges them: which ones it reserves or forbids, and which ones it takes for the same.
//! Pure; the file system of the host, which knows no case, is searched by [`find`].

/// The longest name, in UTF-16 units (NTFS) and in bytes of UTF-8 (Linux) alike.
pub const MAX_LENGTH: usize = 255;

/// Device names that Windows finds in every directory, whatever extension follows.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Says whether `name` may name a file or directory.
///
/// # Errors
/// What is wrong with it, to be read after the name: `"nul.txt" is a device name of Windows`.
pub fn check(name: &str) -> Result<(), &'static str> {
    match name {
        "" => return Err("is an empty name"),
        "." | ".." => return Err("may not be part of the path"),
        _ => {}
    }
    if name.contains(':') {
        return Err("holds ':', which names a stream or a drive");
    }
    if name.contains(|c| matches!(c, '<' | '>' | '"' | '|' | '?' | '*' | '/' | '\\' | '\0'..='\u{1f}')) {
        return Err("holds a character that Windows forbids in names");
    }
    if name.ends_with(['.', ' ']) {
        return Err("ends in a dot or space, which Windows drops");
    }
    if is_device(name) {
        return Err("is a device name of Windows");
    }
    if name.len() > MAX_LENGTH || name.encode_utf16().count() > MAX_LENGTH {
        return Err("is longer than 255 UTF-16 units or 255 bytes of UTF-8");
    }
    Ok(())
}

/// Tells whether Windows opens a device for `name`: `CON`, `nul.txt`, `aux .log`, `COM1`, `lpt³`.
pub fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end_matches(' ').to_ascii_uppercase();
    let port = |prefix| stem.strip_prefix(prefix).is_some_and(is_port_number);
    DEVICES.contains(&stem.as_str()) || port("COM") || port("LPT")
}

/// Ports are numbered 1 to 9; the superscripts count as digits, because Latin-1 has them.
fn is_port_number(text: &str) -> bool {
    let mut chars = text.chars();
    matches!((chars.next(), chars.next()), (Some('1'..='9' | '¹' | '²' | '³'), None))
}

/// Returns `name` in the one case in which Windows compares names: two names are the same where their folded
/// forms are equal. Nothing is normalised: `é` in one character and in two are two names.
///
/// Windows upcases each UTF-16 unit by itself through a table that maps one unit to one, and only where the way back
/// leads to the same unit. So `ß`, `ﬁ`, `İ`, `ı`, `ſ`, `µ`, `ς` and all beyond U+FFFF stay as they are. This
/// agrees with Wine 8's table (`l_intl.nls`) in every unit but the eight letters that got a capital after Unicode 14.
pub fn fold(name: &str) -> String {
    name.chars().map(upcase).collect()
}

fn upcase(c: char) -> char {
    let upper = match c {
        // Greek letters with iota subscript: one character by the simple mapping, two by the full one that std has.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(c as u32 + 8)
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(c as u32 + 9),
        '\u{10000}'.. => None,
        _ => only(c.to_uppercase()),
    };
    upper.filter(|upper| only(upper.to_lowercase()) == Some(c)).unwrap_or(c)
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

/// What a look-up without case found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match<'a> {
    /// No entry has the name.
    None,
    /// One entry has it, spelled so.
    One(&'a str),
    /// Two entries have it. Windows could not hold both, so none is chosen, not even the one spelled as wanted.
    Ambiguous(&'a str, &'a str),
}

/// Finds the entry of a directory that Windows means by `wanted`.
pub fn find<'a>(wanted: &str, entries: impl IntoIterator<Item = &'a str>) -> Match<'a> {
    let wanted = fold(wanted);
    let mut found = entries.into_iter().filter(|entry| fold(entry) == wanted);
    match (found.next(), found.next()) {
        (None, _) => Match::None,
        (Some(one), None) => Match::One(one),
        (Some(one), Some(other)) => Match::Ambiguous(one, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_windows_reserves_and_nothing_else() {
        for bad in [
            "CON",
            "con",
            "nul.txt",
            "NUL.tar.gz",
            "aux .log",
            "PRN",
            "COM1",
            "com9.x",
            "COM¹",
            "com².txt",
            "COM³",
            "LPT1",
            "lpt9.x",
            "LPT³",
            "CONIN$",
            "conout$",
            "conout$.txt",
            "NUL:",
            "C:",
            "file:stream",
            "file::$DATA",
            "a<b",
            "a>b",
            "a\"b",
            "a|b",
            "a?",
            "*",
            "a\u{1}b",
            "a\u{1f}",
            "a\0",
            "a\n",
            "",
            ".",
            "..",
            "...",
            "..  ",
            "a.",
            "a ",
            "a. .",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        for good in [
            "CONx",
            "nullable",
            "com10",
            "com0",
            "com",
            "COM⁴",
            "lpt",
            ".con",
            "aux-1",
            "xcon",
            "con-",
            "nul_.txt",
            "a.nul",
            "COM1x",
            "conin",
            "a b",
            " a",
            ".a",
            "a..b",
            "a & echo x",
            "^",
            "%OS%",
            "ö中😀",
            "e\u{301}",
            "\u{feff}",
            "\u{7f}",
        ] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn bounds_the_length_in_units_and_in_bytes() {
        for (name, accepted) in [
            ("a".repeat(255), true),
            ("a".repeat(256), false),
            ("é".repeat(127), true),
            ("é".repeat(128), false),
            ("😀".repeat(63), true),
            ("😀".repeat(64), false),
        ] {
            assert_eq!(check(&name).is_ok(), accepted, "{} units", name.encode_utf16().count());
        }
    }

    #[test]
    fn folds_as_windows_upcases() {
        for (name, folded) in [
            ("hello.exe", "HELLO.EXE"),
            ("öäÿžа", "ÖÄŸŽА"),
            ("ßẞ", "ßẞ"),
            ("ﬁ", "ﬁ"),
            ("İıiI", "İıII"),
            ("ſsµς", "ſSµς"),
            ("ǆǅǄ", "ǄǅǄ"),
            ("\u{1f80}\u{1f97}\u{1fb3}\u{1ff3}", "\u{1f88}\u{1f9f}\u{1fbc}\u{1ffc}"),
            ("\u{10428}", "\u{10428}"),
            ("e\u{301}é", "E\u{301}É"),
        ] {
            assert_eq!(fold(name), folded);
            assert_eq!(fold(folded), folded, "folding again changes nothing");
        }
    }

    #[test]
    fn finds_without_case_and_never_guesses() {
        let entries = ["hello.exe", "README", "readme", "straße", "e\u{301}"];
        for (wanted, found) in [
            ("HELLO.EXE", Match::One("hello.exe")),
            ("hello.exe", Match::One("hello.exe")),
            ("readme", Match::Ambiguous("README", "readme")),
            ("README", Match::Ambiguous("README", "readme")),
            ("STRAßE", Match::One("straße")),
            ("STRASSE", Match::None),
            ("STRAẞE", Match::None),
            ("é", Match::None),
            ("absent", Match::None),
        ] {
            assert_eq!(find(wanted, entries), found, "{wanted}");
        }
    }
}
