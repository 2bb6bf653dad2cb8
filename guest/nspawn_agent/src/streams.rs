//! The program's standard streams. A file or a terminal it gets as it is. A Unix pipe it does not: libuv, and so
//! Node, refuses one, which has none of a Windows pipe's properties. A Windows pipe stands in for it, and a
//! thread of ours copies.

use alloc::sync::{Arc, Weak};
use alloc::vec;
use alloc::vec::Vec;

use crate::win::process::{Thread, spawn};
use crate::win::stream::{self, Inherited, Standard};
use crate::win::{Error, Handle, Result};

/// Bytes that a pipe holds, and that are copied at once.
const SIZE: u32 = 64 * 1024;

/// How long a thread that copies may take to see that the program has ended, in milliseconds.
const PAUSE: u32 = 5;

/// The streams, before the program exists.
#[derive(Debug)]
pub struct Streams {
    stdin: Option<Handle>,
    stdout: Option<Handle>,
    stderr: Option<Handle>,
    /// Standard output and error are one pipe, and stay one: what is written to them keeps its order.
    joined: bool,
    outputs: Outputs,
}

/// The copying of what the program writes.
#[derive(Debug)]
pub struct Outputs(Vec<Output>);

#[derive(Debug)]
struct Output {
    /// Owned by the thread, which closes it when nobody takes what the program writes: then the program's
    /// writes fail, as they should.
    reader: Weak<Handle>,
    thread: Thread,
}

impl Streams {
    /// Makes a Windows pipe for each of our standard streams that is a Unix pipe, and starts to copy.
    pub fn open() -> Result<Self> {
        let mut outputs = Vec::new();
        let stdin = Standard::Input.is_pipe().then(copy_in).transpose()?;
        let stdout =
            Standard::Output.is_pipe().then(|| copy_out(Standard::Output, &mut outputs)).transpose()?;
        let joined = stdout.is_some()
            && Standard::Output.identity().is_some_and(|pipe| Standard::Error.identity() == Some(pipe));
        let stderr = if joined || !Standard::Error.is_pipe() {
            None
        } else {
            Some(copy_out(Standard::Error, &mut outputs)?)
        };
        Ok(Self { stdin, stdout, stderr, joined, outputs: Outputs(outputs) })
    }

    /// Returns the program's ends of the pipes, for standard input, output and error.
    pub fn program_ends(&self) -> [Option<&Handle>; 3] {
        let stderr = if self.joined { &self.stdout } else { &self.stderr };
        [self.stdin.as_ref(), self.stdout.as_ref(), stderr.as_ref()]
    }

    /// Closes the program's ends: the program has them now, and its end is the pipes' end.
    pub fn leave_to_program(self) -> Outputs {
        self.outputs
    }
}

impl Outputs {
    /// Waits until all that the program wrote is copied. The program has ended; processes that it started may
    /// hold the pipes open, and what they write from now on is not waited for.
    pub fn finish(self) {
        for output in self.0 {
            while !output.thread.ends_within(PAUSE) {
                if let Some(reader) = output.reader.upgrade() {
                    stream::cancel_read(&reader);
                }
            }
        }
    }
}

/// Returns the end to read of a pipe that is fed from standard input.
fn copy_in() -> Result<Handle> {
    Standard::Input.keep()?;
    let (reader, writer) = stream::pipe(SIZE, Inherited::Reader)?;
    spawn(move || {
        let mut buffer = vec![0; SIZE as usize];
        // Whichever side ends: that the pipe is closed tells the other.
        while let Ok(part @ [_, ..]) = stream::read(Standard::Input.handle(), &mut buffer) {
            if stream::write(writer.raw(), part).is_err() {
                break;
            }
        }
    })?;
    Ok(reader)
}

/// Returns the end to write of a pipe that is copied to `standard`.
fn copy_out(standard: Standard, outputs: &mut Vec<Output>) -> Result<Handle> {
    standard.keep()?;
    let (reader, writer) = stream::pipe(SIZE, Inherited::Writer)?;
    let owner = Arc::new(reader);
    let reader = Arc::downgrade(&owner);
    let thread = spawn(move || {
        // Nobody reads any more, or nobody writes: both are an end.
        let _end = copy_until_program_ends(&owner, standard);
    })?;
    outputs.push(Output { reader, thread });
    Ok(writer)
}

fn copy_until_program_ends(reader: &Handle, standard: Standard) -> Result<()> {
    let mut buffer = vec![0; SIZE as usize];
    loop {
        match stream::read(reader.raw(), &mut buffer) {
            Ok([]) => return Ok(()),
            Ok(part) => stream::write(standard.handle(), part)?,
            Err(Error::ABORTED) => break,
            Err(error) => return Err(error),
        }
    }
    // The program has ended, and what it wrote is in the pipe.
    let mut left = stream::available(reader)?;
    while left > 0 {
        let limit = left.min(buffer.len());
        let part = stream::read(reader.raw(), &mut buffer[..limit])?;
        stream::write(standard.handle(), part)?;
        left -= part.len().min(left);
        if part.is_empty() {
            break;
        }
    }
    Ok(())
}
