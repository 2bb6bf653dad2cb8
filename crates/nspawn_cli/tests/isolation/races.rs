//! I-05: directories that are swapped for links while containers are started. No link is followed out of where it lies,
//! nothing outside is changed, and each start ends well or says what is wrong.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, XattrFlags, renameat_with, setxattr};
use serde_json::{Value, json};

use crate::case::{Case, rows};
use crate::launcher::machine::is_made_for_tests;
use crate::launcher::programs::Target;
use crate::launcher::run::{Ran, run};
use crate::launcher::who::Who;
use crate::looks::Looks;
use crate::probe::Probe;

rows!(
    i05_the_mapped_directory,
    i05_the_directory_of_the_output,
    i05_the_directory_of_the_executable,
    i05_the_way_to_a_directory,
);

/// So many launchers run at once.
const AT_ONCE: usize = 4;

/// A directory that is swapped for a link beside it, and what may come of a start meanwhile.
struct Race<'a> {
    /// Below the place.
    swapped: &'a str,
    link: &'a str,
    executable: &'a str,
    changes: Value,
    /// Beside success.
    statuses: &'a [i32],
}

/// How often a container is started in each race; in all of them 2,000 times, native ones. A machine that is emulated
/// tries the same on its kernel.
fn starts(case: Case) -> usize {
    match (case.target, case.who) {
        (Target::Native, _) if is_made_for_tests() => 15,
        (Target::Windows, _) if is_made_for_tests() => 4,
        (Target::Native, Who::Root) => 400,
        (Target::Native, Who::Plain) => 100,
        (Target::Windows, _) => 20,
    }
}

/// What would be written, read or executed if a link were followed.
fn make_victim(victim: &Path, program: &str) {
    fs::create_dir_all(victim.join("deep")).unwrap();
    for (name, text) in [("kept", "kept"), (program, "no program"), ("out.txt", "")] {
        fs::write(victim.join(name), text).unwrap();
    }
    fs::set_permissions(victim.join("kept"), fs::Permissions::from_mode(0o604)).unwrap();
    // Not every file system has these.
    let _ = setxattr(victim.join("kept"), "user.nspawn", b"kept", XattrFlags::empty());
}

fn held(case: Case, race: impl FnOnce(&Probe) -> Race<'static>) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let Race { swapped, link, executable, mut changes, statuses } = race(&probe);
    let victim = probe.place.at("victim");
    make_victim(&victim, probe.program());
    let (directory, beside) = (probe.place.at(swapped), probe.place.at(&format!("{swapped}_link")));
    fs::create_dir_all(&directory).unwrap();
    symlink(link, &beside).unwrap();
    changes["process_arguments"] = json!(["network"]);
    changes["services"] = json!("none");
    probe.place.configure(executable, changes);
    // Once undisturbed: it gives all that lies here to who starts it.
    let launcher = probe.launcher();
    run(&mut probe.launcher()).succeeded();
    let before = Looks::of([victim.clone()]);

    let (stop, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let start = || {
        let mut ended = Vec::new();
        while next.fetch_add(1, Ordering::Relaxed) < starts(case) {
            let mut launcher = copy_of(&launcher);
            ended.push(run(launcher.arg("--quiet")));
        }
        ended
    };
    let ended: Vec<Ran> = thread::scope(|scope| {
        scope.spawn(|| swap(&directory, &beside, &stop));
        let starters: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(start)).collect();
        let ended = starters.into_iter().flat_map(|starter| starter.join().unwrap()).collect();
        stop.store(true, Ordering::Relaxed);
        ended
    });

    assert!(Looks::of([victim]) == before, "a link was followed");
    let mounted = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounted.contains(probe.place.at("").to_str().unwrap()), "{mounted}");
    let well = |ran: &Ran| ran.status == Some(0) && ran.stderr.is_empty();
    for ran in ended.iter().filter(|ran| !well(ran)) {
        let errors = ran.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(errors == 1 && ran.status.is_some_and(|status| statuses.contains(&status)), "{ran:?}");
    }
    let good = ended.iter().filter(|ran| well(ran)).count();
    // A few may all come at the same moment of it.
    let raced = (1..ended.len()).contains(&good) || is_made_for_tests();
    assert!(raced, "{good} of {} ran: there was no race", ended.len());
}

