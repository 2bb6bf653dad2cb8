//! What `doctor` says where the host lets no container run: that something is missing, and with its exit status that
//! nothing goes there; and no such thing where containers run.

use crate::case::Case;
use crate::launcher::machine::Need;
use crate::launcher::run::Ran;
use crate::start::Start;
use crate::table::{Comes, Lack, TABLE};

/// What is asked does not depend on the program.
pub mod native {
    pub mod root {
        crate::case::row!(what_keeps_all_containers_from_running_is_said, Native, Root);
    }
    pub mod plain {
        crate::case::row!(what_keeps_all_containers_from_running_is_said, Native, Plain);
    }
}

/// Rows of the table in which it is the program, its directory or its output that is refused: the host has all.
const OF_ONE_CONTAINER: [&str; 4] = [
    "no mount_setattr for what is root's",
    "programs on noexec",
    "no room for the output's file",
    "no idmapped mounts of what is root's",
];

fn what_keeps_all_containers_from_running_is_said(case: Case) {
    if !case.is_possible(&[Need::Root, Need::Unshare]) {
        return;
    }
    for name in OF_ONE_CONTAINER {
        assert!(TABLE.iter().any(|lack| lack.name == name), "no row: {name}");
    }
    let wrong: Vec<String> =
        TABLE.iter().filter(|lack| lack.is_for(case)).filter_map(|lack| try_it(case, lack)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Returns what is wrong, if something is.
fn try_it(case: Case, lack: &Lack) -> Option<String> {
    let start = Start::new(case);
    let ran = start.ask_doctor(lack);
    let left = start.left();
    let is_refused = matches!(lack.comes, Comes::Refused(_)) && !OF_ONE_CONTAINER.contains(&lack.name);
    let as_said = if is_refused { says_missing(&ran) } else { ran.status == Some(0) };
    (!as_said || !left.is_empty()).then(|| format!("{}: left {left:?}, {ran:?}", lack.name))
}

fn says_missing(ran: &Ran) -> bool {
    ran.status == Some(125) && ran.text().lines().any(|line| line.starts_with("missing"))
}
