//! What the service tells by callback, in the words of both DLLs: their numbers differ.

use crate::code::Code;

/// What happened to a compute system or a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What happened.
    pub kind: Kind,
    /// How it went; events of computecore.dll do not say, and have success.
    pub status: Code,
    /// A document about it (JSON), where there is one.
    pub data: Option<String>,
}

impl Notification {
    /// One that tells nothing (number 0, which both DLLs call invalid): who waits for others is woken by it.
    pub const NOTHING: Self = Self { kind: Kind::Other(0), status: Code::from_hresult(0), data: None };
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The compute system has ended.
    SystemExited,
    /// It was made (vmcompute.dll alone).
    CreateCompleted,
    /// It was started (vmcompute.dll alone).
    StartCompleted,
    /// Its shutdown has ended, well or not (vmcompute.dll alone).
    ShutdownCompleted,
    /// It crashed, or is about to.
    Crash,
    /// The process has ended.
    ProcessExited,
    /// The service went away: nothing more will be told.
    ServiceDisconnect,
    /// Something else, by its number.
    Other(u32),
}

/// The upper four bits of vmcompute's numbers are flags (0x80000000: failure).
#[cfg(any(windows, test))]
const V1_NUMBER: u32 = 0x0FFF_FFFF;

#[cfg(any(windows, test))]
impl Kind {
    /// Takes a number of `HCS_NOTIFICATIONS`, of vmcompute.dll.
    pub(crate) fn from_v1(number: u32) -> Self {
        match number & V1_NUMBER {
            1 => Self::SystemExited,
            2 => Self::CreateCompleted,
            3 => Self::StartCompleted,
            6 | 0xD => Self::Crash,
            0xA => Self::ShutdownCompleted,
            0x0001_0000 => Self::ProcessExited,
            0x0100_0000 => Self::ServiceDisconnect,
            other => Self::Other(other),
        }
    }

    /// Takes a number of `HCS_EVENT_TYPE`, of computecore.dll.
    pub(crate) fn from_v2(number: u32) -> Self {
        match number {
            1 => Self::SystemExited,
            2 | 3 => Self::Crash,
            0x0001_0000 => Self::ProcessExited,
            0x0200_0000 => Self::ServiceDisconnect,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dll_has_its_own_numbers() {
        for (number, v1, v2) in [
            (1, Kind::SystemExited, Kind::SystemExited),
            (2, Kind::CreateCompleted, Kind::Crash),
            (3, Kind::StartCompleted, Kind::Crash),
            (6, Kind::Crash, Kind::Other(6)),
            (0xA, Kind::ShutdownCompleted, Kind::Other(0xA)),
            (0x0001_0000, Kind::ProcessExited, Kind::ProcessExited),
            (0x0100_0000, Kind::ServiceDisconnect, Kind::Other(0x0100_0000)),
            (0x0200_0000, Kind::Other(0x0200_0000), Kind::ServiceDisconnect),
            (0x8000_0002, Kind::CreateCompleted, Kind::Other(0x8000_0002)),
        ] {
            assert_eq!((Kind::from_v1(number), Kind::from_v2(number)), (v1, v2), "{number:#x}");
        }
    }
}
