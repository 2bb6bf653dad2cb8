//! What the kernel asks us about calls, of which a filter says that somebody else shall answer them
//! (seccomp_unotify(2)), and the memory of whoever made one.
//!
//! The rules of [`child`](crate::child) hold: no allocation, no lock.
// UNSAFETY: seccomp(2) and its ioctls, and process_vm_readv(2), none of which rustix has.
#![expect(unsafe_code, reason = "raw system calls")]

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use rustix::io::Errno;
use seccompiler::sock_filter;

/// Asked of every call that a filter leaves to others.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

/// A call that is waited with.
#[derive(Debug)]
pub(super) struct Request {
    id: u64,
    /// The thread that made it, by its number among our processes.
    pid: i32,
    /// Its arguments, as far as a 32-bit program can set them.
    pub(super) arguments: [u32; 6],
}

/// What becomes of a call by which a descriptor is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It is waited with further.
    Wait,
    /// It returns the descriptor.
    Return,
}

/// Puts a filter on this process and all that it will start, and returns where its questions are asked. `None`: somebody
/// around us is asked already, and there can be but one; then the calls are as if there were none.
///
/// # Errors
/// The kernel refuses.
pub(super) fn put_on(filter: &[sock_filter]) -> io::Result<Option<Listener>> {
    const LISTEN: libc::c_ulong = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Once a call is being answered, only a deadly signal breaks it off: it is not made twice. Since Linux 5.19.
    const TO_THE_END: libc::c_ulong = libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let made = match set(filter, LISTEN | TO_THE_END) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => set(filter, LISTEN),
        made => made,
    };
    match made {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => set(filter, 0).map(|_| None),
        // SAFETY: the kernel has just opened it for us.
        made => made.map(|listener| Some(Listener(unsafe { OwnedFd::from_raw_fd(listener) }))),
    }
}

fn set(filter: &[sock_filter], flags: libc::c_ulong) -> io::Result<i32> {
    let len = filter.len().try_into().map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut().cast() };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the program is of `len` instructions, laid out as the kernel's, and only read during the call.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as i32) }
}

impl Listener {
    /// Returns what is to be polled, for reading.
    pub(super) fn descriptor(&self) -> &OwnedFd {
        &self.0
    }

    /// Takes the next call, after it was announced.
    ///
    /// # Errors
    /// Whoever made it is gone, or waits no longer.
    pub(super) fn receive(&self) -> Result<Request, Errno> {
        // SAFETY: of integers alone, for which zero is a value; the kernel insists on zeros.
        let mut asked: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        self.ioctl(libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked)?;
        let arguments = asked.data.args.map(|argument| argument as u32);
        Ok(Request { id: asked.id, pid: asked.pid.cast_signed(), arguments })
    }

    /// Returns whether a call is waited with still: if so, its process is the one that made it.
    pub(super) fn waits(&self, request: &Request) -> bool {
        let mut id = request.id;
        self.ioctl(libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw mut id).is_ok()
    }

    /// Reads words of the memory of whoever made a call. It waits still when they have been read: had it ended, its
    /// number could be another process's by then, and so the memory (seccomp_unotify(2)).
    ///
    /// # Errors
    /// `SRCH`: it waits no longer; it has no such memory, or we may not look into it.
    pub(super) fn read(&self, request: &Request, address: u32, words: &mut [u32]) -> Result<(), Errno> {
        request.read(address, words)?;
        if self.waits(request) { Ok(()) } else { Err(Errno::SRCH) }
    }

    /// Has a call return. Where nobody waits for it any more, that is no matter.
    pub(super) fn answer(&self, request: &Request, answer: Result<(), Errno>) {
        let error = answer.map_or_else(|errno| -errno.raw_os_error(), |()| 0);
        let mut reply = libc::seccomp_notif_resp { id: request.id, val: 0, error, flags: 0 };
        let _ = self.ioctl(libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut reply);
    }

    /// Gives the process that made a call a descriptor of what we have, and returns its number there. `flags` are those of
    /// descriptors, `O_CLOEXEC`.
    ///
    /// # Errors
    /// It may not have another one, or is gone.
    pub(super) fn hand_over(
        &self,
        request: &Request,
        ours: &OwnedFd,
        flags: u32,
        then: Then,
    ) -> Result<i32, Errno> {
        let mut given = libc::seccomp_notif_addfd {
            id: request.id,
            flags: if then == Then::Return { libc::SECCOMP_ADDFD_FLAG_SEND as u32 } else { 0 },
            srcfd: ours.as_raw_fd().cast_unsigned(),
            newfd: 0,
            newfd_flags: flags,
        };
        self.ioctl(libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw mut given)
    }

