//! Fuzz targets of this crate: what the kernel, the host's files, systemd and pid 1 say. Each takes any bytes, and
//! panics where the crate does, or does not hold what it promises. Not part of any build for users.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::message::Message;
use crate::mount_line::{MountLine, mount_text};
use crate::subordinate::{first_of, name_of};
use crate::texts::Texts;

pub use crate::cgroup::fuzzing::{control_files, control_groups, systemd_answers};

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

/// Messages of pid 1: what is read is written alike.
pub fn messages(bytes: &[u8]) {
    if let Some(message) = Message::decode(bytes) {
        let encoded = message.encode();
        assert_eq!(Message::decode(&encoded), Some(message));
        // All that is cut off is none, except where nothing of it is said by what is missing.
        assert!(message == Message::Started || Message::decode(&encoded[..12]).is_none());
    }
}

/// Texts of /proc about mounts and processes: a line of mounts says the same after it is written anew.
pub fn proc_texts(bytes: &[u8]) {
    let _ = Texts::parse(bytes);
    for line in mount_text(bytes).lines().filter_map(MountLine::parse) {
        let (root, place) = (escaped(&line.root()), escaped(&line.mount_point()));
        let MountLine { id, kind, options, super_options, .. } = line;
        let anew = format!("{id} 0 0:0 {root} {place} {options} - {kind} source {super_options}");
        let again = MountLine::parse(&anew).expect("a line");
        let said = |line: &MountLine<'_>| (line.id, line.root(), line.mount_point());
        assert_eq!(said(&again), said(&line));
        let names = |line: &MountLine<'_>| [line.kind, line.options, line.super_options].map(str::to_owned);
        assert_eq!(names(&again), names(&line));
    }
}

/// Writes a path as the kernel does, and more: all that is no letter or digit is escaped.
fn escaped(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes().iter();
    bytes
        .map(|byte| match byte {
            b'/' | b'a'..=b'z' | b'0'..=b'9' => char::from(*byte).to_string(),
            byte => format!("\\{byte:03o}"),
        })
        .collect()
}

/// Files of users and their subordinate ids: whoever is given one gets neither root's nor his own, and one that the
/// file names.
pub fn subordinate_ids(bytes: &[u8]) {
    const UID: u32 = 1001;
    let text = String::from_utf8_lossy(bytes);
    let name = name_of(UID, &text);
    for own in [UID, 100_000] {
        let Ok(id) = first_of(&text, name.as_deref(), UID, own) else { continue };
        assert!(![0, own, u32::MAX].contains(&id), "{id}");
        let numbers = |line: &str| -> Option<(u32, u32)> {
            let [.., first, count] = line.trim_end().split(':').collect::<Vec<_>>()[..] else { return None };
            Some((first.parse().ok()?, count.parse().ok()?))
        };
        let holds = |(first, count)| id >= first && id - first < count;
        assert!(text.lines().filter_map(numbers).any(holds), "{id} is nobody's");
    }
}

#[cfg(test)]
mod tests {
    super::replay::replayed!(
        control_files,
        control_groups,
        messages,
        proc_texts,
        subordinate_ids,
        systemd_answers
    );
}
