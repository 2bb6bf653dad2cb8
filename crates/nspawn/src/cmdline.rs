//! Windows command lines: one text that each program splits into arguments by itself. [`quote`] writes a text that
//! the usual ways of splitting agree on; [`parse_crt`] and [`parse_command_line_to_argv`] are two of those ways,
//! written apart from each other so that each checks the other.
//!
//! No shell is ever involved: `%`, `^`, `&` and `|` have no meaning here.

use crate::error::{Error, Result};

/// The longest command line in UTF-16 units: `CreateProcess` takes 32767 with the closing NUL.
pub const MAX_UNITS: usize = 32766;

/// Joins `args`, the program's path first, into a command line.
///
/// The program is always in quotes: `C:\Program Files\a.exe` without them may start `C:\Program.exe`. An argument
/// is in quotes unless it is made of letters that nothing interprets, because some start-up code expands `*` and
/// `?` outside of quotes.
///
/// # Errors
/// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec): the program is empty or holds a `"`, for which its
/// place has no escape; a NUL; a line longer than [`MAX_UNITS`].
pub fn quote<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<String> {
    let mut args = args.into_iter();
    let mut line = quote_program(args.next().unwrap_or_default())?;
    for argument in args {
        if argument.contains('\0') {
            return Err(Error::invalid("process_arguments", format!("{argument:?} holds a NUL")));
        }
        line.push(' ');
        push_argument(&mut line, argument);
    }
    let units = line.encode_utf16().count();
    if units > MAX_UNITS {
        let reason =
            format!("the command line has {units} UTF-16 units, and Windows takes at most {MAX_UNITS}");
        return Err(Error::invalid("process_arguments", reason));
    }
    Ok(line)
}

/// Quotes the first word, in which a backslash escapes nothing.
fn quote_program(program: &str) -> Result<String> {
    let refusal = match program {
        "" => "is empty",
        _ if program.contains('"') => "holds a quotation mark",
        _ if program.contains('\0') => "holds a NUL",
        _ => return Ok(format!("\"{program}\"")),
    };
    Err(Error::invalid("process_executable", format!("{program:?} {refusal}")))
}

/// Appends an argument. A backslash is an escape only where backslashes run up to a quotation mark: there each of
/// them is doubled, and the mark itself gets one more.
fn push_argument(line: &mut String, argument: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || r"-_./\:=,+@".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        line.push_str(argument);
        return;
    }
    line.push('"');
    let mut backslashes = 0;
    for c in argument.chars() {
        if c == '"' {
            line.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        line.push(c);
    }
    line.extend(std::iter::repeat_n('\\', backslashes));
    line.push('"');
}

/// Splits a command line as the C run-time (UCRT) does for `main`.
///
/// In the first word quotation marks only toggle. After it, `2n` backslashes and a mark are `n` backslashes and a
/// toggle, `2n+1` and a mark are `n` and a mark, and within marks two of them are one, and the quoting goes on.
pub fn parse_crt(line: &str) -> Vec<String> {
    let mut chars = line.chars().peekable();
    let mut quoted = false;
    let mut word = String::new();
    let mut words = Vec::new();
    while let Some(c) = chars.next_if(|&c| quoted || !is_blank(c)) {
        match c {
            '"' => quoted = !quoted,
            _ => word.push(c),
        }
    }
    words.push(word);

    loop {
        while chars.next_if(|&c| is_blank(c)).is_some() {}
        if chars.peek().is_none() {
            return words;
        }
        let mut word = String::new();
        let mut quoted = false;
        let mut backslashes = 0;
        while let Some(c) = chars.next_if(|&c| quoted || !is_blank(c)) {
            if c == '\\' {
                backslashes += 1;
                continue;
            }
            let kept = if c == '"' { backslashes / 2 } else { backslashes };
            word.extend(std::iter::repeat_n('\\', kept));
            let escaped = backslashes % 2 == 1;
            backslashes = 0;
            match c {
                '"' if escaped => word.push('"'),
                '"' if quoted && chars.next_if_eq(&'"').is_some() => word.push('"'),
                '"' => quoted = !quoted,
                _ => word.push(c),
            }
        }
        word.extend(std::iter::repeat_n('\\', backslashes));
        words.push(word);
    }
}

/// Splits a command line as the system's `CommandLineToArgvW` does; an empty one has no words.
///
/// The first word ends at the second quotation mark where it begins with one, and else at a blank. After it the
/// rules are those of [`parse_crt`], except that two marks within marks are one and *end* the quoting.
pub fn parse_command_line_to_argv(line: &str) -> Vec<String> {
    if line.is_empty() {
        return Vec::new();
    }
    let (program, mut rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => line.split_at(line.find(is_blank).unwrap_or(line.len())),
    };
    let mut words = vec![program.to_owned()];
    loop {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return words;
        }
        let word;
        (word, rest) = take_word(rest);
        words.push(word);
    }
}

/// Splits the word that `text` begins with from the rest.
fn take_word(mut text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quoted = false;
    loop {
        // Up to the next character that means something here, with the backslashes before it.
        let stop = text.find(|c| c == '"' || (!quoted && is_blank(c))).unwrap_or(text.len());
        let (run, rest) = text.split_at(stop);
        let Some(after) = rest.strip_prefix('"') else {
            word.push_str(run);
            return (word, rest);
        };
        let backslashes = run.len() - run.trim_end_matches('\\').len();
        word.push_str(&run[..run.len() - backslashes.div_ceil(2)]);
        text = after;
        if backslashes % 2 == 1 {
            word.push('"');
        } else if quoted && after.starts_with('"') {
            word.push('"');
            text = &after[1..];
            quoted = false;
        } else {
            quoted = !quoted;
        }
    }
}

