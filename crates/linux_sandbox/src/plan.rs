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
    /// Who the programs are; `None`: whoever started the launcher, without any privilege.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// What runs.
    pub program: Program,
    /// By which of the kernel's interfaces programs may make system calls.
    pub interface: Interface,
    /// A file of [`NOTE_LEN`](crate::NOTE_LEN) bytes that the program may write: its first four bytes (little
    /// endian) name another process, by its pid in the sandbox, as the one the program stands for: signals wait for
    /// it and go to it, and a signal that ends it is reported. The rest is passed to the launcher unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The kernel's interfaces: whoever makes a call by another is killed. The same calls are refused in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Interface {
    /// That of 64-bit programs alone.
    #[serde(rename = "x86_64")]
    X86_64,
    /// That of 32-bit programs too, which a 64-bit one can use as well (`int 0x80`).
    #[serde(rename = "x86_64_and_i386")]
    X86_64AndI386,
}

/// Who the programs of a sandbox are: one user of a user namespace that knows no other, and holds no capability over
/// anything outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Account {
    /// In the sandbox.
    pub inside: Ids,
    /// On the host.
    pub host: Ids,
    /// Whose everything is that the sandbox's own file system holds and the programs do not own; `None`: whoever makes
    /// the sandbox, which is a stranger to its programs unless they are he.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Other>,
    /// What if the host cannot show files as the account's own.
    pub ownership: Ownership,
}

/// Another than the programs that their user namespace knows. Nothing runs as it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Other {
    /// In the sandbox.
    pub inside: Ids,
    /// On the host.
    pub host: Ids,
}

/// The numbers of a user and of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ids {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// What if files cannot be shown as owned by the account, because their file system or this kernel has no idmapped
/// mounts (mount_setattr(2), `MOUNT_ATTR_IDMAP`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// The sandbox is not made.
    Required,
    /// They keep their owners, and the programs may do with them what others may.
    WherePossible,
}

/// Whose a file or directory is, as the sandbox's programs see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The host's owners: where they are not the programs, nobody.
    Host,
    /// The programs: what belongs to the owner of the directory that is mapped is theirs, and what they make in it will
    /// be his.
    Program,
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
        /// Whose it is.
        owner: Owner,
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
        /// Whose it is.
        owner: Owner,
    },
    /// A symbolic link.
    Symlink {
        /// Where.
        path: String,
        /// What it says.
        target: String,
    },
}

impl Node {
    /// Returns where it is.
    pub fn path(&self) -> &str {
        match self {
            Self::Directory { path, .. } | Self::File { path, .. } | Self::Symlink { path, .. } => path,
        }
    }
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
        /// Whose the files in it are.
        owner: Owner,
    },
    /// A device node of the host.
    Device {
        /// Its path on the host.
        source: PathBuf,
        /// Where it appears.
        target: String,
    },
    /// Read-only layers under a writable one. All in it is the programs' own.
    Overlay {
        /// Layers, topmost first.
        lower: Vec<PathBuf>,
        /// The directory that holds the next two.
        scratch: PathBuf,
        /// The name of the directory that takes all changes.
        upper: String,
        /// The name of an empty directory, for the kernel's use.
        work: String,
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
            Self::Overlay { lower, scratch, .. } => lower.iter().chain([scratch]).collect(),
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
