//! I-02: what of the host's files a container's root holds. All of it, not a choice of paths that must be absent.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use crate::case::{Case, rows};
use crate::launcher::machine::{has_part_32, skip, wine};
use crate::launcher::programs::Target;
use crate::launcher::run::run;
use crate::probe::{EACCES, ENOENT, Probe, assert_all, results};

rows!(i02_the_root_holds_this_and_no_more, i02_of_the_host_s_devices_only_processors_are_seen);

/// Returns what is in each of these directories.
fn listed<const N: usize>(probe: &Probe, directories: [&str; N]) -> [BTreeSet<String>; N] {
    let ran = probe.run(json!({}), &[&["list"], directories.as_slice()].concat());
    let entries = ran.told("entry");
    directories.map(|directory| {
        let within = entries.iter().filter_map(|line| line.strip_prefix(directory)?.strip_prefix(' '));
        within.map(str::to_owned).collect()
    })
}

fn names(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

fn i02_the_root_holds_this_and_no_more(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let common = "dev etc home proc sys tmp";
    match case.target {
        Target::Native => assert_eq!(listed(&probe, ["/"]), [names(&format!("{common} work"))]),
        Target::Windows => {
            let loader = wine().unwrap()[0].clone();
            if loader != Path::new("/usr/lib/wine/wine64") {
                return skip(case.name, "Wine is not where Debian has it");
            }
            let (part_32, loader_32) =
                if has_part_32() { ("i386-linux-gnu ", "wine ") } else { Default::default() };
            let known = [
                ("/", format!("{common} lib lib64 run usr wine")),
                ("/run", "nspawn".to_owned()),
                ("/usr", "lib share".to_owned()),
                ("/usr/lib", format!("{part_32}locale wine x86_64-linux-gnu")),
                ("/usr/lib/locale", "C.utf8".to_owned()),
                ("/usr/lib/wine", format!("{loader_32}wine64 wineserver wineserver64")),
                ("/usr/lib/x86_64-linux-gnu", "wine".to_owned()),
                ("/usr/share", "wine".to_owned()),
            ];
            let [libraries, mut libraries_32] = listed(&probe, ["/lib64", "/lib"]);
            let seen = listed(&probe, known.each_ref().map(|(directory, _)| *directory));
            for ((directory, holds), seen) in known.iter().zip(seen) {
                assert_eq!(seen, names(holds), "{directory}");
            }
            check_libraries(&libraries);
            assert!(libraries_32.remove("x86_64-linux-gnu"), "{libraries_32:?}");
            match has_part_32() {
                true => check_libraries(&libraries_32),
                false => assert_eq!(libraries_32, names("")),
            }
        }
    }
}

fn check_libraries(libraries: &BTreeSet<String>) {
    let is_needless =
        |name: &String| ["libX11", "libLLVM", "libGL", "libpulse"].iter().any(|n| name.starts_with(n));
    assert!(libraries.contains("libc.so.6") && !libraries.iter().any(is_needless), "{libraries:?}");
    assert!(libraries.iter().all(|name| name.contains(".so.")) && libraries.len() < 60, "{libraries:?}");
}

fn i02_of_the_host_s_devices_only_processors_are_seen(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let processors = "/sys/devices/system/cpu";
    let directories = ["/sys", "/sys/devices", "/sys/devices/system", processors];
    let [sys, devices, system, seen] = listed(&probe, directories);
    assert_eq!([sys, devices, system], ["devices", "system", "cpu"].map(names));
    assert!(seen.contains("cpu0"), "{seen:?}");
    assert_eq!(listed(&probe, ["/sys/devices/system/cpu/vulnerabilities"]), [names("")]);
}

/// Programs and texts that every host has in /usr.
const OF_USR: [&str; 9] = [
    "/bin/sh",
    "/usr/bin/env",
    "/usr/bin",
    "/usr/sbin",
    "/usr/share/doc",
    "/usr/lib/python3",
    "/usr/lib/os-release",
    "/usr/local",
    "/etc/ld.so.cache",
];

#[test]
fn i02_programs_of_the_host_are_not_there() {
    let name = "root::i02_programs_of_the_host_are_not_there";
    if let Some(probe) = Probe::ready(Case::of_root(name, Target::Windows), &[]) {
        let ran = probe.run(json!({}), &[&["read"], OF_USR.as_slice()].concat());
        assert_all(&ran, "read", OF_USR.len(), &[ENOENT, EACCES]);
    }
    if let Some(probe) = Probe::of_windows(name, &[]) {
        let paths = OF_USR.map(|path| format!(r"\\?\unix{}", path.replace('/', r"\")));
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let ran = probe.run(json!({}), &[&["open"], paths.as_slice()].concat());
        let told = results(&ran, "open");
        assert!(told.len() == paths.len() && told.iter().all(|(error, _)| *error != 0), "{told:?}");
    }
}

/// Makes the base layer of a root of its own one with which Wine starts sessions, as where the agent's way fails.
#[test]
fn a_base_layer_of_stock_start_up_runs_programs() {
    let name = "root::a_base_layer_of_stock_start_up_runs_programs";
    let Some(probe) = Probe::of_windows(name, &[]) else { return };
    // The shared root has one, which is copied.
    probe.run(json!({}), &["drives"]);
    let (bases, own) = (probe.root().join("data/base"), probe.place.root().join("data/base"));
    fs::create_dir_all(own.parent().unwrap()).unwrap();
    let copied = std::process::Command::new("cp").arg("-a").args([&bases, &own]).status().unwrap();
    assert!(copied.success());
    for entry in fs::read_dir(&own).unwrap() {
        let layer = entry.unwrap().path();
        if layer.is_dir() {
            let system = layer.join("drive_c/windows/system32");
            let dlls = fs::read_link(system.join("kernel32.dll")).unwrap();
            fs::remove_file(system.join("wineboot.exe")).unwrap();
            symlink(dlls.with_file_name("wineboot.exe"), system.join("wineboot.exe")).unwrap();
            fs::write(layer.join("stock_start_up"), "as the test says").unwrap();
        }
    }
    probe.configure(json!({"environment": {"GIVEN": "to the program"}}), &["environment"]);
    let ran = run(&mut probe.place.launcher(&probe.place.root())).succeeded();
    let variables = ran.told("variable");
    assert!(variables.contains(&"GIVEN=to the program".to_owned()), "{variables:?}");
    // Wine's services have started, though none were asked for.
    probe.configure(json!({"services": "none"}), &["drives"]);
    let ran = run(&mut probe.place.launcher(&probe.place.root())).succeeded();
    assert_eq!(results(&ran, "drives")[0].0, 1 << 2, "{ran:?}");
}
