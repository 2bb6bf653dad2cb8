//! Where a program's output goes: what arrives is written there, and what could not be is told in the end.

use std::io::{self, ErrorKind as IoKind, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};

/// How much is passed on at once, in bytes: so little that a slow reader is seen to read.
const CHUNK: usize = 8 * 1024;

/// How many times the grace is waited at most once the program has ended, even while output arrives: children that
/// it left may write for ever.
const MOST: u32 = 30;

/// One file or handle that takes output, by one pipe or by two.
#[derive(Debug)]
pub(super) struct Outlet<W> {
    /// How it is called in what is told of it.
    name: String,
    /// One lock for one file, so that what comes by two pipes is written one after the other: appending to a file is
    /// one step on Windows and two on Wine, where of two at once one would be lost.
    to: Mutex<W>,
    /// Why a write failed; nothing is written any more then.
    failure: Mutex<Option<io::Error>>,
    /// How often something arrived or was written.
    moves: AtomicU64,
    /// How many pipes' output has arrived and is not written yet.
    held: AtomicUsize,
}

impl<W: Write> Outlet<W> {
    pub(super) fn new(name: impl Into<String>, to: W) -> Self {
        Self {
            name: name.into(),
            to: Mutex::new(to),
            failure: Mutex::default(),
            moves: AtomicU64::new(0),
            held: AtomicUsize::new(0),
        }
    }

    /// Writes all that `read` returns, until that is nothing or fails.
    pub(super) fn take(&self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length @ 1..) = read(&mut buffer) {
            self.held.fetch_add(1, Ordering::Relaxed);
            self.moves.fetch_add(1, Ordering::Relaxed);
            self.write(&buffer[..length]);
            self.held.fetch_sub(1, Ordering::Relaxed);
            self.moves.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Where that fails the program goes on, and its output is read on, so that it is not held up.
    fn write(&self, text: &[u8]) {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        if self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        let written = to.write_all(text);
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = written.err();
    }

    /// Returns why output is lost, once. That nobody reads it any more is no failure: `program | head` is usual.
    fn lost(&self) -> Option<Error> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        let failure = failure.filter(|error| error.kind() != IoKind::BrokenPipe)?;
        Some(Error::io("write the program's output to", self.name.clone(), failure))
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed) > 0
    }
}

/// All outlets of a program, and when they have taken everything.
#[derive(Debug)]
pub(super) struct Outlets<W> {
    outlets: Vec<Arc<Outlet<W>>>,
    /// Has no other end any more when all output is passed on.
    done: Receiver<()>,
}

impl<W: Write> Outlets<W> {
    pub(super) fn new(outlets: Vec<Arc<Outlet<W>>>, done: Receiver<()>) -> Self {
        Self { outlets, done }
    }

    /// Waits until all output is passed on, but no longer than `grace` while nothing arrives or is written. Returns
    /// what was lost.
    pub(super) fn settle(&self, grace: Duration) -> Vec<Error> {
        let (began, most) = (Instant::now(), grace * MOST);
        let mut before = self.moves();
        // Nothing is sent.
        while self.done.recv_timeout(grace) == Err(RecvTimeoutError::Timeout) {
            let now = self.moves();
            let moves = now != before;
            before = now;
            if !moves || began.elapsed() >= most {
                let losing = self.outlets.iter().find(|outlet| moves || outlet.is_held());
                let cut = losing.map(|outlet| cut_off(&outlet.name, if moves { most } else { grace }, moves));
                return cut.into_iter().chain(self.lost()).collect();
            }
        }
        self.lost().collect()
    }

    fn lost(&self) -> impl Iterator<Item = Error> {
        self.outlets.iter().filter_map(|outlet| outlet.lost())
    }

    fn moves(&self) -> u64 {
        self.outlets.iter().map(|outlet| outlet.moves.load(Ordering::Relaxed)).sum()
    }
}

fn cut_off(name: &str, waited: Duration, moves: bool) -> Error {
    let seconds = waited.as_secs_f32();
    let why = match moves {
        true => {
            format!("it did not come to its end within {seconds} s after the program's; the rest is lost")
        }
        false => format!("nothing was taken for {seconds} s after the program's end; the rest is lost"),
    };
    Error::new(ErrorKind::Timeout, "write the program's output to", name).reason(why)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// Takes every write after a while, or fails.
    struct Slow {
        each: Duration,
        fails: Option<IoKind>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            thread::sleep(self.each);
            if let Some(kind) = self.fails {
                return Err(kind.into());
            }
            self.taken.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const GRACE: Duration = Duration::from_millis(200);

    /// Passes on so many chunks to one that takes each so slowly; returns how many it took, and what is told.
    fn passed(chunks: usize, each: Duration, fails: Option<IoKind>) -> (usize, Option<String>) {
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let slow = Slow { each, fails, taken: Arc::clone(&taken) };
        let outlet = Arc::new(Outlet::new("stdout_filename out.txt", slow));
        let (sender, done) = channel::<()>();
        let theirs = Arc::clone(&outlet);
        thread::spawn(move || {
            let mut left = chunks;
            theirs.take(|buffer| {
                let length = if left == 0 { 0 } else { buffer.len() };
                left = left.saturating_sub(1);
                Ok(length)
            });
            drop(sender);
        });
        let mut told = Outlets::new(vec![outlet], done).settle(GRACE);
        assert!(told.len() < 2, "{told:?}");
        let taken = taken.lock().unwrap().len();
        (taken / CHUNK, told.pop().map(|error| error.one_line()))
    }

    #[test]
    fn what_cannot_be_written_is_told_but_not_that_nobody_reads() {
        let fast = Duration::ZERO;
        assert_eq!(passed(3, fast, None), (3, None));
        let (taken, told) = passed(3, fast, Some(IoKind::StorageFull));
        let told = told.unwrap();
        assert!(
            taken == 0 && told.starts_with("cannot write the program's output to stdout_filename out.txt: "),
            "{told}"
        );
        assert_eq!(passed(3, fast, Some(IoKind::BrokenPipe)), (0, None));
    }

    #[test]
    fn a_slow_reader_loses_nothing_and_one_that_stops_is_told_of() {
        // Three times the grace in all, half of it at once.
        assert_eq!(passed(6, GRACE / 2, None), (6, None));
        let began = Instant::now();
        let (taken, told) = passed(1, GRACE * 20, None);
        assert_eq!(taken, 0);
        assert!(began.elapsed() < GRACE * 15, "{:?}", began.elapsed());
        let told = told.unwrap();
        assert!(told.contains("nothing was taken for 0.2 s") && told.contains("is lost"), "{told}");
    }

    #[test]
    fn output_without_end_is_cut_off_and_silence_is_none() {
        let (taken, told) = passed(usize::MAX, GRACE / 10, None);
        assert!(taken > 0 && told.unwrap().contains("did not come to its end within 6 s"));
        // One that keeps its pipe open and writes nothing loses nothing.
        let (_kept, done) = channel::<()>();
        let silent = Arc::new(Outlet::new("silent", io::sink()));
        assert!(Outlets::new(vec![silent], done).settle(GRACE / 10).is_empty());
    }
}
