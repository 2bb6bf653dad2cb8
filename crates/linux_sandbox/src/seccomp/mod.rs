//! System calls that no program in a sandbox may make. Windows programs are held too: under Wine their code can make raw
//! system calls.
//!
//! The list refuses what reaches the kernel's rarely used or host-wide parts: mounts and namespaces, the host's key rings
//! (they go by user id, not by namespace), sockets of rare kinds, modules, tracing of the machine, and what has been a way
//! out before. All else is allowed: what a sandbox sees is decided by its namespaces and mounts. It is the same for 32-bit
//! programs where a plan has some, by their numbers; where it has none, whoever enters the kernel as one is killed. The
//! x32 calls do not exist.

mod calls;
mod listener;
mod program;
mod rules;
mod sockets;
#[cfg(test)]
mod tests;

use std::io;

use seccompiler::{BpfProgram, sock_filter};

pub(crate) use self::sockets::Sockets;
use crate::plan::Interface;

/// Filters, ready to be put on.
#[derive(Debug)]
pub(crate) struct Filters {
    /// Those by which calls are refused.
    refusing: [BpfProgram; 2],
    interface: Interface,
}

impl Filters {
    /// Makes the filters of a sandbox whose programs use `interface`. Called in the launcher: it allocates.
    ///
    /// # Errors
    /// The list cannot be compiled.
    pub(crate) fn new(interface: Interface) -> io::Result<Self> {
        let refused = program::program(interface, calls::refused, libc::EPERM)?;
        let absent = program::program(interface, |of| Ok(calls::absent(of)), libc::ENOSYS)?;
        Ok(Self { refusing: [refused, absent], interface })
    }

    /// Returns all filters.
    fn all(&self) -> impl Iterator<Item = &[sock_filter]> {
        let asking = match self.interface {
            Interface::X86_64 => None,
            Interface::X86_64AndI386 => Some(sockets::QUESTIONS.as_slice()),
        };
        asking.into_iter().chain(self.refusing.iter().map(Vec::as_slice))
    }

    /// In pid 1, before it starts the program: puts that filter on both for which it makes sockets, if there is one.
    /// Allocates nothing.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn make_sockets(&self) -> io::Result<Option<Sockets>> {
        match self.interface {
            Interface::X86_64 => Ok(None),
            Interface::X86_64AndI386 => Sockets::begin(),
        }
    }

    /// Puts the others on this process, for good. Allocates nothing.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn apply(&self) -> io::Result<()> {
        self.refusing.iter().try_for_each(|filter| {
            seccompiler::apply_filter(filter).map_err(|error| match error {
                seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => error,
                _ => io::Error::from_raw_os_error(libc::EINVAL),
            })
        })
    }
}

/// Returns the system call filters of a sandbox whose programs use `interface`, in the order in which they are put on, each
/// as seccomp(2) takes it, instructions of 8 bytes: for comparing with what carries the same.
///
/// # Errors
/// The list cannot be compiled.
pub fn filters(interface: Interface) -> io::Result<Vec<Vec<u8>>> {
    let instruction = |one: &sock_filter| {
        let [code, k] = [one.code.to_ne_bytes().to_vec(), one.k.to_ne_bytes().to_vec()];
        [code, vec![one.jt, one.jf], k].concat()
    };
    let filters = Filters::new(interface)?;
    Ok(filters.all().map(|filter| filter.iter().flat_map(instruction).collect()).collect())
}
