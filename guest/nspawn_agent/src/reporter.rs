//! The note, open for writing.

use nspawn_agent::note::{Operation, Stage, Word};
use nspawn_agent::pids::Pid;

use crate::win::file::{self, Access};
use crate::win::{Error, Handle, Result};

const NOTE: &[u16] = wide!(r"\\?\unix\run\nspawn\note");

/// What failed, and how.
#[derive(Debug)]
pub struct Failure {
    operation: Operation,
    error: Error,
}

/// Says what was being done when a Windows call failed.
pub trait Step<T> {
    /// Names the operation.
    fn during(self, operation: Operation) -> core::result::Result<T, Failure>;
}

impl<T> Step<T> for Result<T> {
    fn during(self, operation: Operation) -> core::result::Result<T, Failure> {
        self.map_err(|error| Failure { operation, error })
    }
}

/// Writes the note.
#[derive(Debug)]
pub struct Reporter(Handle);

impl Reporter {
    /// Opens the note and says that we live.
    pub fn open() -> Result<Self> {
        let reporter = Self(file::open(NOTE, Access::Write)?);
        reporter.set(Word::Stage, Stage::Booting as u32)?;
        Ok(reporter)
    }

    /// Names the program's Unix process.
    pub fn pid(&self, pid: Pid) -> Result<()> {
        self.set(Word::Pid, pid.0)
    }

    /// Says that the program runs.
    pub fn running(&self) -> Result<()> {
        self.set(Word::Stage, Stage::Running as u32)
    }

    /// Says that the program has exited.
    pub fn exited(&self, code: u32) -> Result<()> {
        self.set(Word::Detail, code)?;
        self.set(Word::Stage, Stage::Exited as u32)
    }

    /// Says that there is no program. Where even this fails, the engine sees that we end with a failure.
    pub fn failed(&self, failure: Failure) {
        let _written = self
            .set(Word::Detail, failure.error.0)
            .and_then(|()| self.set(Word::Operation, failure.operation as u32))
            .and_then(|()| self.set(Word::Stage, Stage::Failed as u32));
    }

    fn set(&self, word: Word, value: u32) -> Result<()> {
        file::write_at(&self.0, word.offset().into(), &value.to_le_bytes())
    }
}
