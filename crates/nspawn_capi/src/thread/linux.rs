// UNSAFETY: system calls about the calling thread alone.
#![expect(unsafe_code, reason = "system calls about this thread")]

use std::io;

use nspawn::{Error, Result};

/// Signals that tell of a fault of the thread itself: blocked, they would end the process without its handler.
const FAULTS: [libc::c_int; 6] =
    [libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGSYS, libc::SIGTRAP];

/// Sets the calling thread apart from the others of its process:
///
/// - its umask and current directory become its own, so that the umask it sets is not seen by others, and a directory
///   they change to is not seen by it;
/// - it takes no signals, so that no handler of the host's runs on it and none of its calls is interrupted. SIGPIPE,
///   which a host need not ignore, stays with it too: writing to a pipe whose other end is gone is only an error.
///
/// # Errors
/// The system refuses: a filter of system calls may forbid unshare(2).
pub(crate) fn set_apart() -> Result<()> {
    // SAFETY: takes a number, and changes only what this thread shares.
    if unsafe { libc::unshare(libc::CLONE_FS) } < 0 {
        return Err(Error::io("unshare", "the thread's umask", io::Error::last_os_error()));
    }
    // SAFETY: sigset_t is plain data, which sigfillset fills; the calls only read it then.
    let errno = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        FAULTS.iter().for_each(|signal| {
            libc::sigdelset(&raw mut set, *signal);
        });
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut())
    };
    match errno {
        0 => Ok(()),
        errno => Err(Error::io("block", "signals", io::Error::from_raw_os_error(errno))),
    }
}
