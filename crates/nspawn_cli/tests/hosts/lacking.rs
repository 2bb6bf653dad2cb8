//! Tries each row of the table.

use std::collections::BTreeSet;

use crate::case::{Case, rows};
use crate::launcher::machine::Need;
use crate::launcher::run::Ran;
use crate::start::Start;
use crate::table::{Comes, Kernel, Lack, TABLE};

rows!(what_lacks_is_named_and_no_wall_is_left_out);

fn what_lacks_is_named_and_no_wall_is_left_out(case: Case) {
    if !case.is_possible(&[Need::Root, Need::Unshare]) {
        return;
    }
    let ran = Start::new(case).run(&NOTHING);
    assert!(has_all_walls(&ran), "{ran:?}");
    let walls = walls(&ran, &NOTHING);
    let of_case = TABLE.iter().filter(|lack| lack.is_for(case));
    let wrong: Vec<String> = of_case.filter_map(|lack| try_it(case, lack, &walls)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A host that lacks nothing: its walls are those of all.
const NOTHING: Lack = Lack {
    name: "nothing",
    preparation: "",
    kernel: Kernel::Whole,
    config: "{}",
    only: (None, None),
    comes: Comes::Runs,
};

/// Returns what is wrong, if something is.
fn try_it(case: Case, lack: &Lack, wanted: &BTreeSet<String>) -> Option<String> {
    if matches!(lack.kernel, Kernel::Overlays) && !case.is_possible(&[Need::Strace]) {
        return None;
    }
    let start = Start::new(case);
    let ran = start.run(lack);
    let left = start.left();
    let as_said = match lack.comes {
        Comes::Refused(texts) => is_refused(&ran, texts),
        Comes::Runs => has_all_walls(&ran),
        Comes::RunsAndTells(text) => {
            has_all_walls(&ran) && start.place.report()["shortfall"].to_string().contains(text)
        }
    };
    let runs = !matches!(lack.comes, Comes::Refused(_));
    let others = if runs { others(&walls(&ran, lack), wanted) } else { Vec::new() };
    let is_right = as_said && left.is_empty() && others.is_empty();
    (!is_right).then(|| format!("{}: left {left:?}, other walls {others:?}, {ran:?}", lack.name))
}

/// One line says what and why, before anything runs.
fn is_refused(ran: &Ran, texts: &[&str]) -> bool {
    let errors: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    let rest = ran.stderr.lines().skip_while(|line| !line.starts_with("error: "));
    matches!(ran.status, Some(125 | 126))
        && ran.stdout.is_empty()
        && errors.len() == 1
        && rest.skip(1).all(|line| line.starts_with("hint: "))
        && texts.iter().all(|text| ran.stderr.contains(text))
}

/// What the program tells of all that it sees: no capability, no way to new ones, a filter.
fn has_all_walls(ran: &Ran) -> bool {
    let told = ran.told("status");
    let processes = ran.told("process").len();
    let all = |key: &str, value: &str| {
        told.iter().filter(|line| line.ends_with(&format!(" {key}:\t{value}"))).count() == processes
    };
    let zero = "0000000000000000";
    ran.status == Some(0)
        && processes >= 2
        && ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].iter().all(|key| all(key, zero))
        && all("NoNewPrivs", "1")
        && all("Seccomp", "2")
        // EROFS of asm-generic/errno-base.h.
        && ran.told("write") == ["-30 /x"]
}

/// Returns in what these walls are not those wanted. What the host lets nobody execute may be a program's wall, too.
fn others(walls: &BTreeSet<String>, wanted: &BTreeSet<String>) -> Vec<String> {
    let more = walls.difference(wanted).filter(|wall| !wall.ends_with(" noexec"));
    more.chain(wanted.difference(walls)).cloned().collect()
}

/// Returns what the program tells of its walls, as it is wherever they are the same.
fn walls(ran: &Ran, lack: &Lack) -> BTreeSet<String> {
    let ids = ["uid_map", "gid_map"].map(|key| ran.told(key).iter().map(|line| mapped(line, lack)).collect());
    [credentials(ran, lack), mounts(ran), files(ran)].into_iter().chain(ids).flatten().collect()
}

/// Of whom processes are, and how many filters hold them: the host's own, by which it lacks calls, is none of ours.
fn credentials(ran: &Ran, lack: &Lack) -> Vec<String> {
    let of_host = usize::from(matches!(lack.kernel, Kernel::Calls(_)));
    let told = ran.told("status");
    let lines = told.iter().filter_map(|line| line.split_once(' ')?.1.split_once(":\t"));
    let walls = lines.filter_map(|(key, value)| match key {
        "Uid" | "Gid" | "Groups" => Some(format!("{key} {value}")),
        "Seccomp_filters" => Some(format!("{} filters", value.parse::<usize>().unwrap() - of_host)),
        _ => None,
    });
    walls.collect()
}

/// What is mounted where, and what each mount keeps from whom uses it.
fn mounts(ran: &Ran) -> Vec<String> {
    let told = ran.told("mount");
    // proc_pid_mountinfo(5): the fifth is where, the sixth how.
    let mounts = told.iter().map(|line| line.split(' ').skip(4)).map(|mut line| (line.next(), line.next()));
    let walls = mounts.flat_map(|(point, options)| {
        let options = options.unwrap().split(',');
        let walls = options.filter(|option| ["ro", "nosuid", "nodev", "noexec"].contains(option));
        walls.chain([""]).map(move |wall| format!("{} {wall}", point.unwrap()))
    });
    walls.collect()
}

/// What the program holds open, and how much: not of which number.
fn files(ran: &Ran) -> Vec<String> {
    let told = ran.told("file");
    let files: Vec<_> = told.iter().filter_map(|line| line.split_once("/fd ")).collect();
    let is_own = |pid: &str| files.iter().any(|(of, link)| *of == pid && *link == format!("/proc/{pid}/fd"));
    let own = files.iter().filter(|(pid, _)| is_own(pid));
    let links: Vec<String> = own.map(|(_, link)| link.replace(|c: char| c.is_ascii_digit(), "")).collect();
    let count = format!("{} files", links.len());
    links.into_iter().chain([count]).collect()
}

/// Who a user of the container is on the host: an id of its own, unless he is root or who owns what is mapped, which the
/// report may tell.
fn mapped(line: &str, lack: &Lack) -> String {
    let [inside, host, count] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
    let is_told = matches!(lack.comes, Comes::RunsAndTells(_)) && host == "12345";
    let host = if host == "0" || (host == "12345" && !is_told) { host } else { "its own" };
    format!("{inside} is {host}, {count}")
}
