//! Sockets for 32-bit programs, whose C library makes them by a call whose arguments lie in memory (socketcall(2)): no
//! filter sees of what kind they shall be. pid 1 makes them instead. The kernel has the program wait and asks pid 1, which
//! reads what is wanted, makes the same call in its own name, held by the same filters, and hands over what it got.
//! What it has read it uses once: whoever changes it meanwhile gets what he asked for first.
//!
//! The rules of [`child`](crate::child) hold: no allocation, no lock.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, socket_with, socketpair};
use seccompiler::sock_filter;

use super::listener::{self, Listener, Request, Then};
use super::program::{ARCH, AUDIT_ARCH_I386, answer, first_argument, is, load};

/// The call's number (syscall_32.tbl).
const SOCKETCALL: u32 = 102;
/// What it shall do (linux/net.h): `SYS_SOCKET`, `SYS_SOCKETPAIR`.
const SOCKET: u32 = 1;
const PAIR: u32 = 8;

/// Has the kernel ask about sockets that are made by socketcall. What else it does with them needs no socket of a rare
/// kind, for there is none.
pub(super) const QUESTIONS: [sock_filter; 9] = [
    load(ARCH),
    is(AUDIT_ARCH_I386, 0, 5),
    load(0),
    is(SOCKETCALL, 0, 3),
    first_argument(),
    is(SOCKET, 2, 0),
    is(PAIR, 1, 0),
    answer(libc::SECCOMP_RET_ALLOW),
    answer(libc::SECCOMP_RET_USER_NOTIF),
];

/// Makes sockets for others.
#[derive(Debug)]
pub(crate) struct Sockets(Listener);

impl Sockets {
    /// Begins, for all that this process will start. `None`: it cannot be, and they have no such call.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn begin() -> io::Result<Option<Self>> {
        Ok(listener::put_on(&QUESTIONS)?.map(Self))
    }

    /// Returns what can be read when somebody wants a socket.
    pub(crate) fn wanted(&self) -> BorrowedFd<'_> {
        self.0.descriptor().as_fd()
    }

    /// Makes what one wants.
    pub(crate) fn make(&self) {
        let Ok(request) = self.0.receive() else { return };
        if let Err(errno) = self.give(&request) {
            self.0.answer(&request, Err(errno));
        }
    }

    /// Carries out a call; if it fails, it is still to be answered.
    fn give(&self, request: &Request) -> Result<(), Errno> {
        let [what, place, ..] = request.arguments;
        let mut arguments = [0; 4];
        let count = if what == PAIR { 4 } else { 3 };
        self.0.read(request, place, &mut arguments[..count])?;
        let [family, sort, protocol, pair] = arguments;
        // The kernel has no families beyond that.
        let family = u16::try_from(family).map_err(|_| Errno::AFNOSUPPORT)?;
        let family = AddressFamily::from_raw(family);
        // The flags are a part of the sort. Ours is never inherited, theirs is as they say.
        let (sort, flags) = (SocketType::from_raw(sort), SocketFlags::CLOEXEC);
        let theirs = arguments[1] & SocketFlags::CLOEXEC.bits();
        let protocol = std::num::NonZero::new(protocol).map(Protocol::from_raw);
        if what == SOCKET {
            let made = socket_with(family, sort, flags, protocol)?;
            self.0.hand_over(request, &made, theirs, Then::Return)?;
            return Ok(());
        }
        let (one, other): (OwnedFd, OwnedFd) = socketpair(family, sort, flags, protocol)?;
        let given = [&one, &other].map(|made| self.0.hand_over(request, made, theirs, Then::Wait));
        // Where one is refused the caller keeps the other: it leads nowhere, and counts against his own limit alone.
        let [one, other] = given;
        let numbers = [one?, other?];
        if self.0.waits(request) {
            request.write(pair, &numbers)?;
        }
        self.0.answer(request, Ok(()));
        Ok(())
    }
}
