//! What the engine and the agent, the first Windows process of a container, tell each other: two small files on
//! the sandbox's own memory file system. The agent's side is `guest/nspawn_agent`.

use super::root::StartUp;
use crate::error::{Error, ErrorKind};
use crate::spec::{AffinityMask, Services};

/// Where the agent finds its orders, in the sandbox.
pub(super) const ORDERS: &str = "run/nspawn/orders";
/// Where the agent writes its note, in the sandbox.
pub(super) const NOTE: &str = "run/nspawn/note";

/// What the agent shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Orders<'a> {
    pub(super) start_up: StartUp,
    /// Heeded where the agent starts the session.
    pub(super) services: Services,
    pub(super) affinity: Option<AffinityMask>,
    /// The build of Windows to report.
    pub(super) build: u32,
    pub(super) command_line: &'a str,
    pub(super) working_directory: String,
    pub(super) computer_name: &'a str,
    pub(super) environment: &'a [(String, String)],
}

impl Orders<'_> {
    /// Encodes them: `NSO1`, five little-endian numbers (services u32, affinity u64, build u32, zero u32), then
    /// NUL-terminated UTF-16: application path (empty: the command line decides), command line, working directory,
    /// computer name, and the environment block with its closing empty string.
    pub(super) fn encode(&self) -> Vec<u8> {
        let services: u32 = match (self.start_up, self.services) {
            (StartUp::Agent, Services::None) => 0,
            (StartUp::Agent, Services::Async) => 1,
            (StartUp::Agent, Services::Wait) => 2,
            (StartUp::Stock, _) => 3,
        };
        let mut bytes = b"NSO1".to_vec();
        bytes.extend(services.to_le_bytes());
        bytes.extend(self.affinity.map_or(0, AffinityMask::bits).to_le_bytes());
        bytes.extend(self.build.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        let mut push =
            |text: &str| text.encode_utf16().chain([0]).for_each(|unit| bytes.extend(unit.to_le_bytes()));
        for text in ["", self.command_line, &self.working_directory, self.computer_name] {
            push(text);
        }
        self.environment.iter().for_each(|(name, value)| push(&format!("{name}={value}")));
        push("");
        bytes
    }
}

/// What the agent said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// Nothing, or nothing that makes sense.
    Silent,
    /// It was preparing the session.
    Booting,
    /// The program ran.
    Running,
    /// The program exited with this code.
    Exited(u32),
    /// It could not do this step, for this Win32 error.
    Failed(Step, u32),
}

/// A step of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Orders,
    CreateProcess,
    Affinity,
    SharedData,
    ComputerName,
    Services,
    Stdin,
}

impl Note {
    /// Reads a note: four little-endian numbers, of which the first is pid 1's to read.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let word = |n: usize| {
            let bytes = bytes.get(4 * n..4 * n + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_le_bytes)
        };
        match (word(1), word(2), word(3)) {
            (1, ..) => Self::Booting,
            (2, ..) => Self::Running,
            (3, code, _) => Self::Exited(code),
            (4, error, step) => {
                Step::from_number(step).map_or(Self::Silent, |step| Self::Failed(step, error))
            }
            _ => Self::Silent,
        }
    }
}

impl Step {
    fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Orders,
            2 => Self::CreateProcess,
            3 => Self::Affinity,
            4 => Self::SharedData,
            5 => Self::ComputerName,
            6 => Self::Services,
            7 => Self::Stdin,
            _ => return None,
        })
    }

    /// Puts the failure into words.
    pub(super) fn failure(self, win32: u32) -> Error {
        let (op, subject) = match self {
            Self::Orders => ("read", "the agent's orders"),
            Self::CreateProcess => ("execute", "the program"),
            Self::Affinity => ("set", "the program's processor affinity"),
            Self::SharedData => ("fill", "the session's shared data"),
            Self::ComputerName => ("set", "the computer name"),
            Self::Services => ("start", "the session's services"),
            Self::Stdin => ("connect", "the program's standard input"),
        };
        let kind = match (self, win32) {
            (Self::CreateProcess, 2 | 3) => ErrorKind::ProgramNotFound,
            (Self::CreateProcess, _) => ErrorKind::ProgramNotExecutable,
            _ => ErrorKind::Host,
        };
        Error::new(kind, op, subject).reason(format!("Windows error {win32}{}", meaning(win32)))
    }
}

/// The errors that CreateProcess is known to answer with (winerror.h).
fn meaning(win32: u32) -> &'static str {
    match win32 {
        2 => " (the file was not found)",
        3 => " (the path was not found)",
        5 => " (access is denied)",
        8 | 14 => " (not enough memory)",
        87 => " (a parameter is wrong)",
        126 => " (a module was not found)",
        193 => " (not a valid Windows program)",
        206 => " (the name is too long)",
        216 => " (made for another version of Windows)",
        267 => " (the directory name is invalid)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_laid_out_as_the_agent_reads_them() {
        let environment = [("A".to_owned(), "é".to_owned())];
        let orders = Orders {
            start_up: StartUp::Agent,
            services: Services::Wait,
            affinity: AffinityMask::new(5),
            build: 20348,
            command_line: "x",
            working_directory: "C:\\w".to_owned(),
            computer_name: "BOX",
            environment: &environment,
        };
        let bytes = orders.encode();
        assert_eq!(&bytes[..4], b"NSO1");
        assert_eq!(bytes[4..24], [2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0x7C, 0x4F, 0, 0, 0, 0, 0, 0]);
        let units: Vec<u16> =
            bytes[24..].chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        assert_eq!(String::from_utf16(&units).unwrap(), "\0x\0C:\\w\0BOX\0A=é\0\0");
        assert_eq!(Orders { start_up: StartUp::Stock, ..orders }.encode()[4..8], [3, 0, 0, 0]);
    }

    #[test]
    fn notes_are_read_and_nonsense_is_silence() {
        let note = |words: [u32; 4]| words.map(u32::to_le_bytes).concat();
        assert_eq!(Note::parse(&note([9, 3, 0xC000_0005, 0])), Note::Exited(0xC000_0005));
        assert_eq!(Note::parse(&note([0, 4, 2, 2])), Note::Failed(Step::CreateProcess, 2));
        for silent in [note([0, 4, 2, 99]), note([1, 77, 0, 0]), Vec::new(), vec![3]] {
            assert_eq!(Note::parse(&silent), Note::Silent);
        }
    }
}
