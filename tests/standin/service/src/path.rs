//! Paths of the container as paths of the host. Nothing is mounted here: the stand-in runs a program on the host, and
//! gives it the host's names of what its command line and directory name.

use serde::{Deserialize, Serialize};

/// A directory of the host that the container sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Where the container sees it.
    pub container: String,
    /// Where it is.
    pub host: String,
}

const SEPARATORS: [char; 2] = ['\\', '/'];

impl Mapping {
    /// Returns `text` with the host's path at its beginning, where the container's path stands there as a whole.
    fn apply<'a>(&self, text: &'a str) -> Option<(&str, &'a str)> {
        let prefix = self.container.trim_end_matches(SEPARATORS);
        let (head, tail) = text.split_at_checked(prefix.len())?;
        let whole = tail.chars().next().is_none_or(|next| SEPARATORS.contains(&next) || ends_word(next));
        let same = head.eq_ignore_ascii_case(prefix) && !prefix.is_empty();
        (same && whole).then(|| (self.host.trim_end_matches(SEPARATORS), tail))
    }
}

fn ends_word(next: char) -> bool {
    next == '"' || next.is_ascii_whitespace()
}

/// Returns a command line, or a path, in which every path that is mapped is the host's.
pub fn on_host(mappings: &[Mapping], line: &str) -> String {
    let (mut translated, mut rest, mut before) = (String::new(), line, None);
    while let Some(next) = rest.chars().next() {
        let begins = before.is_none_or(|before: char| ends_word(before) || before == '=');
        match mappings.iter().filter(|_| begins).find_map(|mapping| mapping.apply(rest)) {
            Some((host, tail)) => {
                translated.push_str(host);
                (rest, before) = (tail, Some('\\'));
            }
            None => {
                translated.push(next);
                (rest, before) = (&rest[next.len_utf8()..], Some(next));
            }
        }
    }
    translated
}

/// Splits a command line into its program and all that follows, as Windows does.
pub fn program(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => line.split_at(line.find(|c: char| c.is_ascii_whitespace()).unwrap_or(line.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_paths_become_the_hosts() {
        let mapping =
            |container: &str, host: &str| Mapping { container: container.into(), host: host.into() };
        let mappings = [mapping(r"C:\work", r"Z:\tmp\a b"), mapping(r"C:\other\", r"D:\")];
        for (line, wanted) in [
            (r"C:\work", r"Z:\tmp\a b"),
            (r"c:\WORK\x.exe", r"Z:\tmp\a b\x.exe"),
            (r#""C:\work\x.exe" -f=C:\work/y C:\other"#, r#""Z:\tmp\a b\x.exe" -f=Z:\tmp\a b/y D:"#),
            (r"C:\workshop\x.exe", r"C:\workshop\x.exe"),
            (r"x\C:\work", r"x\C:\work"),
            ("é", "é"),
        ] {
            assert_eq!(on_host(&mappings, line), wanted, "{line}");
        }
    }

    #[test]
    fn the_first_word_is_the_program() {
        for (line, wanted) in [
            (r#""C:\a b.exe" c d"#, (r"C:\a b.exe", " c d")),
            (r"a.exe  b", ("a.exe", "  b")),
            (" a.exe", ("a.exe", "")),
            (r#""a.exe"#, ("a.exe", "")),
            ("", ("", "")),
        ] {
            assert_eq!(program(line), wanted, "{line}");
        }
    }
}
