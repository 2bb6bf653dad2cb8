//! The note: what the agent tells the engine, in a file of 64 bytes that both know. Each word is written in
//! place, and the word that gives the others their meaning last.
//!
//! | word | meaning |
//! |---|---|
//! | 0 | Unix process id of the program, in the container's pid namespace; 0: not known |
//! | 1 | [`Stage`] |
//! | 2 | stage 3: the program's exit code, all 32 bits; stage 4: the Win32 error |
//! | 3 | stage 4: [`Operation`] |

/// Bytes of the file.
pub const SIZE: usize = 64;

/// How far the agent has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// Nothing of the program exists yet.
    Booting = 1,
    /// The program runs.
    Running = 2,
    /// The program has exited.
    Exited = 3,
    /// The program could not be started as ordered; what there was of it is ended.
    Failed = 4,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Operation {
    /// The orders cannot be read, or are malformed.
    Orders = 1,
    /// CreateProcess of the program, or its resumption.
    CreateProcess = 2,
    /// The program's affinity mask.
    Affinity = 3,
    /// The page of shared user data, and the event that tells other processes that it is filled.
    SharedData = 4,
    /// The registry's record of the computer: name, version, processors.
    Computer = 5,
    /// Starting the services, or waiting for them.
    Services = 6,
    /// The Windows pipes that stand in for Unix pipes as standard streams.
    Streams = 7,
}

/// A word of the note, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Word {
    /// See the table above.
    Pid = 0,
    /// See the table above.
    Stage = 1,
    /// See the table above.
    Detail = 2,
    /// See the table above.
    Operation = 3,
}

impl Word {
    /// Returns where in the file the word lies, in bytes.
    #[must_use]
    pub fn offset(self) -> u32 {
        self as u32 * 4
    }
}