fn copy_of(command: &std::process::Command) -> std::process::Command {
    let mut copy = std::process::Command::new(command.get_program());
    copy.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => copy.env(name, value),
            None => copy.env_remove(name),
        };
    }
    copy
}

/// Swaps a directory and a link until it is told to stop; the directory stands there at the end, and for a while
/// at a time.
fn swap(directory: &Path, link: &Path, stop: &AtomicBool) {
    let exchange = || renameat_with(CWD, directory, CWD, link, RenameFlags::EXCHANGE).unwrap();
    for pause in (0..8).map(|step| Duration::from_micros(1 << (3 + step))).cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        exchange();
        thread::sleep(pause / 2);
        exchange();
        thread::sleep(pause * 2);
    }
}

/// Swapped for a link to where containers are kept, which is never mapped.
fn i05_the_mapped_directory(case: Case) {
    held(case, |probe| Race {
        swapped: "work",
        link: "root/data",
        executable: probe.program(),
        changes: json!({}),
        statuses: &[125],
    });
}

fn i05_the_directory_of_the_output(case: Case) {
    held(case, |probe| Race {
        swapped: "work/logs",
        link: "../victim",
        executable: probe.program(),
        changes: json!({"stdout_filename": "logs/out.txt"}),
        statuses: &[125],
    });
}

/// The container's own kernel looks the name up, too: then it is not there.
fn i05_the_directory_of_the_executable(case: Case) {
    held(case, |probe| {
        let name = probe.program();
        probe.place.put(&probe.place.work().join(name), &format!("bin/{name}"));
        let executable = match case.target {
            Target::Native => "bin/probe",
            Target::Windows => "bin/probe.exe",
        };
        Race {
            swapped: "work/bin",
            link: "../victim",
            executable,
            changes: json!({}),
            statuses: &[125, 126, 127],
        }
    });
}

/// As the first, but above the directory that is mapped.
fn i05_the_way_to_a_directory(case: Case) {
    held(case, |probe| {
        fs::create_dir_all(probe.place.at("way/data")).unwrap();
        let mount = json!({"source": probe.place.at("way/data"), "destination": "C:/more"});
        Race {
            swapped: "way",
            link: "root",
            executable: probe.program(),
            changes: json!({"mounts": [mount]}),
            statuses: &[125],
        }
    });
}

/// What is mapped into a layer's directory needs a place there, which is made in the scratch layer.
fn i05_what_is_mapped_into_a_layer(case: Case) {
    held(case, |probe| {
        for directory in ["layer/Files/inner", "source"] {
            fs::create_dir_all(probe.place.at(directory)).unwrap();
        }
        let mount = json!({"source": probe.place.at("source"), "destination": "C:/inner/made/deep"});
        Race {
            swapped: "layer/Files/inner",
            link: "../../victim",
            executable: probe.program(),
            changes: json!({"parent_layer_directory": probe.place.at("layer"), "mounts": [mount]}),
            statuses: &[125],
        }
    });
}

/// Native programs have no layers.
#[test]
fn i05_what_is_mapped_into_a_layer_of_root() {
    let name = "races::i05_what_is_mapped_into_a_layer_of_root";
    i05_what_is_mapped_into_a_layer(Case { name, target: Target::Windows, who: Who::Root });
}

#[test]
fn i05_what_is_mapped_into_a_layer_of_a_plain_user() {
    let name = "races::i05_what_is_mapped_into_a_layer_of_a_plain_user";
    i05_what_is_mapped_into_a_layer(Case { name, target: Target::Windows, who: Who::Plain });
}
