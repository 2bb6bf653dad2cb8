//! Subordinate ids, which the administrator lets a plain user have besides his own (subuid(5), subgid(5)), and the two
//! programs that may map them (newuidmap(1), newgidmap(1)).

use std::fs;
use std::io::{self, Read as _};
use std::ops::RangeInclusive;
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};
use crate::plan::Ids;
use crate::poll::readable;

/// How long each of the two programs may take: who is to be found in a directory service may take a while.
const PATIENCE: Duration = Duration::from_secs(5);

/// The ids of a plain user's own namespace: himself, who is root there, and a subordinate one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) own: Ids,
    pub(crate) subordinate: Ids,
}

/// What the second of the two is in the namespace.
pub(crate) const SECOND: Ids = Ids { uid: 1, gid: 1 };

impl Pair {
    /// Finds a subordinate id of each kind for this process's user.
    ///
    /// # Errors
    /// He has none, or what says so makes no sense.
    pub(crate) fn find() -> Result<Self> {
        let own = Ids { uid: rustix::process::getuid().as_raw(), gid: rustix::process::getgid().as_raw() };
        let name = name_of(own.uid, &read("/etc/passwd")?);
        let find = |file: &str, own_id: u32| {
            let found = first_of(&read(file)?, name.as_deref(), own.uid, own_id);
            found.map_err(|why| {
                Error::new("find", "a subordinate id", io::Error::other(format!("{file} {why}")))
            })
        };
        let subordinate = Ids { uid: find(USERS, own.uid)?, gid: find(GROUPS, own.gid)? };
        Ok(Self { own, subordinate })
    }

    /// Maps both in the namespace of process `pid`.
    ///
    /// # Errors
    /// The programs that may do that are not there, or refuse.
    pub(crate) fn map(&self, pid: i32) -> Result<()> {
        // Groups stay as they are, as where he has one id: what he may do with files in a group of his, his programs may.
        let setgroups = format!("/proc/{pid}/setgroups");
        fs::write(&setgroups, "deny").context("write", || setgroups)?;
        // At once: each takes as long as the rest of a sandbox's making.
        let started = [
            start("newuidmap", pid, self.own.uid, (SECOND.uid, self.subordinate.uid)),
            start("newgidmap", pid, self.own.gid, (SECOND.gid, self.subordinate.gid)),
        ];
        let [uids, gids] = started.map(|started| started.and_then(finish));
        uids.and(gids)
    }
}

/// Who has which subordinate ids, of users and of groups.
const USERS: &str = "/etc/subuid";
const GROUPS: &str = "/etc/subgid";

/// Reads a file about the host's users. Their full names may be in any encoding.
fn read(file: &str) -> Result<String> {
    let bytes = fs::read(file).context("read", || file)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns 65,536 subordinate ids that nobody has, of users and groups alike: as many as useradd(8) gives.
pub fn unused_subordinate_ids() -> RangeInclusive<u64> {
    unused(&[USERS, GROUPS].map(|file| read(file).unwrap_or_default()))
}

/// Returns as many ids that no line of these texts gives anybody, from where useradd(8) begins, or after the highest.
fn unused(texts: &[String]) -> RangeInclusive<u64> {
    let end = |line: &str| {
        let mut numbers =
            line.split(':').skip(1).map(|field| field.trim().parse::<u32>().ok().map(u64::from));
        Some(numbers.next()?? + numbers.next()??)
    };
    let ends = texts.iter().flat_map(|text| text.lines().filter_map(end));
    let first = ends.fold(100_000, u64::max);
    first..=first + 65_535
}

/// Returns the name of a user, as far as the host's own file knows it.
pub(crate) fn name_of(uid: u32, passwd: &str) -> Option<String> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut named = fields.filter(|fields| fields.get(2).is_some_and(|field| field.parse() == Ok(uid)));
    named.next().and_then(|fields| fields.first().map(|name| (*name).to_owned()))
}

/// Returns the first subordinate id that a file's text gives a user, who is known there by name or by number. `own` is
/// his own id of that kind.
pub(crate) fn first_of(
    text: &str,
    name: Option<&str>,
    uid: u32,
    own: u32,
) -> std::result::Result<u32, String> {
    let number = uid.to_string();
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.trim_end().split(':');
        let user = fields.next();
        if user != name && user != Some(&number) {
            continue;
        }
        let bad = |what: &str| {
            Err(format!(
                "gives {} no id that can be taken in line {}: {what}",
                name.unwrap_or(&number),
                index + 1
            ))
        };
        let numbers: Vec<_> = fields.map(str::parse::<u32>).collect();
        let [Ok(first), Ok(count)] = numbers[..] else {
            return bad("no two numbers follow the name");
        };
        let Some(last) = count.checked_sub(1).and_then(|more| first.checked_add(more)) else {
            return bad("it is no range of ids");
        };
        // Neither root's, which would have the host's own files be the sandbox's, nor the one that is mapped already.
        return match (first..=last).find(|id| ![0, own, u32::MAX].contains(id)) {
            Some(id) => Ok(id),
            None => bad("it is root's, or the user's own"),
        };
    }
    Err(format!("has no line of {}", name.unwrap_or(&number)))
}

