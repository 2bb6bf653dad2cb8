//! The table of [`known_escapes`](crate::known_escapes).

/// One way out, or several of one kind.
pub struct Escape {
    /// By what numbers they are known.
    pub reports: &'static str,
    /// What was behind them.
    pub cause: &'static str,
    /// Where they stand here.
    pub here: Here,
}

/// Where a way out stands here.
#[derive(Clone, Copy)]
pub enum Here {
    /// These rows of tests try it.
    Played(&'static [[Test; 4]]),
    /// It cannot exist here: why.
    CannotApply(&'static str),
    /// What it takes does not exist yet: with what it comes.
    Later(&'static str),
}

/// The full name of a test, which is there: it is named by its path, too.
#[derive(Clone, Copy)]
pub struct Test(pub &'static str);

impl Test {
    /// Returns the name of its row: the name without the kind of program and the user.
    pub fn row(self) -> String {
        let parts: Vec<&str> = self.0.split("::").collect();
        format!("{}::{}", parts[0], parts[parts.len() - 1])
    }
}

/// The four tests of each row named.
macro_rules! played {
    ($($module:ident::$test:ident),* $(,)?) => {
        Here::Played(&[$([
            test!($module::root::native::$test),
            test!($module::root::windows::$test),
            test!($module::plain::native::$test),
            test!($module::plain::windows::$test),
        ]),*])
    };
}

macro_rules! test {
    ($module:ident::$who:ident::$target:ident::$test:ident) => {{
        const _: fn() = crate::$module::$who::$target::$test;
        Test(concat!(
            stringify!($module),
            "::",
            stringify!($who),
            "::",
            stringify!($target),
            "::",
            stringify!($test)
        ))
    }};
}

const IMAGES: Here = Here::Later("images: what an image holds and says");
const EXEC: &str = "exec, and is tried for the first program by the rows of I-06";

const fn escape(reports: &'static str, cause: &'static str, here: Here) -> Escape {
    Escape { reports, cause, here }
}

/// All of them.
pub const ESCAPES: &[Escape] = &[
    escape(
        "CVE-2019-5736",
        "the runtime's own file was overwritten through /proc/self/exe of a process in the container",
        played!(host::i09_programs_cannot_be_overwritten, host::i09_no_memory_is_written_through_proc),
    ),
    escape(
        "CVE-2019-16884, CVE-2019-19921, CVE-2023-27561, CVE-2023-28642",
        "what an image or a volume put at /proc or /sys was taken for the kernel's",
        played!(
            links::i04_proc_is_the_kernel_s,
            links::i04_nothing_is_mapped_over_or_from_the_kernel_s_files,
        ),
    ),
    escape(
        "CVE-2021-30465, CVE-2024-45310",
        "the place of a mount was a directory when it was looked at, and a link when it was used or made",
        played!(
            races::i05_the_mapped_directory,
            races::i05_the_directory_of_the_output,
            races::i05_the_directory_of_the_executable,
            races::i05_the_way_to_a_directory,
        ),
    ),
    escape(
        "CVE-2022-0185",
        "a fault of the kernel behind fsconfig, which a user namespace was enough to reach",
        played!(processes::i07_calls_that_need_a_capability, processes::i06_no_capability_in_any_process),
    ),
    escape(
        "CVE-2022-0492, CVE-2023-25809",
        "the host's control groups, release_agent among them, could be written inside",
        played!(files::i08_no_control_groups, processes::i07_calls_that_need_a_capability),
    ),
    escape(
        "CVE-2022-29162",
        "programs were started with inheritable capabilities",
        played!(processes::i06_no_capability_in_any_process),
    ),
    escape(
        "CVE-2022-29162, by exec",
        "the same for a second program in a running container",
        Here::Later(EXEC),
    ),
    escape(
        "CVE-2024-21626",
        "a directory of the host was still open while the program's directory was entered",
        played!(processes::i10_no_way_out_by_the_working_directory, processes::i10_no_file_of_the_caller),
    ),
    escape(
        "CVE-2025-31133, CVE-2025-62161 (youki)",
        "the null device that hid parts of /proc was the container's, and could be a link",
        played!(links::i03_what_is_masked_tells_nothing, mounts::no_mount_gives_more_than_it_must),
    ),
    escape(
        "CVE-2025-52565",
        "the terminal that became /dev/console was named by a path in the container",
        Here::CannotApply("no console is made from a pseudo terminal: programs have the caller's files"),
    ),
    escape(
        "CVE-2025-52881, CVE-2025-62596 (youki)",
        "what was meant for a file of /proc was written to another, behind a link",
        Here::CannotApply(
            "nothing is written to /proc once the container's mounts are there; ids are mapped before, through the \
             host's /proc",
        ),
    ),
    escape(
        "CVE-2026-41579",
        "/dev of an image was a link, and was prepared where it led",
        Here::CannotApply(
            "the root is ours, made new for each container; layers are mounted below drive C only",
        ),
    ),
    escape(
        "CVE-2020-15257",
        "a control socket had no path but a name that every process of the network namespace could use",
        played!(network::i11_no_abstract_socket_of_the_host, network::i11_only_its_own_loopback),
    ),
    escape(
        "CVE-2017-5226, CVE-2020-5291",
        "characters were typed into the caller's terminal; a helper was set-user-id",
        played!(processes::i07_calls_that_need_a_capability),
    ),
    escape(
        "CVE-2022-31030, CVE-2022-23471, CVE-2025-64329",
        "endless output, or clients that left, filled the memory of a service",
        Here::CannotApply("there is no service, and output goes to the caller's file without passing us"),
    ),
    escape(
        "CVE-2022-23648, CVE-2024-1753, CVE-2023-0778, CVE-2026-55686",
        "a path that an image names was followed on the host",
        IMAGES,
    ),
    escape("CVE-2024-40635", "a user number of an image wrapped around to 0", IMAGES),
    escape(
        "CVE-2024-25621",
        "every user of the host could enter directories of containers",
        played!(environment::i12_state_is_for_its_owner_alone),
    ),
    escape("CVE-2026-53488", "labels of an image were taken for the runtime's own, and executed", IMAGES),
    escape(
        "CVE-2026-53489",
        "the file of a container's output was a link to a file of the host",
        played!(links::l07_the_output_is_written_through_no_link, races::i05_the_directory_of_the_output),
    ),
    escape(
        "CVE-2025-47290, CVE-2021-32760, CVE-2021-29136, CVE-2026-33056, RUSTSEC-2026-0113, CVE-2018-20990, CVE-2021-38511",
        "unpacking an archive followed a link, or changed a link's target",
        IMAGES,
    ),
    escape("CVE-2018-8115", "importing an image for Windows wrote outside of it", IMAGES),
    escape("CVE-2021-41190", "a manifest was read as another kind than it was checked as", IMAGES),
    escape("CVE-2024-3727", "a digest was used as a path before its letters were looked at", IMAGES),
    escape("CVE-2020-1702, CVE-2023-25153", "what a registry sent was read without a bound", IMAGES),
    escape(
        "CVE-2025-62518, RUSTSEC-2025-0111, RUSTSEC-2026-0112",
        "an archive had two sizes for one file, and what was hidden between them was unpacked",
        IMAGES,
    ),
    escape(
        "CVE-2024-23652",
        "clearing up removed a file of the host, behind a link",
        played!(links::k05_what_is_removed_is_no_link_s_target),
    ),
    escape(
        "CVE-2024-24576, CVE-2024-43402",
        "a batch file's arguments were commands to cmd.exe",
        Here::CannotApply(
            "batch files are refused by name, trailing dots and spaces too; no shell is ever run",
        ),
    ),
    escape(
        "CVE-2025-27210",
        "names of devices (CON, NUL) were taken for files, and a mending refused names that only began so",
        Here::CannotApply(
            "names are held against Windows' own grammar, both ways, before anything is looked up",
        ),
    ),
    escape(
        "Siloscape, and other ways out of a server silo",
        "a program in a process-isolated container of Windows got the host's drive C",
        Here::CannotApply(
            "on Linux there is no silo; on Windows its wall is Windows' own: security.md says what it is not",
        ),
    ),
    escape(
        "named pipes of the host",
        "a mapped pipe of a service gave the host away",
        Here::CannotApply("only directories are mapped, and paths of pipes and devices are refused"),
    ),
    escape(
        "CVE-2021-31165, CVE-2021-31167, CVE-2026-70270",
        "services of Windows that run containers followed links made by lesser users",
        Here::CannotApply(
            "they are Windows' to mend; our own directories there are for administrators alone",
        ),
    ),
];
