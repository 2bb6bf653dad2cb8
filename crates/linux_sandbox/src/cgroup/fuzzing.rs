//! Fuzz targets: control files, and what systemd answers. See [`crate::fuzzing`].

use std::io::{self, Read, Write};
use std::path::{Component, Path};

use super::device::Device;
use super::host::{Host, Own};
use super::limits::CpuSet;
use super::systemd::{host_uid, own_group};
use super::{dbus, files, parse_oom_kills};
use crate::mount_line::mount_text;

/// Control files and what else the kernel says in numbers: what is read is written alike, and what is found stands there.
pub fn control_files(bytes: &[u8]) {
    for key in [b"oom_kill".as_slice(), b"nr_throttled", b"max"] {
        let found = files::keyed(bytes, key).map(|number| number.to_string());
        assert!(found.is_none_or(|digits| bytes.windows(digits.len()).any(|part| part == digits.as_bytes())));
    }
    assert_eq!(parse_oom_kills(bytes), files::keyed(bytes, b"oom_kill").unwrap_or(0));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert!(own_group(text).is_none_or(|group| text.contains(group)));
    for uid in [0, 1000, u32::MAX] {
        let _ = host_uid(text, uid);
    }
    for line in text.lines() {
        if let Ok(set) = line.parse::<CpuSet>() {
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        if let Ok(device) = line.parse::<Device>() {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
    }
}

/// Texts of /proc about control groups, mounts first and the own group after a NUL: the directory of the own group lies
/// in what is mounted, and its path there is the end of a group that the kernel names.
pub fn control_groups(bytes: &[u8]) {
    let (mountinfo, cgroup) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    let (mountinfo, cgroup) = (mount_text(mountinfo), String::from_utf8_lossy(cgroup));
    let cgroup = cgroup.strip_prefix('\0').unwrap_or_default();
    let groups = || cgroup.split('\n').filter_map(|line| line.splitn(3, ':').nth(2));
    for hierarchy in Host::parse(&mountinfo, cgroup).hierarchies {
        match hierarchy.own {
            Own::At(own) => {
                let below = own.strip_prefix(&hierarchy.mount_point).expect("it is in what is mounted");
                assert!(below.components().all(|name| matches!(name, Component::Normal(_))), "{own:?}");
                assert!(groups().any(|group| Path::new(group).ends_with(below)), "{own:?} is nobody's");
            }
            Own::Hidden(group) => assert!(group.is_empty() || groups().any(|own| own == group), "{group}"),
        }
    }
}

/// What systemd says to a call: an end is found, and a refusal holds no more than was sent.
pub fn systemd_answers(bytes: &[u8]) {
    const METHOD: dbus::Method = dbus::Method { object: "/o", interface: "i", member: "M", signature: "" };
    let told = dbus::call(&mut Peer(bytes), &METHOD, &dbus::Values::default());
    // What is no UTF-8 is told by a mark of three bytes.
    const OWN_WORDS: usize = 64;
    assert!(told.err().is_none_or(|error| error.to_string().len() <= 3 * bytes.len() + OWN_WORDS));
}

/// A peer that says its bytes, whatever it hears.
struct Peer<'a>(&'a [u8]);

impl Read for Peer<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, heard: &[u8]) -> io::Result<usize> {
        Ok(heard.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
