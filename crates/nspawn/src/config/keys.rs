//! The keys of config.json: one table, from which the checks, the messages and the JSON Schema are all made.

/// A key of an object.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) need: Need,
    /// What it means, with its unit, and what holds where it is absent: one or more sentences.
    pub(super) about: &'static str,
}

/// Whether a key may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// What a key holds.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    TextList,
    /// An object of strings.
    TextMap,
    /// A whole number from 0, which is the same as an absent key, to `max`.
    Integer {
        max: u64,
    },
    /// A boolean; false where absent.
    Flag,
    /// One of these; the first where absent.
    Choice(&'static [&'static str]),
    /// An array of objects that have these keys.
    Records(&'static [Key]),
}

impl Kind {
    /// Returns the name of its JSON type, with an article.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text | Self::Choice(_) => "a string",
            Self::TextList => "an array of strings",
            Self::TextMap => "an object of strings",
            Self::Integer { .. } => "a number",
            Self::Flag => "a boolean",
            Self::Records(_) => "an array of objects",
        }
    }
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, need: Need::Required, about }
}

const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, need: Need::Optional, about }
}

const U32: Kind = Kind::Integer { max: u32::MAX as u64 };
/// The most that a 64-bit Linux can have (`PID_MAX_LIMIT` of linux/threads.h), and that it takes as a limit.
const PROCESSES: u64 = 4_194_304;
const U64: Kind = Kind::Integer { max: u64::MAX };

/// The keys of the file. `process_directory` is needed too, but the command line may give it.
pub(super) const FILE: &[Key] = &[
    optional(
        "process_directory",
        Kind::Text,
        "Host directory that holds the program; mapped to mapped_directory. Absolute, or relative to the directory of \
         this file. Required unless given on the command line (-D).",
    ),
    required(
        "process_executable",
        Kind::Text,
        "The program, relative to process_directory. Either separator serves.",
    ),
    optional(
        "process_arguments",
        Kind::TextList,
        "Arguments of the program, each passed as it stands: quoting is not needed.",
    ),
    required(
        "mapped_directory",
        Kind::Text,
        "Where process_directory appears in the container, such as C:/work: a directory on drive C, but none that \
         Windows itself needs.",
    ),
    optional(
        "user",
        Kind::Text,
        "Account that the program runs as, NAME or DOMAIN\\NAME; names compare without case. Linux hosts have \
         ContainerUser and ContainerAdministrator. Absent: ContainerUser on Linux hosts, on Windows what the service \
         takes.",
    ),
    optional(
        "stdout_filename",
        Kind::Text,
        "File, relative to process_directory, to which the program's output and errors are appended; its input is \
         then empty. Absent: the program has the launcher's own.",
    ),
    optional(
        "parent_layer_directory",
        Kind::Text,
        "Host directory of a windowsfilter layer to stand on; its layerchain.json names the layers below. Absolute, or \
         relative to the directory of this file. Absent: the embedded base layer.",
    ),
    optional("max_ram_mb", U32, "Memory limit, in MiB. 0 or absent: none."),
    optional(
        "cpus_count",
        Kind::Integer { max: u16::MAX as u64 },
        "Processor time limit, in processors' worth of time: a cap on the rate, not a choice of processors. 0 or \
         absent: none.",
    ),
    optional(
        "cpu_affinity_hex",
        U64,
        "The processors that may be used, as a mask written as a decimal number: bit n stands for processor n, so 5 \
         means processors 0 and 2. 0 or absent: all.",
    ),
    optional(
        "max_cpu_percent",
        Kind::Integer { max: 100 },
        "Processor time limit, in percent of all the host's processors. 0 or absent: none.",
    ),
    optional(
        "max_processes",
        Kind::Integer { max: PROCESSES },
        "Limit of processes and threads at once, those of Wine included (Linux hosts only). 0 or absent: none.",
    ),
    optional("max_storage_iops", U32, "Storage limit, in operations per second. 0 or absent: none."),
    optional(
        "max_storage_bandwidth_bytes_per_sec",
        U64,
        "Storage limit, in bytes per second. 0 or absent: none.",
    ),
    optional(
        "environment",
        Kind::TextMap,
        "Variables added to the program's environment. Names compare without case.",
    ),
    optional(
        "working_directory",
        Kind::Text,
        "Directory in the container in which the program starts. Absent: mapped_directory.",
    ),
    optional("mounts", Kind::Records(MOUNT), "More host directories to map into the container."),
    optional(
        "hostname",
        Kind::Text,
        "Computer name: 1 to 15 letters, digits or inner hyphens. Absent: made from the container's id.",
    ),
    optional(
        "name",
        Kind::Text,
        "Name of the container: 1 to 56 letters, digits, '-', '_' or '.', beginning with a letter or digit. Absent: a \
         random one.",
    ),
    optional(
        "timeout_seconds",
        U32,
        "How long the program may run, in seconds; then it is ended. 0 or absent: for ever.",
    ),
    optional(
        "services",
        Kind::Choice(&["async", "wait", "none"]),
        "Windows services beside the program (Linux hosts only): async starts them and does not wait, wait has them \
         ready before the program starts, none leaves them out. Absent: async.",
    ),
];

const MOUNT: &[Key] = &[
    required("source", Kind::Text, "Host directory. Absolute, or relative to the directory of this file."),
    required(
        "destination",
        Kind::Text,
        "Where it appears in the container: neither in another mapped directory nor around one.",
    ),
    optional("read_only", Kind::Flag, "Whether the container may only read it. Absent: it may write."),
];

/// Keys that we know and refuse, at the top of the file, and why.
pub(super) const UNSUPPORTED: &[(&str, &str)] = &[
    ("isolation", "only process isolation is supported, without this key; Hyper-V isolation is not"),
    ("credential_spec", "credential specs (group managed service accounts) are not supported"),
    ("devices", "passing devices of the host is not supported"),
    ("mapped_pipes", "passing named pipes of the host is not supported"),
];
