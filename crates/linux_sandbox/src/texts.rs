//! What a process was started with, as everyone may read it in /proc: pid 1 is a copy of the launcher, and has the
//! launcher's.

use std::io;

use crate::raw;

/// Where a process keeps its arguments and its environment, which /proc shows from there (proc_pid_cmdline(5)).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts([(usize, usize); 2]);

impl Texts {
    /// Finds those of this process, and so of each copy of it.
    ///
    /// # Errors
    /// /proc/self/stat cannot be read, or is of another format.
    pub(crate) fn find() -> io::Result<Self> {
        Self::parse(&std::fs::read("/proc/self/stat")?).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Fields 48 to 51; the second, a name in brackets, may hold anything (proc_pid_stat(5)).
    pub(crate) fn parse(stat: &[u8]) -> Option<Self> {
        // Anything: the kernel cuts names off after 15 bytes, in the middle of a character, too.
        let stat = String::from_utf8_lossy(stat);
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<usize>().ok();
        let between = |from, to| Some((field(from)?, field(to)?)).filter(|(from, to)| from <= to);
        Some(Self([between(48, 49)?, between(50, 51)?]))
    }

    /// Empties them. Only in a copy of the process that reads neither.
    pub(crate) fn erase(self) {
        for (from, to) in self.0 {
            raw::zero(from, to - from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_found_behind_any_name() {
        let fields: Vec<String> = (3..=52).map(|number| number.to_string()).collect();
        let stat = |name: &[u8]| [b"7 (", name, b") ", fields.join(" ").as_bytes(), b"\n"].concat();
        for name in [b"nspawn".as_slice(), b"a) S 1 (b", b"", b"aaaaaaaaaaaaaa\xc3"] {
            assert_eq!(Texts::parse(&stat(name)).unwrap().0, [(48, 49), (50, 51)]);
        }
        assert!(Texts::parse(b"7 (x) S 1").is_none() && Texts::parse(b"").is_none());
        let [(from, to), _] = Texts::find().unwrap().0;
        assert!(from < to, "this test was started with a name at least");
    }
}
