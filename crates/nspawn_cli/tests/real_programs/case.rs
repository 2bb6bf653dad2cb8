//! One job for one program, as data.

use crate::table::Program;

/// What is given to a program, and what must come of it.
///
/// In arguments, files and environment `{exe}` stands for the program's own path. The Windows build and the Linux
/// build are given the same, and must agree in everything; `status` and `says` make sure that they do not
/// merely fail alike.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The program.
    pub program: Program,
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// Files laid in its working directory beforehand.
    pub files: &'static [(&'static str, &'static [u8])],
    /// Added to its environment.
    pub environment: &'static [(&'static str, &'static str)],
    /// Where its input comes from and its output goes.
    pub stdio: Stdio,
    /// What kind of text it writes.
    pub text: Text,
    /// The exit status.
    pub status: u8,
    /// A piece of what it must say; empty where it must say nothing.
    pub says: &'static str,
    /// The files that it must have written.
    pub writes: &'static [&'static str],
}

impl Case {
    /// Returns a case of `program` with nothing given, exit status 0, output to a file.
    pub const fn of(program: Program) -> Self {
        Self {
            program,
            arguments: &[],
            files: &[],
            environment: &[],
            stdio: Stdio::File,
            text: Text::Plain,
            status: 0,
            says: "",
            writes: &[],
        }
    }
}

/// A program's standard handles.
#[derive(Debug, Clone, Copy)]
pub enum Stdio {
    /// `stdout_filename` takes stdout and stderr; stdin is empty.
    File,
    /// Pipes to the launcher's own: this text on stdin, stdout and stderr read apart.
    Pipes(&'static str),
}

/// How the text that a program writes differs between Windows and Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// In line endings only.
    Plain,
    /// In line endings and in the separator of file names.
    FileNames,
}
