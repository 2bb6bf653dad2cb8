//! What pid 1 tells the launcher: fixed-size messages over a pipe, each written at once (under `PIPE_BUF`, so it
//! arrives whole or not at all).

use crate::error::Part;

/// Bytes of a note, see [`Plan::note`](crate::Plan::note).
pub const NOTE_LEN: usize = 64;

/// Bytes of an encoded message.
pub(crate) const LEN: usize = 24 + NOTE_LEN;

/// A step of the sandbox's making, in the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Step {
    Private = 1,
    Root,
    Attach,
    Proc,
    Seal,
    Pivot,
    Detach,
    Hostname,
    Loopback,
    Session,
    Account,
    Privileges,
    Filter,
    SignalFd,
    Fork,
    Join,
    Groups,
    Stdio,
    Close,
    Directory,
    Exec,
}

impl Step {
    const ALL: [Self; 21] = [
        Self::Private,
        Self::Root,
        Self::Attach,
        Self::Proc,
        Self::Seal,
        Self::Pivot,
        Self::Detach,
        Self::Hostname,
        Self::Loopback,
        Self::Session,
        Self::Account,
        Self::Privileges,
        Self::Filter,
        Self::SignalFd,
        Self::Fork,
        Self::Join,
        Self::Groups,
        Self::Stdio,
        Self::Close,
        Self::Directory,
        Self::Exec,
    ];

    fn from_u32(value: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as u32 == value)
    }

    /// Returns what of the sandbox the step makes.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Proc => Part::Proc,
            Self::Filter => Part::Filter,
            Self::Exec => Part::Program,
            _ => Part::Other,
        }
    }

    /// Returns what the step does, in words that follow "cannot".
    pub(crate) fn op(self) -> &'static str {
        match self {
            Self::Private => "make private",
            Self::Root | Self::Attach => "attach",
            Self::Proc => "mount",
            Self::Seal => "make read-only",
            Self::Pivot => "change to",
            Self::Detach => "detach",
            Self::Hostname => "set",
            Self::Loopback => "bring up",
            Self::Session => "begin",
            Self::Account => "become",
            Self::Privileges => "give up",
            Self::Filter => "filter",
            Self::SignalFd => "open",
            Self::Fork => "fork",
            Self::Join => "join",
            Self::Groups => "hide",
            Self::Stdio => "connect",
            Self::Close => "close",
            Self::Directory => "enter",
            Self::Exec => "execute",
        }
    }
}

/// A message of pid 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// The sandbox could not be made: which step, which of its objects, the system's answer.
    Failed { step: Step, index: u32, errno: i32 },
    /// The program runs.
    Started,
    /// The program ended; `status` is its wait status. `subject` is the signal, if any, that ended the process
    /// which the note names.
    Ended { status: i32, subject: u32, note: [u8; NOTE_LEN] },
}

impl Message {
    /// Encodes without allocating: pid 1 may not.
    pub(crate) fn encode(&self) -> [u8; LEN] {
        let (kind, a, b, c, note) = match *self {
            Self::Failed { step, index, errno } => (1, step as u32, index, errno, [0; NOTE_LEN]),
            Self::Started => (2, 0, 0, 0, [0; NOTE_LEN]),
            Self::Ended { status, subject, note } => (3, 0, subject, status, note),
        };
        let mut bytes = [0; LEN];
        let (head, tail) = bytes.split_at_mut(24);
        for (place, word) in head.chunks_exact_mut(4).zip([kind, a, b, c.cast_unsigned(), 0, 0]) {
            place.copy_from_slice(&u32::to_le_bytes(word));
        }
        tail.copy_from_slice(&note);
        bytes
    }

    /// Decodes; `None` where it is no message, as after a pid 1 that was killed while writing.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |n: usize| Some(u32::from_le_bytes(bytes.get(4 * n..4 * n + 4)?.try_into().ok()?));
        match word(0)? {
            1 => {
                let step = Step::from_u32(word(1)?)?;
                Some(Self::Failed { step, index: word(2)?, errno: word(3)?.cast_signed() })
            }
            2 => Some(Self::Started),
            3 => {
                let note = bytes.get(24..LEN)?.try_into().ok()?;
                Some(Self::Ended { status: word(3)?.cast_signed(), subject: word(2)?, note })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes() {
        let ended = Message::Ended { status: -1, subject: 9, note: [7; NOTE_LEN] };
        for message in [ended, Message::Started, Message::Failed { step: Step::Exec, index: 3, errno: 2 }] {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn garbage_is_no_message() {
        assert_eq!(Message::decode(&[]), None);
        assert_eq!(Message::decode(&[9; LEN]), None);
        assert_eq!(Message::decode(&Message::Started.encode()[..3]), None);
    }
}
