//! What is left of containers on this host, by a name that all of it bears.

use std::fs;
use std::path::Path;

/// Returns everything on this host that bears `tag`, and all state of containers below `root`.
pub fn of(tag: &str, root: &Path) -> Vec<String> {
    let mut left = processes(tag);
    left.extend(state(root));
    left.extend(groups(Path::new("/sys/fs/cgroup"), tag));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    left.extend(mounts.lines().filter(|line| line.contains(tag)).map(|line| format!("mount {line}")));
    left
}

/// Returns the living processes that have `tag` in their command line, as launchers have, or in a mount, as all have
/// that are in a container with a mapped directory.
pub fn processes(tag: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    pids.filter(|pid| *pid != own && pid.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|pid| {
            let holds = |file: &str| {
                let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                text.windows(tag.len()).any(|part| part == tag.as_bytes())
            };
            (holds("cmdline") || holds("mountinfo")) && !is_zombie(pid)
        })
        .map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("process {pid} {}", name.trim())
        })
        .collect()
}

fn is_zombie(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // "pid (name) state ...": the name may hold parentheses itself.
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// Returns the containers that the directories below `root` speak of.
pub fn state(root: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for directory in ["run", "data/scratch"] {
        let Ok(entries) = fs::read_dir(root.join(directory)) else { continue };
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        left.extend(
            names.filter(|name| name.starts_with("nspawn_")).map(|name| format!("file {directory}/{name}")),
        );
    }
    left
}

fn groups(directory: &Path, tag: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(directory) else { return found };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        match entry.file_name().to_string_lossy().contains(tag) {
            true => found.push(format!("control group {}", entry.path().display())),
            false => found.extend(groups(&entry.path(), tag)),
        }
    }
    found
}