    fn ioctl<T>(&self, request: libc::Ioctl, argument: *mut T) -> Result<i32, Errno> {
        // SAFETY: each of our callers gives a struct of its own, of the type that the request's number is made of.
        match unsafe { libc::ioctl(self.0.as_raw_fd(), request, argument) } {
            result @ 0.. => Ok(result),
            _ => Err(last_errno()),
        }
    }
}

impl Request {
    /// Reads words of it, of whosever it is by now: [`Listener::read`] asks.
    fn read(&self, address: u32, words: &mut [u32]) -> Result<(), Errno> {
        let length = size_of_val(words);
        let ours = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: length };
        let theirs = foreign(address, length);
        // SAFETY: `ours` is memory that we have alone, for any bytes; of theirs the kernel takes care.
        whole(length, unsafe {
            libc::process_vm_readv(self.pid, &raw const ours, 1, &raw const theirs, 1, 0)
        })
    }

    /// Writes words into the memory of whoever made the call.
    ///
    /// # Errors
    /// It has no such memory, or we may not look into it.
    pub(super) fn write(&self, address: u32, words: &[i32]) -> Result<(), Errno> {
        let length = size_of_val(words);
        let ours = libc::iovec { iov_base: words.as_ptr().cast_mut().cast(), iov_len: length };
        let theirs = foreign(address, length);
        // SAFETY: `ours` is only read; of theirs the kernel takes care.
        whole(length, unsafe {
            libc::process_vm_writev(self.pid, &raw const ours, 1, &raw const theirs, 1, 0)
        })
    }
}

fn foreign(address: u32, length: usize) -> libc::iovec {
    libc::iovec { iov_base: std::ptr::without_provenance_mut(address as usize), iov_len: length }
}

/// Says of a transfer of `wanted` bytes whether all were transferred.
fn whole(wanted: usize, transferred: isize) -> Result<(), Errno> {
    match usize::try_from(transferred) {
        Err(_) => Err(last_errno()),
        Ok(count) if count == wanted => Ok(()),
        Ok(_) => Err(Errno::FAULT),
    }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;
    use crate::seccomp::program::{answer, is, load};

    #[test]
    fn what_a_call_says_is_read_while_it_waits_and_not_later() {
        const NAME: &str = "what_a_call_says_is_read_while_it_waits_and_not_later";
        // Asked of one harmless call of the thread that has put it on.
        let filter = [
            load(0),
            is(libc::SYS_getppid as u32, 0, 1),
            answer(libc::SECCOMP_RET_USER_NOTIF),
            answer(libc::SECCOMP_RET_ALLOW),
        ];
        let place = low_word(0x1234);
        let (tell, told) = channel();
        let (end, ended) = channel::<()>();
        let caller = thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            tell.send(put_on(&filter)).unwrap();
            // SAFETY: it has no arguments.
            unsafe { libc::syscall(libc::SYS_getppid) };
            // The thread lives on: only the call is over.
            let _ = ended.recv();
        });
        let Ok(Some(listener)) = told.recv().unwrap() else {
            // Not `eprintln!`: the test harness would keep it from whoever counts skipped tests.
            let _ =
                writeln!(io::stderr(), "skipped: seccomp::listener::tests::{NAME}: no listener to be had");
            return;
        };
        let request = listener.receive().unwrap();
        let read = || {
            let mut word = [0];
            listener.read(&request, place, &mut word).map(|()| word[0])
        };
        assert_eq!(read(), Ok(0x1234));
        listener.answer(&request, Ok(()));
        assert_eq!(read(), Err(Errno::SRCH));
        end.send(()).unwrap();
        caller.join().unwrap();
    }

    /// Returns the address of a word where 32-bit programs have memory.
    fn low_word(word: u32) -> u32 {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT);
        // SAFETY: new memory, of nobody else's, and never given back.
        unsafe {
            let page = libc::mmap(std::ptr::null_mut(), 4096, access, kind, -1, 0);
            assert_ne!(page, libc::MAP_FAILED);
            page.cast::<u32>().write(word);
            page.addr().try_into().unwrap()
        }
    }

    #[test]
    fn structs_have_the_kernel_s_layout() {
        // linux/seccomp.h.
        assert_eq!(size_of::<libc::seccomp_notif>(), 80);
        assert_eq!(size_of::<libc::seccomp_notif_resp>(), 24);
        assert_eq!(size_of::<libc::seccomp_notif_addfd>(), 24);
        assert_eq!(size_of::<seccompiler::sock_filter>(), size_of::<libc::sock_filter>());
    }
}
