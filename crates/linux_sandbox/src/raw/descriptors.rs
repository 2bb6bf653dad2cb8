//! Closes what a forked process holds and does not need: close_range(2), and where a kernel before 5.9 or a filter of
//! system calls keeps that back, one by one as /proc lists them. Allocates nothing.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, RawFd};

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};

use super::{close, is_kept_back};

/// Closes every descriptor of this process but those that `kept` lists in ascending order.
pub(crate) fn close_others(kept: &[RawFd]) -> io::Result<()> {
    match close_ranges(kept) {
        Err(error) if is_kept_back(&error) => close_listed(kept),
        done => done,
    }
}

/// As [`close_others`], for a process that does nothing with them and soon ends.
pub(crate) fn close_all_but(kept: &[RawFd]) {
    let _ = close_others(kept);
}

fn close_ranges(kept: &[RawFd]) -> io::Result<()> {
    let mut first = 0;
    let ends = kept.iter().map(|fd| fd.cast_unsigned()).chain([u32::MAX]);
    for end in ends {
        if first < end {
            // SAFETY: only called in a forked child, on copies of descriptors that nothing in it uses any more.
            let result = unsafe { libc::syscall(libc::SYS_close_range, first, end - 1, 0) };
            if result < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        first = end.saturating_add(1);
    }
    Ok(())
}

fn close_listed(kept: &[RawFd]) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let list = openat(CWD, c"/proc/self/fd", flags, Mode::empty())?;
    let mut room = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(&list, &mut room);
    while let Some(entry) = entries.next() {
        // The names `.` and `..` are no numbers.
        let number = entry?.file_name().to_str().ok().and_then(|name| name.parse::<RawFd>().ok());
        number.filter(|fd| *fd != list.as_raw_fd() && !kept.contains(fd)).into_iter().for_each(close);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use rustix::pipe::pipe;

    use super::super::{Fork, exit, fork, wait_for};
    use super::*;

    /// Has a copy of this process close all but what is kept, and returns the exit status that `tell` makes of it.
    fn closed_by(way: fn(&[RawFd]) -> io::Result<()>, kept: &[RawFd], tell: impl Fn() -> i32) -> i32 {
        match fork(None).unwrap() {
            Fork::Child(_) => exit(if way(kept).is_ok() { tell() } else { 99 }),
            Fork::Parent(pid) => libc::WEXITSTATUS(wait_for(pid).unwrap().0),
        }
    }

    fn is_open(fd: impl AsFd) -> bool {
        rustix::io::fcntl_getfd(fd).is_ok()
    }

    #[test]
    fn whichever_way_all_but_what_is_kept_is_closed() {
        let (reader, writer) = pipe().unwrap();
        // More than fit in one reading of the list.
        let many: Vec<File> = (0..200).map(|_| File::open("/dev/null").unwrap()).collect();
        let last = many.last().unwrap();
        let mut kept = [reader.as_raw_fd(), last.as_raw_fd()];
        kept.sort_unstable();
        for way in [close_ranges, close_listed] {
            let status = closed_by(way, &kept, || {
                let wrong =
                    many[..199].iter().filter(|file| is_open(file)).count() + usize::from(is_open(&writer));
                let right = is_open(&reader) && is_open(last);
                if right { wrong.min(50) as i32 } else { 98 }
            });
            assert_eq!(status, 0);
        }
    }
}