/// Starts a program that maps one's own id to 0 and another's to what that is, in the namespace of process `pid`.
fn start(
    program: &'static str,
    pid: i32,
    own: u32,
    (inside, subordinate): (u32, u32),
) -> Result<(&'static str, Child)> {
    let numbers = [pid.unsigned_abs(), 0, own, 1, inside, subordinate, 1].map(|number| number.to_string());
    let mut command = Command::new(program);
    command.args(numbers).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().map(|child| (program, child)).context("run", || program)
}

/// Waits for the program's end.
fn finish((program, mut child): (&'static str, Child)) -> Result<()> {
    let said = child.stderr.take().map_or(Ok(Some(String::new())), |stderr| read_all(stderr, PATIENCE));
    if matches!(said, Ok(None) | Err(_)) {
        // It runs as root, but we started it, so it is ours to kill.
        let _ = child.kill();
    }
    let status = child.wait().context("wait for", || program)?;
    let refused = |why: String| Err(Error::new("map ids by", program, io::Error::other(why)));
    match said.context("hear from", || program)? {
        None => refused(format!("it does not end within {} s", PATIENCE.as_secs())),
        Some(_) if status.success() => Ok(()),
        Some(said) => refused(said.lines().next().map_or_else(|| status.to_string(), str::to_owned)),
    }
}

/// Reads to the end, which is where whoever writes ends; `None` where that takes too long.
fn read_all(mut from: ChildStderr, patience: Duration) -> io::Result<Option<String>> {
    let deadline = Instant::now() + patience;
    let (mut said, mut buffer) = (Vec::new(), [0; 512]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if !readable(from.as_fd(), Some(left))? {
            return Ok(None);
        }
        match from.read(&mut buffer) {
            Ok(0) => return Ok(Some(String::from_utf8_lossy(&said).into_owned())),
            Ok(count) => said.extend(&buffer[..count.min(4096_usize.saturating_sub(said.len()))]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_that_a_file_gives_is_found_or_why_there_is_none() {
        let bad = "gives alice no id that can be taken in line";
        for (text, wanted) in [
            ("bob:1:2\nalice:100000:65536\nalice:7:1\n", Ok(100_000)),
            ("1001:200000:1\n", Ok(200_000)),
            ("alice:0:2\n", Ok(1)),
            ("alice:1001:2\n", Ok(1002)),
            ("# none\n\nbad\n:::\nbob:x:y\nalice:9:1", Ok(9)),
            ("alice:9:1\r\n", Ok(9)),
            ("", Err("has no line of alice".to_owned())),
            ("alic:9:1\nalicea:9:1\n", Err("has no line of alice".to_owned())),
            ("bob:1:1\nalice:9\n", Err(format!("{bad} 2: no two numbers follow the name"))),
            ("alice:9:1:1\n", Err(format!("{bad} 1: no two numbers follow the name"))),
            ("alice:-9:1\n", Err(format!("{bad} 1: no two numbers follow the name"))),
            ("alice:4294967296:1\n", Err(format!("{bad} 1: no two numbers follow the name"))),
            ("alice:9:0\n", Err(format!("{bad} 1: it is no range of ids"))),
            ("alice:4294967295:9\n", Err(format!("{bad} 1: it is no range of ids"))),
            ("alice:4294967295:1\n", Err(format!("{bad} 1: it is root's, or the user's own"))),
            ("alice:0:1\n", Err(format!("{bad} 1: it is root's, or the user's own"))),
            ("alice:1001:1\n", Err(format!("{bad} 1: it is root's, or the user's own"))),
        ] {
            assert_eq!(first_of(text, Some("alice"), 1001, 1001), wanted, "{text:?}");
        }
        assert_eq!(first_of("\n:1:1\n", None, 7, 7), Err("has no line of 7".to_owned()));
    }

    #[test]
    fn a_user_s_name_is_the_first_of_his_number() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbad\nalice:x:1001:100::/:\ntwin:x:1001:100::/:\n";
        for (uid, name) in [(0, Some("root")), (1001, Some("alice")), (100, None)] {
            assert_eq!(name_of(uid, passwd).as_deref(), name);
        }
    }

    #[test]
    fn ids_that_others_have_are_not_offered() {
        for (texts, first) in [
            (["", ""], 100_000),
            (["alice:100000:65536\n", ""], 165_536),
            (["alice:100000:65536\nbob:231072:65536\n", "alice:100000:65536\n"], 296_608),
            (["bad\n:::\nalice:9:1\n", "alice:x:1\nbob:18446744073709551615:1\ncy:4294967296:1\n"], 100_000),
        ] {
            assert_eq!(unused(&texts.map(str::to_owned)), first..=first + 65_535, "{texts:?}");
        }
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let run = |program, pid, own, other| start(program, pid, own, other).and_then(finish);
        let error = run("nspawn_no_such_program", 1, 1, (1, 2)).unwrap_err();
        assert_eq!(error.to_string(), "cannot run nspawn_no_such_program");
        let error = run("false", 1, 1, (1, 2)).unwrap_err();
        assert_eq!(error.to_string(), "cannot map ids by false");
        assert_eq!(error.io().to_string(), "exit status: 1");
        assert!(run("true", 1, 1, (1, 2)).is_ok());
    }
}
