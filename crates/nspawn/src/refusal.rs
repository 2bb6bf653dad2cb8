//! How a refused input is told: `key: what is wrong: value`, on one line whatever the value holds.

use crate::error::Error;

/// The most characters of a foreign value that a message shows.
const SHOWN: usize = 200;

/// Makes the refusal of `value`, given for `key`: `what` says what is wrong with it.
pub(crate) fn refuse(key: impl Into<String>, what: impl AsRef<str>, value: &str) -> Error {
    Error::invalid(key, format!("{}: {}", what.as_ref(), quoted(value)))
}

/// Returns `text` escaped, cut and in double quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Returns `text` with all that is not plainly visible escaped, cut after 200 characters. Backslashes and quotes
/// stay: the text is for a reader, and paths are full of them.
pub(crate) fn escaped(text: &str) -> String {
    shown(text, |c| match c {
        '\\' | '\'' | '"' => c.to_string(),
        _ => c.escape_debug().to_string(),
    })
}

/// Returns a key as a message names it: bare where it is an ordinary one, else in quotes and in ASCII alone, so
/// that a look-alike letter shows.
pub(crate) fn key_shown(key: &str) -> String {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !key.is_empty() && key.chars().all(ordinary) {
        return shown(key, String::from);
    }
    format!("\"{}\"", shown(key, |c| c.escape_default().to_string()))
}

fn shown(text: &str, escape: impl Fn(char) -> String) -> String {
    let (mut line, mut length) = (String::new(), 0);
    for c in text.chars() {
        let piece = escape(c);
        length += piece.chars().count();
        // One place is kept for the ellipsis.
        if length >= SHOWN {
            line.push('…');
            break;
        }
        line.push_str(&piece);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_any_value_on_one_short_line() {
        for (text, wanted) in [
            (r"C:\a b", r#""C:\a b""#),
            ("a\nb\0c\u{1b}[31m", r#""a\nb\0c\u{1b}[31m""#),
            ("nbsp\u{a0} rtl\u{202e}", r#""nbsp\u{a0} rtl\u{202e}""#),
            ("ö中😀", r#""ö中😀""#),
        ] {
            assert_eq!(quoted(text), wanted);
        }
        let long = quoted(&"x".repeat(1 << 20));
        assert_eq!(long.chars().count(), SHOWN + 2);
        assert!(long.ends_with("x…\""));
        assert_eq!(key_shown("max_ram_mb"), "max_ram_mb");
        assert_eq!(key_shown("max_ram_mb "), "\"max_ram_mb \"");
        assert_eq!(key_shown("m\u{430}x"), "\"m\\u{430}x\"");
        assert_eq!(key_shown(""), "\"\"");
    }
}