/// Tells whether a character separates words: no other white space does.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn quotes_by_the_windows_rules() {
        let cases: &[(&[&str], &str)] = &[
            (&[r"C:\a.exe"], r#""C:\a.exe""#),
            (&[r"C:\Program Files\a.exe", "foo", "bar"], r#""C:\Program Files\a.exe" foo bar"#),
            (&[r"C:\dir\", ""], r#""C:\dir\" """#),
            (&["a", "b c", r"b c\", r"b\"], r#""a" "b c" "b c\\" b\"#),
            (&["a", r#"say "hi""#, r#"\""#, r#"\\""#], r#""a" "say \"hi\"" "\\\"" "\\\\\"""#),
            (
                &["a", "--x=1,2", "*.txt", "é", "%PATH%", "a\nb"],
                "\"a\" --x=1,2 \"*.txt\" \"é\" \"%PATH%\" \"a\nb\"",
            ),
        ];
        for (args, line) in cases {
            assert_eq!(quote(args.iter().copied()).unwrap(), *line, "{args:?}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_said() {
        let cases: &[(&[&str], &str)] = &[
            (&[], r#"process_executable: "" is empty"#),
            (&[""], r#"process_executable: "" is empty"#),
            (&["a\"b"], r#"process_executable: "a\"b" holds a quotation mark"#),
            (&["a\0b"], r#"process_executable: "a\0b" holds a NUL"#),
            (&["a", "b\0"], r#"process_arguments: "b\0" holds a NUL"#),
        ];
        for (args, message) in cases {
            let error = quote(args.iter().copied()).expect_err(message);
            assert_eq!(error.kind(), ErrorKind::InvalidSpec);
            assert_eq!(error.one_line(), *message);
        }
    }

    #[test]
    fn counts_the_length_in_utf16_units() {
        // `"a" ` and two more quotation marks around characters of two units each.
        let fits = "😀".repeat((MAX_UNITS - 6) / 2);
        assert_eq!(quote(["a", &fits]).unwrap().encode_utf16().count(), MAX_UNITS);
        let error = quote(["a", &format!("{fits}!")]).expect_err("one unit too many").one_line();
        assert!(error.starts_with("process_arguments: the command line has 32767 UTF-16 units"), "{error}");
    }

    #[test]
    fn splits_as_microsoft_documents_it() {
        // The table "Results of parsing command lines" of Microsoft's C language reference.
        let cases: &[(&str, &[&str])] = &[
            (r#"p "abc" d e"#, &["p", "abc", "d", "e"]),
            (r#"p a\\b d"e f"g h"#, &["p", r"a\\b", "de fg", "h"]),
            (r#"p a\\\"b c d"#, &["p", r#"a\"b"#, "c", "d"]),
            (r#"p a\\\\"b c" d e"#, &["p", r"a\\b c", "d", "e"]),
            ("p\t \tx ", &["p", "x"]),
            (r#""C:\dir\" x"#, &[r"C:\dir\", "x"]),
            ("p \"open\\\\", &["p", "open\\\\"]),
            (" x", &["", "x"]),
        ];
        for (line, words) in cases {
            assert_eq!(parse_crt(line), *words, "{line}");
            assert_eq!(parse_command_line_to_argv(line), *words, "{line}");
        }
    }

    #[test]
    fn parsers_differ_as_the_originals_do() {
        let doubled = r#"p a"b"" c d"#;
        assert_eq!(parse_crt(doubled), ["p", r#"ab" c d"#]);
        assert_eq!(parse_command_line_to_argv(doubled), ["p", r#"ab""#, "c", "d"]);
        let glued = r#""p"x y"#;
        assert_eq!(parse_crt(glued), ["px", "y"]);
        assert_eq!(parse_command_line_to_argv(glued), ["p", "x", "y"]);
        assert_eq!(parse_crt(""), [""]);
        assert!(parse_command_line_to_argv("").is_empty());
    }

    /// Texts in which what is special to Windows is frequent.
    fn text(length: std::ops::Range<usize>, alphabet: &'static [char]) -> impl Strategy<Value = String> {
        vec(prop::sample::select(alphabet), length).prop_map(String::from_iter)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn both_parsers_give_back_what_was_quoted(
            program in text(1..12, &[' ', '\t', '\\', 'a', 'é', '😀', '\'']),
            arguments in vec(text(0..12, &[' ', '\t', '"', '\\', 'a', 'Z', '*', '%', '\n', 'é', '😀']), 0..6),
        ) {
            let mut args = vec![program];
            args.extend(arguments);
            let line = quote(args.iter().map(String::as_str))?;
            prop_assert_eq!(&parse_crt(&line), &args, "{}", line);
            prop_assert_eq!(&parse_command_line_to_argv(&line), &args, "{}", line);
        }

        #[test]
        fn parsers_agree_where_no_marks_stand_together(
            line in text(0..40, &[' ', '\t', '"', '\\', 'a', 'é']),
        ) {
            // A word that no mark touches comes first, and nothing follows a mark but a letter.
            let line = format!("p {}", line.replace('"', "\"x"));
            prop_assert_eq!(parse_crt(&line), parse_command_line_to_argv(&line), "{}", line);
        }
    }
}
