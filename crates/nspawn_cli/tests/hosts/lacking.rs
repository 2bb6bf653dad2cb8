//! Tries each row of the table.

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
    let wrong: Vec<String> =
        TABLE.iter().filter(|lack| lack.is_for(case)).filter_map(|lack| try_it(case, lack)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Returns what is wrong, if something is.
fn try_it(case: Case, lack: &Lack) -> Option<String> {
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
    (!as_said || !left.is_empty()).then(|| format!("{}: left {left:?}, {ran:?}", lack.name))
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
}
