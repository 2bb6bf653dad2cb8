//! The orders: what the engine tells the agent, in one file.
//!
//! Little endian. A head of 24 bytes: magic `NSO1`; u32 services (0 none, 1 async, 2 wait, 3 stock); u64 affinity mask
//! (0: none); u32 Windows build to report; u32 reserved, 0. Then UTF-16 strings, each closed by NUL: application
//! path (empty: the command line decides), command line, working directory, computer name; then the environment,
//! `NAME=value` each, closed by an empty string, which ends the file.

use alloc::vec::Vec;
use core::num::NonZeroU64;

const MAGIC: &[u8] = b"NSO1";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// What becomes of the services.
    pub services: Services,
    /// Processors that the program may use, a bit each.
    pub affinity: Option<NonZeroU64>,
    /// Windows build that programs are to see.
    pub build: u32,
    /// Path of the executable; none: the first word of the command line names it.
    pub application: Option<WideString>,
    /// The program's command line.
    pub command_line: WideString,
    /// Directory that the program starts in.
    pub directory: WideString,
    /// Host name of the container.
    pub computer_name: WideString,
    /// What the program's environment holds beside Wine's own entries.
    pub environment: Vec<Variable>,
}

/// What becomes of Wine's services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Services {
    /// They are not started.
    None,
    /// They start while the program runs.
    Async,
    /// They are ready before the program runs.
    Wait,
    /// Wine's own starter of sessions has run, and started them: it has done all that is to be done for the session.
    Stock,
}

/// An entry of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Never empty; may begin with `=`, as cmd.exe's current directories of drives do.
    pub name: WideString,
    /// May be empty.
    pub value: WideString,
}

/// A UTF-16 string, closed by the only NUL in it, as Windows takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WideString(Vec<u16>);

impl WideString {
    /// Closes `units`, which hold no NUL.
    #[must_use]
    pub fn new(units: &[u16]) -> Self {
        let mut closed = Vec::with_capacity(units.len() + 1);
        closed.extend_from_slice(units);
        closed.push(0);
        Self(closed)
    }

    /// Returns the string without its NUL.
    #[must_use]
    pub fn units(&self) -> &[u16] {
        self.0.split_last().map_or(&[], |(_, units)| units)
    }

    /// Returns the address that Windows takes.
    #[must_use]
    pub fn as_ptr(&self) -> *const u16 {
        self.0.as_ptr()
    }

    /// Returns the address of a copy that Windows may write to.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u16 {
        self.0.as_mut_ptr()
    }
}

/// The file does not hold orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Orders {
    /// Reads `file`.
    ///
    /// # Errors
    /// [`Malformed`]: cut short, longer than it says, not of this format, or nothing to run.
    pub fn parse(file: &[u8]) -> Result<Self, Malformed> {
        let mut rest = Reader(file);
        if rest.take::<4>()? != MAGIC {
            return Err(Malformed);
        }
        let services = match u32::from_le_bytes(rest.take()?) {
            0 => Services::None,
            1 => Services::Async,
            2 => Services::Wait,
            3 => Services::Stock,
            _ => return Err(Malformed),
        };
        let affinity = NonZeroU64::new(u64::from_le_bytes(rest.take()?));
        let build = u32::from_le_bytes(rest.take()?);
        if rest.take::<4>()? != [0; 4] {
            return Err(Malformed);
        }
        let application = Some(rest.string()?).filter(|path| !path.units().is_empty());
        let orders = Self {
            services,
            affinity,
            build,
            command_line: rest.string()?,
            directory: rest.string()?,
            computer_name: rest.string()?,
            environment: rest.environment()?,
            application,
        };
        let runs = orders.application.is_some() || !orders.command_line.units().is_empty();
        if runs && rest.0.is_empty() { Ok(orders) } else { Err(Malformed) }
    }
}

/// What is left of the file.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    fn string(&mut self) -> Result<WideString, Malformed> {
        let mut units = Vec::new();
        loop {
            match u16::from_le_bytes(self.take()?) {
                0 => return Ok(WideString::new(&units)),
                unit => units.push(unit),
            }
        }
    }

    fn environment(&mut self) -> Result<Vec<Variable>, Malformed> {
        let mut variables = Vec::new();
        loop {
            let entry = self.string()?;
            let entry = entry.units();
            if entry.is_empty() {
                return Ok(variables);
            }
            let sign = entry.iter().skip(1).position(|unit| *unit == u16::from(b'=')).ok_or(Malformed)?;
            let (name, value) = entry.split_at(sign + 1);
            variables.push(Variable { name: WideString::new(name), value: WideString::new(&value[1..]) });
        }
    }
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
