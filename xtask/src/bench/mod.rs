//! `cargo xtask bench start`: time and memory of starting containers, beside bare Wine, bubblewrap and runc.

mod filters;
pub mod hcs;
mod machine;
mod measure;
mod memory;
mod peers;
mod subjects;
mod table;
mod usage;

use std::path::Path;

use anyhow::{Result, bail};

use crate::packages;
use crate::shell::{self, Root};
use measure::{Contender, Load, duel};
use peers::Walls;
use subjects::{Job, Limits, Subjects};
use table::Outcome;

const MIB: u64 = 1 << 20;

/// A measure of time against a peer.
struct Race {
    measure: &'static str,
    ours: Contender,
    against: &'static str,
    peer: Contender,
    load: Load,
    goal: f64,
    rounds: usize,
}

/// Installs the peers, builds the launcher and what it starts, measures, and prints a Markdown table.
///
/// # Errors
/// Something that all rows need is missing, or a row could not be measured; the table is printed all the same then.
pub fn start() -> Result<()> {
    if *Root::find() != Root::Ourselves {
        bail!("measuring starts containers itself, not through sudo: run it as root");
    }
    let needed = [packages::WINE.as_slice(), &packages::PIP, &packages::MINGW, &packages::PEERS].concat();
    let missing = packages::install(&needed);
    if !missing.is_empty() {
        bail!("cannot measure without {}", missing.join(" "));
    }
    let launcher = crate::launcher::build()?;
    let directory = shell::target_directory()?.join("nspawn/bench");
    let subjects = Subjects::prepare(directory.clone(), launcher)?;

    // Told before, as the load of the machine is part of it.
    let machine = machine::description()?;
    let mut rows = Vec::new();
    for race in races(&subjects, &directory)? {
        println!("measuring {}", race.measure);
        rows.push((race.measure, run(&race)));
    }
    println!("measuring memory");
    let resident = memory::launcher_and_pid_1(&subjects);
    rows.push(("launcher and pid 1, peak resident", bytes(resident, 6 * MIB)));
    let peak = memory::cgroup_peak(&subjects);
    rows.push(("cgroup peak, small Windows program, services none", bytes(peak, 15 * MIB)));

    println!("\n{machine}\n\n{}", table::table(&rows));
    if rows.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed(_))) {
        bail!("not everything could be measured");
    }
    Ok(())
}

fn races(subjects: &Subjects, directory: &Path) -> Result<Vec<Race>> {
    let wine = peers::Wine::prepare(directory.join("prefix"))?;
    let native = subjects.native_directory();
    let limited = peers::Runc::prepare(directory.join("runc-limited"), &native, Limits::Some)?;
    let free = peers::Runc::prepare(directory.join("runc-free"), &native, Limits::None)?;
    let race = |measure, ours, (against, peer), load, goal, rounds| Race {
        measure,
        ours,
        against,
        peer,
        load,
        goal,
        rounds,
    };
    let (single, crowd) = (Load::Single, Load::Parallel(100));
    let bare = |program| ("bare Wine", wine.contender(program));
    Ok(vec![
        race(
            "small Windows console program, fresh container, services async",
            subjects.contender(Job::Hello, Limits::None)?,
            bare(vec![subjects.hello().into()]),
            single,
            0.25,
            15,
        ),
        race(
            "java.exe -version, fresh container",
            subjects.contender(Job::Java, Limits::None)?,
            bare(vec![subjects.java().into(), "-version".into()]),
            single,
            0.75,
            9,
        ),
        race(
            "static native program, fresh container, no limits",
            subjects.contender(Job::Native, Limits::None)?,
            ("bubblewrap", peers::bubblewrap(&native, Walls::Plain)?),
            single,
            1.0,
            41,
        ),
        race(
            "the same, the peer with our filters and a user namespace, as ours",
            subjects.contender(Job::Native, Limits::None)?,
            ("bubblewrap", peers::bubblewrap(&native, Walls::Like)?),
            single,
            1.1,
            41,
        ),
        race(
            "same with memory and CPU limits",
            subjects.contender(Job::Native, Limits::Some)?,
            ("runc", limited.contender()),
            single,
            0.7,
            21,
        ),
        race(
            "100 starts in parallel (native)",
            subjects.contender(Job::Native, Limits::None)?,
            ("runc", free.contender()),
            crowd,
            1.0,
            5,
        ),
    ])
}

fn run(race: &Race) -> Outcome {
    match duel(&race.ours, &race.peer, race.load, race.rounds) {
        Ok((ours, peer)) => Outcome::Ratio { ours, peer, against: race.against, goal: race.goal },
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}

fn bytes(measured: Result<u64>, goal: u64) -> Outcome {
    match measured {
        Ok(ours) => Outcome::Bytes { ours, goal },
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}
