//! What was asked: plain data that every loader (flags, config.json, later bundles and images) ends in, checked
//! once. Not serialised itself, so that it can change freely.

use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Result;
use crate::refusal::refuse;

/// A container, as asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The name of the container; a random one is made where it is absent.
    pub name: Option<ContainerName>,
    /// What lies under the scratch layer.
    pub rootfs: Rootfs,
    /// The name the container's computer has; made from its id where absent.
    pub hostname: Option<Hostname>,
    /// What runs in it.
    pub process: ProcessSpec,
    /// Host directories mapped into it: the process directory first.
    pub mounts: Vec<Mount>,
    /// What it may use of the host; nothing is limited unless asked.
    pub limits: Limits,
    /// How much of Windows' service world is started before the program (Linux engine only).
    pub services: Services,
    /// How long the program may run.
    pub timeout: Option<Duration>,
}

/// The read-only layers of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rootfs {
    /// The base layer that the Linux engine makes from the installed Wine.
    EmbeddedBase,
    /// A windowsfilter layer directory; its `layerchain.json` names the layers below it.
    ParentLayer(PathBuf),
}

/// The program of a container and how it is run.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessSpec {
    /// Host directory that holds the executable; mapped into the container. Absolute.
    pub directory: PathBuf,
    /// The executable, relative to `directory`.
    pub executable: RelativePath,
    /// Its arguments; quoted by the Windows rules when the document is built.
    pub arguments: Vec<String>,
    /// Added to the container's environment; names compare without case, as Windows does.
    pub environment: Vec<(String, String)>,
    /// Where it starts, in the container.
    pub working_directory: ContainerPath,
    /// The account it runs as, in the container.
    pub user: User,
    /// Where its output goes and its input comes from.
    pub stdio: StdioSpec,
}

/// The account of a process in its container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum User {
    /// What the engine takes by default.
    #[default]
    Default,
    /// The one of this name.
    Named(UserName),
}

/// The name of a Windows account, `NAME` or `DOMAIN\NAME`: which there are is for the engine to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// Parses a name: Kubernetes' rule for its `runAsUserName`, as far as it is one of lengths and letters.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec) where no account can have it.
    pub fn parse(text: &str) -> Result<Self> {
        let (domain, name) =
            text.split_once('\\').map_or((None, text), |(domain, name)| (Some(domain), name));
        let units = |text: &str| text.encode_utf16().count();
        let forbidden = |c: char| c.is_control() || r#""/\:;|=,+*?<>@[]"#.contains(c);
        let named = (1..=104).contains(&units(name)) && !name.contains(forbidden);
        let only_dots = name.chars().all(|c| matches!(c, '.' | ' '));
        let in_domain =
            domain.is_none_or(|text| (1..=256).contains(&units(text)) && !text.contains(char::is_control));
        if named && !only_dots && in_domain {
            return Ok(Self(text.to_owned()));
        }
        let rule = "must be NAME or DOMAIN\\NAME, with at most 104 and 256 UTF-16 units, and none of \
                    \"/\\:;|=,+*?<>@[] or control characters in the name";
        Err(refuse("user", rule, text))
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A process's standard handles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StdioSpec {
    /// Our own: the terminal, pipe or file that the launcher was started with.
    Inherit,
    /// Output appended to a file, relative to the process directory; input empty.
    File(RelativePath),
}

/// A host directory seen in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute host path of a directory.
    pub source: PathBuf,
    /// Where it appears.
    pub destination: ContainerPath,
    /// Whether the container may change it.
    pub access: Access,
}

/// Whether something may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only read.
    ReadOnly,
    /// Read and written.
    ReadWrite,
}

