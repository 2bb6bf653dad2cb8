//! Fuzz targets of this crate: what users, images, the host and the contained program write. Each takes any bytes, and
//! panics where the crate does, or does not hold what it promises. Not part of any build for users.

use std::path::Path;

use crate::cmdline::{parse_command_line_to_argv, parse_crt, quote};
use crate::error::{Error, Result};
use crate::names::{self, Match};
use crate::paths::{ContainerPath, RelativePath, host_path};
use crate::program::{Machine, inspect};
use crate::spec::{ContainerId, ContainerName, Hostname, UserName};

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

pub use crate::config::fuzzing::config_json;
pub use crate::engine::fuzzing::{file_versions, service_answers};
pub use crate::engine::linux::fuzzing::{
    agent_notes, elf_libraries, host_mounts, layer_chains, layer_names, loader_caches,
};

/// Checks that an error says something, on one line that no terminal takes for an order.
pub(crate) fn is_told_well(error: &Error) {
    let line = error.one_line();
    assert!(!line.trim().is_empty() && !line.contains(char::is_control), "{line:?}");
}

fn told_well<T>(judged: Result<T>) -> Option<T> {
    judged.inspect_err(is_told_well).ok()
}

/// Command lines: what is quoted is split again into the same by both ways, and those agree on any line in which no
/// two marks stand together. The arguments are the lines of the text.
pub fn command_lines(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let args: Vec<&str> = text.split('\n').collect();
    if let Some(line) = told_well(quote(args.iter().copied())) {
        assert_eq!(parse_crt(&line), args, "{line}");
        assert_eq!(parse_command_line_to_argv(&line), args, "{line}");
    }
    let letters = |words: &[String]| words.iter().map(String::len).sum::<usize>();
    for words in [parse_crt(&text), parse_command_line_to_argv(&text)] {
        assert!(letters(&words) <= text.len(), "{words:?}");
    }
    let line = format!("p {}", text.replace('"', "\"x"));
    assert_eq!(parse_crt(&line), parse_command_line_to_argv(&line), "{line}");
}

/// Paths: what is taken has plain names alone, reads the same with either separator and once more as it is printed.
pub fn paths(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let turned = text.replace('\\', "/");
    if let Some(path) = told_well(ContainerPath::parse_any("key", &text)) {
        are_plain(path.components());
        assert_eq!(ContainerPath::parse_any("key", &path.to_string()).as_ref().ok(), Some(&path));
        assert_eq!(ContainerPath::parse_any("key", &turned).as_ref().ok(), Some(&path));
    }
    if let Some(path) = told_well(ContainerPath::parse("key", &text)) {
        assert!(path.folded().first().is_some_and(|first| first != "WINDOWS"), "{path}");
        assert_eq!(ContainerPath::parse("key", &path.to_string()).ok(), Some(path));
    }
    if let Some(path) = told_well(RelativePath::parse("key", &text)) {
        are_plain(path.components());
        assert_eq!(RelativePath::parse("key", &path.to_string()).as_ref().ok(), Some(&path));
        assert_eq!(RelativePath::parse("key", &turned).ok(), Some(path));
    }
    if let Some(path) = told_well(host_path("key", &text, Path::new("/etc/app"), &["/var/own".into()])) {
        let clean = path.to_str().expect("UTF-8");
        assert!(
            clean.starts_with('/') && clean.split('/').skip(1).all(|name| !matches!(name, "" | "." | ".."))
        );
        assert!(!["/proc", "/sys", "/dev", "/var/own"].iter().any(|kept| path.starts_with(kept)), "{clean}");
        assert_eq!(host_path("key", clean, Path::new("/other"), &[]).as_ref().ok(), Some(&path));
    }
}

fn are_plain(components: &[String]) {
    for name in components {
        assert!(!matches!(&**name, "" | "." | "..") && !name.contains(['/', '\\', ':', '\0']), "{name:?}");
        assert_eq!(names::check(name), Ok(()));
    }
}

/// Names: a line each. Folding is done at once, and what Windows compares as one is one to it; who has an id is asked
/// once more by it.
pub fn file_names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let all: Vec<&str> = text.lines().take(16).collect();
    for name in &all {
        let folded = names::fold(name);
        assert_eq!(names::fold(&folded), folded);
        assert_eq!(folded.chars().count(), name.chars().count());
        assert_eq!(names::is_device(name), names::is_device(&folded), "{name:?}");
        assert!(names::check(name).is_err() || !names::is_device(name), "{name:?}");
        let same = all.iter().filter(|other| names::fold(other) == folded).count();
        match names::find(&folded, all.iter().copied()) {
            Match::None => panic!("{name:?} is not found among {all:?}"),
            Match::One(found) => assert_eq!((names::fold(found), same), (folded, 1)),
            Match::Ambiguous(..) => assert!(same > 1, "{name:?} is alone in {all:?}"),
        }
        if let Some(given) = told_well(ContainerName::parse(name)) {
            let id = ContainerId::named(&given);
            assert_eq!(ContainerId::parse(id.as_str()), Some(id));
        }
        assert!(
            ContainerId::parse(name).is_none_or(|id| id.as_str() == *name && !name.contains(['/', '\0']))
        );
        assert!(told_well(Hostname::parse(name)).is_none_or(|host| host.as_str() == *name));
        assert!(told_well(UserName::parse(name)).is_none_or(|user| user.as_str() == *name));
    }
}

/// Heads of programs: the verdict depends neither on what follows the headers nor, where it is good, on the host.
pub fn programs(bytes: &[u8]) {
    let size = bytes.len() as u64;
    let judged = inspect(bytes, size, "a.exe", Machine::X64);
    if let Err(error) = &judged {
        is_told_well(error);
        return;
    }
    let program = judged.expect("judged well");
    assert_eq!(inspect(bytes, size, "a.exe", Machine::X64AndX86).expect("no less is run there"), program);
    let longer = [bytes, &[0xFF; 16]].concat();
    assert_eq!(inspect(&longer, size + 16, "a.exe", Machine::X64).expect("headers alone count"), program);
}

#[cfg(test)]
mod tests {
    super::replay::replayed!(
        agent_notes,
        command_lines,
        config_json,
        elf_libraries,
        file_names,
        file_versions,
        host_mounts,
        layer_chains,
        layer_names,
        loader_caches,
        paths,
        programs,
        service_answers,
    );
}
