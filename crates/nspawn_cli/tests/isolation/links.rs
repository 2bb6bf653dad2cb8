//! I-03, I-04, K-05 and L-07: links in the place of what is mapped, written or removed, and files of the kernel.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::case::{Case, rows};
use crate::launcher::programs::Target;
use crate::launcher::run::run;
use crate::looks::Looks;
use crate::probe::{EACCES, ENOENT, EPERM, Probe, assert_all, results};

rows!(
    i03_what_is_masked_tells_nothing,
    i04_proc_is_the_kernel_s,
    i04_nothing_is_mapped_over_or_from_the_kernel_s_files,
    k05_what_is_removed_is_no_link_s_target,
    l07_the_output_is_written_through_no_link,
);

fn i03_what_is_masked_tells_nothing(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let files = ["kcore", "keys", "interrupts", "timer_list", "sched_debug", "latency_stats"]
        .map(|file| format!("/proc/{file}"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let ran = probe.run(json!({}), &[&["cat"], files.as_slice()].concat());
    assert_eq!(ran.told("line"), [""; 0]);
    // The masks are the null device itself: what is written to it is gone.
    let ran = probe.run(json!({}), &["read", "/proc/acpi/wakeup", "/proc/scsi/scsi", "/proc/asound/cards"]);
    assert_all(&ran, "read", 3, &[ENOENT, EACCES, EPERM]);
}

fn i04_proc_is_the_kernel_s(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    // PROC_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, TMPFS_MAGIC of linux/magic.h.
    let kinds = [("/proc", 0x9fa0), ("/dev/pts", 0x1cd1), ("/dev", 0x0102_1994), ("/", 0x0102_1994)];
    let ran = probe.run(json!({}), &["type", kinds[0].0, kinds[1].0, kinds[2].0, kinds[3].0]);
    let told = results(&ran, "type");
    assert_eq!(told, kinds.map(|(path, kind)| (kind, path.to_owned())));
}

fn i04_nothing_is_mapped_over_or_from_the_kernel_s_files(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let source = probe.place.at("source");
    fs::create_dir(&source).unwrap();
    let link = probe.place.at("link");
    let refused = |source: &str, destination: &str| {
        let mount = json!({"source": source, "destination": destination});
        probe.configure(json!({"mounts": [mount]}), &["network"]);
        let ran = run(&mut probe.launcher());
        let errors = ran.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(ran.status == Some(125) && errors == 1, "{source} to {destination}: {ran:?}");
    };
    for kernel in ["/proc", "/proc/self", "/proc/1/root", "/sys", "/sys/fs/cgroup", "/dev", "/dev/pts", "/"] {
        refused(kernel, "C:/data");
        symlink(kernel, &link).unwrap();
        refused(link.to_str().unwrap(), "C:/data");
        fs::remove_file(&link).unwrap();
    }
    let over: &[&str] = match case.target {
        Target::Native => &["C:/proc", "C:/proc/self", "C:/sys", "C:/dev", "C:/dev/null", "C:/etc", "C:/"],
        Target::Windows => &["C:/", "C:/windows", "C:/windows/system32"],
    };
    for destination in over {
        refused(source.to_str().unwrap(), destination);
    }
}

/// What a killed launcher left, in which links have been put since.
fn k05_what_is_removed_is_no_link_s_target(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let victim = probe.place.at("victim");
    fs::create_dir_all(victim.join("deep")).unwrap();
    fs::write(victim.join("deep/kept"), "kept").unwrap();
    let root = probe.place.root();
    for left in ["data/scratch/nspawn_left/up/a", "data/base/wine_x.partial/a", "run/nspawn_left"] {
        fs::create_dir_all(root.join(left)).unwrap();
        symlink(&victim, root.join(left).join("link")).unwrap();
    }
    symlink(&victim, root.join("data/scratch/nspawn_link")).unwrap();
    symlink(&victim, root.join("run/nspawn_link")).unwrap();
    fs::write(root.join("data/base/lock"), "").unwrap();
    probe.place.own_state();
    probe.configure(json!({}), &["network"]);
    // Gives the rest to who starts it.
    let _launcher = probe.launcher();
    let before = Looks::of([victim.clone()]);
    let ran = run(probe.place.ours().arg("--root").arg(&root).arg("gc"));
    assert!(Looks::of([victim]) == before, "a link was followed: {ran:?}");
    assert!(!root.join("data/scratch/nspawn_left").exists(), "{ran:?}");
}

fn l07_the_output_is_written_through_no_link(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let (work, victim) = (probe.place.work(), probe.place.at("victim"));
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("file"), "kept").unwrap();
    symlink("../victim/file", work.join("link")).unwrap();
    symlink("../victim/new", work.join("dangling")).unwrap();
    symlink("../victim", work.join("way")).unwrap();
    symlink("/proc/self/fd/1", work.join("magic")).unwrap();
    fs::hard_link(victim.join("file"), work.join("second")).unwrap();
    let mut before = None;
    for name in ["link", "dangling", "way/file", "way/new", "magic", "second", "way/../new"] {
        probe.configure(json!({"stdout_filename": name}), &["network"]);
        let mut launcher = probe.launcher();
        let looks = before.get_or_insert_with(|| Looks::of([victim.clone()]));
        let ran = run(&mut launcher);
        assert!(ran.status == Some(125) && ran.stderr.contains("error: "), "{name}: {ran:?}");
        assert!(Looks::of([victim.clone()]) == *looks, "{name}: a link was followed");
    }
}