/// Limits of a container. Absent means unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Memory, in MiB (HCS: `MemoryMaximumInMB`, `Memory.SizeInMB`).
    pub memory_mb: Option<NonZeroU64>,
    /// Processors' worth of time per second: a rate cap, as HCS makes it, not a choice of processors.
    pub cpu_count: Option<u16>,
    /// Percent of all the host's processors, 1 to 100.
    pub cpu_percent: Option<Percent>,
    /// The processors that may be used.
    pub affinity: Option<AffinityMask>,
    /// Processes and threads at once (Linux engine only: no document of HCS has a field for it).
    pub processes: Option<NonZeroU64>,
    /// Storage operations per second, reads and writes.
    pub storage_iops: Option<NonZeroU64>,
    /// Storage bytes per second, reads and writes.
    pub storage_bandwidth: Option<NonZeroU64>,
}

/// Which services run beside the program under the Linux engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Services {
    /// Started, not awaited: the fastest start that has them.
    #[default]
    Async,
    /// Started and awaited before the program starts: volume and drive queries are safe from the first line on.
    Wait,
    /// Not started: least memory; drive and volume queries fail.
    None,
}

/// Percent, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// Returns the percentage where it lies in 1 to 100.
    pub fn new(value: u64) -> Option<Self> {
        u8::try_from(value).ok().filter(|v| (1..=100).contains(v)).map(Self)
    }

    /// Returns it as a number, 1 to 100.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// A set of processors of group 0: bit n stands for processor n. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AffinityMask(NonZeroU64);

impl AffinityMask {
    /// Returns the mask where at least one bit is set.
    pub fn new(bits: u64) -> Option<Self> {
        NonZeroU64::new(bits).map(Self)
    }

    /// Returns the bits.
    pub fn bits(self) -> u64 {
        self.0.get()
    }

    /// Returns the numbers of the processors, ascending.
    pub fn cpus(self) -> impl Iterator<Item = u32> {
        (0..64).filter(move |n| self.bits() >> n & 1 == 1)
    }
}

/// What a user calls a container: 1 to 56 letters, digits, `-`, `_` or `.`, beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContainerName(String);

impl ContainerName {
    /// The longest name: with its prefix it must fit HCS ids and cgroup names.
    pub const MAX: usize = 56;

    /// Parses a name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec) where it breaks the grammar.
    pub fn parse(text: &str) -> Result<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let starts = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if starts && text.len() <= Self::MAX && text.chars().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        let rule = "must be 1 to 56 letters, digits, '-', '_' or '.', beginning with a letter or digit";
        Err(refuse("name", rule, text))
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a container: `nspawn_` and its name. Everything made for it bears this name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId(String);

impl ContainerId {
    /// What every id begins with.
    pub const PREFIX: &str = "nspawn_";

    /// Returns the id of the container called `name`.
    pub fn named(name: &ContainerName) -> Self {
        Self(format!("{}{}", Self::PREFIX, name.as_str()))
    }

    /// Returns an id made of 8 random bytes.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(format!("{}{:016x}", Self::PREFIX, u64::from_be_bytes(bytes)))
    }

    /// Returns the id that `text` spells, such as the name of a state directory; `None` where it is not ours.
    pub fn parse(text: &str) -> Option<Self> {
        let name = ContainerName::parse(text.strip_prefix(Self::PREFIX)?).ok()?;
        Some(Self::named(&name))
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A computer's name: 1 to 15 letters, digits or hyphens (a NetBIOS name), not hyphens at its ends, not only digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostname(String);

impl Hostname {
    /// Parses a computer name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec) where it breaks the grammar.
    pub fn parse(text: &str) -> Result<Self> {
        let letters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let ends = !text.starts_with('-') && !text.ends_with('-');
        let digits = text.chars().all(|c| c.is_ascii_digit());
        if (1..=15).contains(&text.len()) && letters && ends && !digits {
            return Ok(Self(text.to_owned()));
        }
        let rule = "must be 1 to 15 letters, digits or inner hyphens, and not only digits";
        Err(refuse("hostname", rule, text))
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub use crate::paths::{ContainerPath, RelativePath};
