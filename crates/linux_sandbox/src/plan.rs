//! A sandbox as data: what the new root holds, what is mounted where, what runs. Printable, comparable, and
//! nothing in it was opened yet.

use std::path::PathBuf;

use serde::Serialize;

/// A sandbox: new pid, mount, ipc, uts and net namespaces (loopback only) around one program.
///
/// Paths inside the sandbox are relative to its root and have no leading slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The host name that programs see.
    pub hostname: String,
    /// What the root, a small memory file system, holds. It is read-only once filled.
    pub root: Vec<Node>,
    /// What is mounted in it, in this order.
    pub mounts: Vec<Mount>,
    /// What runs.
    pub program: Program,
    /// A file of [`NOTE_LEN`](crate::NOTE_LEN) bytes that the program may write: its first four bytes (little
    /// endian) name another process, by its pid in the sandbox, as the one the program stands for: signals wait for
    /// it and go to it, and a signal that ends it is reported. The rest is passed to the launcher unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An entry of the root file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// A directory, its parents made as needed.
    Directory {
        /// Where.
        path: String,
        /// Permission bits.
        #[serde(serialize_with = "octal")]
        mode: u32,
    },
    /// A file with a text.
    File {
        /// Where.
        path: String,
        /// What it holds.
        #[serde(serialize_with = "text_or_length")]
        content: Vec<u8>,
        /// Permission bits.
        #[serde(serialize_with = "octal")]
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// Where.
        path: String,
        /// What it says.
        target: String,
    },
}

/// Whether something may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Only read: every file system under it too.
    ReadOnly,
    /// Read and written.
    ReadWrite,
}

/// Something mounted in the root. Set-user-id bits and, but for `Device`, device nodes never work in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mount {
    /// A host directory or file, with what is mounted below it.
    Bind {
        /// Its path on the host.
        source: PathBuf,
        /// Where it appears.
        target: String,
        /// Whether it may be changed.
        access: Access,
    },
    /// A device node of the host.
    Device {
        /// Its path on the host.
        source: PathBuf,
        /// Where it appears.
        target: String,
    },
    /// Read-only layers under a writable one.
    Overlay {
        /// Layers, topmost first.
        lower: Vec<PathBuf>,
        /// Takes all changes.
        upper: PathBuf,
        /// An empty directory of the same file system, for the kernel's use.
        work: PathBuf,
        /// Where the merged tree appears.
        target: String,
    },
    /// A directory or file of the root itself, seen at another place or with another access: the root is
    /// read-only, and what shall stay writable is mounted on itself.
    Own {
        /// Its path in the root.
        source: String,
        /// Where it appears.
        target: String,
        /// Whether it may be changed.
        access: Access,
    },
    /// The sandbox's own processes; read-only, since its kernel settings are the host's.
    Proc {
        /// Where.
        target: String,
    },
    /// Pseudo terminals of the sandbox's own.
    Devpts {
        /// Where.
        target: String,
    },
}

impl Mount {
    /// Keeps a directory of the root writable.
    pub fn writable(path: &str) -> Self {
        Self::Own { source: path.to_owned(), target: path.to_owned(), access: Access::ReadWrite }
    }

    /// Returns where it appears.
    pub fn target(&self) -> &str {
        match self {
            Self::Bind { target, .. }
            | Self::Device { target, .. }
            | Self::Overlay { target, .. }
            | Self::Own { target, .. }
            | Self::Proc { target }
            | Self::Devpts { target } => target,
        }
    }

    /// Returns the host paths it is made of.
    pub fn sources(&self) -> Vec<&PathBuf> {
        match self {
            Self::Bind { source, .. } | Self::Device { source, .. } => vec![source],
            Self::Overlay { lower, upper, work, .. } => lower.iter().chain([upper, work]).collect(),
            Self::Own { .. } | Self::Proc { .. } | Self::Devpts { .. } => Vec::new(),
        }
    }
}

/// A program and what it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    /// Its file, absolute in the sandbox.
    pub executable: String,
    /// Its arguments, the zeroth included.
    pub arguments: Vec<String>,
    /// Its whole environment, `NAME=value`.
    pub environment: Vec<String>,
    /// The directory it starts in, absolute in the sandbox.
    pub directory: String,
    /// Where its memory lies.
    pub layout: AddressLayout,
}

/// Where the kernel puts the parts of a program's memory, and those of all that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressLayout {
    /// At places that nobody can guess, as the host is set.
    Random,
    /// Always at the same, for programs that need certain addresses free (personality(2), `ADDR_NO_RANDOMIZE`). Where
    /// the host refuses that, as some filters around us do, it stays random.
    Fixed,
}

/// Text as text, anything else as its length: a plan is for reading.
fn text_or_length<S: serde::Serializer>(content: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(content) {
        Ok(text) if !text.contains('\0') => serializer.serialize_str(text),
        _ => serializer.serialize_str(&format!("({} bytes)", content.len())),
    }
}

/// Permission bits as people write them.
fn octal<S: serde::Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}
