//! Which Unix process a Windows process is. Wine does not tell, but /proc does: the process that was not
//! there before.

use alloc::vec::Vec;

/// Comm of the process that Wine may start beside a program, to draw its console.
const CONSOLE_HOST: &[u8] = b"conhost.exe";

/// A Unix process id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pid(pub u32);

/// Reads the name of a directory of /proc; none: it is not a process.
#[must_use]
pub fn parse(name: &[u16]) -> Option<Pid> {
    let digit = |unit: &u16| char::from_u32((*unit).into())?.to_digit(10);
    let number = name.iter().try_fold(0_u32, |sum, unit| sum.checked_mul(10)?.checked_add(digit(unit)?))?;
    (number != 0).then_some(Pid(number))
}

/// Returns the first process of `after` that is not in `before` and that `comm` (its name, as
/// /proc/PID/comm has it) does not call a console's host.
#[must_use]
pub fn newcomer(before: &[Pid], after: &[Pid], comm: impl Fn(Pid) -> Vec<u8>) -> Option<Pid> {
    let new = after.iter().filter(|pid| !before.contains(pid));
    new.copied().find(|pid| comm(*pid).trim_ascii_end() != CONSOLE_HOST)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn directories() {
        for (name, pid) in [
            ("1", Some(1)),
            ("4194304", Some(4_194_304)),
            ("4294967296", None),
            ("0", None),
            ("", None),
            ("self", None),
            ("12a", None),
            ("-1", None),
            (".", None),
            ("\u{663}", None),
        ] {
            let units: Vec<u16> = name.encode_utf16().collect();
            assert_eq!(parse(&units), pid.map(Pid), "{name}");
        }
    }

    #[test]
    fn newcomers() {
        let comm = |pid: Pid| match pid {
            Pid(7) => b"conhost.exe\n".to_vec(),
            Pid(8) => Vec::new(),
            _ => b"program.exe\n".to_vec(),
        };
        for (before, after, expected) in [
            (&[1, 2][..], &[1, 2, 5][..], Some(5)),
            (&[1, 2], &[1, 2, 7, 9], Some(9)),
            (&[1, 2], &[1, 2, 7], None),
            (&[1, 2], &[1, 8], Some(8)),
            (&[1, 2], &[1, 2], None),
            (&[], &[], None),
        ] {
            let pids = |list: &[u32]| list.iter().copied().map(Pid).collect::<Vec<_>>();
            assert_eq!(
                newcomer(&pids(before), &pids(after), comm),
                expected.map(Pid),
                "{before:?} {after:?}"
            );
        }
    }
}
