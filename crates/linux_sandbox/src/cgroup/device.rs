//! The disk below a directory: control groups limit input and output by whole disks, never by partition or path.

use std::fmt;
use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::str::FromStr;

use rustix::fs::{AtFlags, StatxFlags};
use serde::{Serialize, Serializer};

use super::{Controller, Error, ErrorKind, files};
use crate::mount_line::MountLine;

/// The number of a block device, written `major:minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// The driver's number; 0 is no block device.
    pub major: u32,
    /// The device's number within the driver.
    pub minor: u32,
}

impl Device {
    /// Returns the whole disk that holds the opened directory `dir`; `path` is its name in messages. Fails with
    /// [`ErrorKind::NoDevice`] where there is none: tmpfs, overlay, network file systems, and those that spread
    /// over several disks under one number of their own, such as btrfs.
    pub fn below(dir: impl AsFd, path: &Path) -> Result<Self, Error> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
        let stat = rustix::fs::statx(dir, c"", AtFlags::EMPTY_PATH, wanted)
            .map_err(|error| Error::io("inspect", path, error).of(Controller::Io))?;
        let device = Self { major: stat.stx_dev_major, minor: stat.stx_dev_minor };
        if device.major != 0 {
            return device.whole_disk(Path::new("/sys/dev/block"));
        }
        let mounts = files::read_mounts()?;
        Err(no_device(path, &mounts, stat.stx_mnt_id))
    }

    /// Returns the disk of which this device is a partition, or the device itself.
    fn whole_disk(self, sys_dev_block: &Path) -> Result<Self, Error> {
        // The entry is a link into the tree of devices, where a partition lies below its disk.
        let entry = sys_dev_block.join(self.to_string());
        if !fs::exists(entry.join("partition"))
            .map_err(|error| Error::io("look for", &entry, error).of(Controller::Io))?
        {
            return Ok(self);
        }
        let dev = entry.join("../dev");
        files::read(&dev)?.trim_end().parse().map_err(|()| {
            Error::new(ErrorKind::Host, "read", dev.display().to_string())
                .of(Controller::Io)
                .because("it holds no device number")
        })
    }
}

fn no_device(path: &Path, mountinfo: &str, mount_id: u64) -> Error {
    let kind = mountinfo
        .lines()
        .filter_map(MountLine::parse)
        .find(|line| line.id == mount_id)
        .map_or("a file system", |line| line.kind);
    Error::new(ErrorKind::NoDevice, "limit input and output of", path.display().to_string())
        .of(Controller::Io)
        .because(format!("it is on {kind}, which has no block device of its own"))
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

impl FromStr for Device {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once(':').ok_or(())?;
        Ok(Self { major: major.parse().map_err(drop)?, minor: minor.parse().map_err(drop)? })
    }
}

impl Serialize for Device {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_partition_is_limited_by_its_disk() {
        let root = tempfile::tempdir().expect("a directory");
        let disk = root.path().join("devices/pci/block/vda");
        fs::create_dir_all(disk.join("vda1")).expect("directories");
        fs::write(disk.join("dev"), "254:0\n").expect("a file");
        fs::write(disk.join("vda1/dev"), "254:1\n").expect("a file");
        fs::write(disk.join("vda1/partition"), "1\n").expect("a file");
        let table = root.path().join("dev/block");
        fs::create_dir_all(&table).expect("directories");
        symlink("../../devices/pci/block/vda", table.join("254:0")).expect("a link");
        symlink("../../devices/pci/block/vda/vda1", table.join("254:1")).expect("a link");

        let disk = Device { major: 254, minor: 0 };
        let partition = Device { major: 254, minor: 1 };
        assert_eq!(disk.whole_disk(&table).expect("known"), disk);
        assert_eq!(partition.whole_disk(&table).expect("known"), disk);
        fs::write(root.path().join("devices/pci/block/vda/dev"), "x\n").expect("a file");
        assert_eq!(partition.whole_disk(&table).expect_err("no number").kind(), ErrorKind::Host);
    }

    #[test]
    fn says_which_file_system_has_no_disk() {
        let mounts = "22 1 254:0 / / rw - ext4 /dev/vda rw\n30 22 0:28 / /a\\040b rw - tmpfs tmpfs rw\n";
        let error = no_device(Path::new("/a b/c"), mounts, 30);
        assert_eq!(error.kind(), ErrorKind::NoDevice);
        assert_eq!(
            error.to_string(),
            "cannot limit input and output of /a b/c (controller io): it is on tmpfs, which has no block device of \
             its own"
        );
        assert!(no_device(Path::new("/x"), mounts, 99).to_string().contains("it is on a file system,"));
    }

    #[test]
    fn a_directory_without_a_disk_is_refused() {
        let proc = fs::File::open("/proc").expect("proc is mounted");
        let error = Device::below(&proc, Path::new("/proc")).expect_err("proc is on no disk");
        assert_eq!(error.kind(), ErrorKind::NoDevice);
        assert!(error.to_string().contains("it is on proc,"), "{error}");
    }
}
