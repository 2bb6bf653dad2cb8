//! Callbacks: a thread for each that is registered. It tells what waits in a mailbox, and what it finds by looking at
//! the disk when the bell rings, and now and then. To unregister is to end the thread, so that no callback runs or can come after.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::code::{Code, Failure, Family};
use crate::fault::Delivery;

/// How often the disk is looked at for what other processes changed; what this one changes rings the bell.
const INTERVAL: Duration = Duration::from_millis(20);

/// How long a call waits for its news to be told early.
const EARLY: Duration = Duration::from_millis(200);

/// How late news is that is told late.
pub const LATE: Duration = Duration::from_secs(1);

/// Rings where this process changed something that may be news.
static BELL: Bell = Bell { rung: Mutex::new(0), changed: Condvar::new() };

struct Bell {
    /// How often.
    rung: Mutex<u64>,
    changed: Condvar,
}

/// Says that something changed.
pub fn ring() {
    *BELL.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    BELL.changed.notify_all();
}

/// Waits until it has rung more often than `heard` says, for a while at most, and hears it.
fn hear(heard: &mut u64) {
    let rung = BELL.rung.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = BELL.changed.wait_timeout_while(rung, INTERVAL, |rung| *rung == *heard);
    *heard = *waited.unwrap_or_else(PoisonError::into_inner).0;
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The system ended.
    SystemExited,
    /// It is created. vmcompute.dll alone tells so.
    CreateCompleted,
    /// It is started. vmcompute.dll alone tells so.
    StartCompleted,
    /// The process ended.
    ProcessExited,
    /// The service went away.
    Disconnect,
}

/// A piece of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What happened.
    pub kind: Kind,
    /// Why it failed, where it did. vmcompute.dll alone tells so.
    pub status: Option<Code>,
    /// Its document, where it has one.
    pub data: Option<String>,
}

impl News {
    /// Returns what is told of it, and after how long.
    pub fn delivered(self, delivery: Delivery) -> Vec<(Duration, Self)> {
        let now = |news| (Duration::ZERO, news);
        match delivery {
            Delivery::Once | Delivery::Early => vec![now(self)],
            // That a system exits is told by itself.
            Delivery::Never | Delivery::Ignored | Delivery::Exits => Vec::new(),
            Delivery::Late => vec![(LATE, self)],
            Delivery::Twice => vec![now(self.clone()), now(self)],
            Delivery::Disconnect | Delivery::Leaves => {
                vec![now(Self { kind: Kind::Disconnect, status: Some(Code::NOT_ACTIVE), data: None })]
            }
            Delivery::Refused(code) => {
                let failure = Failure::refused_later(code);
                let data = Some(failure.document(Family::V1));
                vec![now(Self { kind: self.kind, status: Some(failure.code), data })]
            }
        }
    }
}

/// News that waits until somebody listens.
#[derive(Debug, Default)]
pub struct Mailbox {
    letters: Mutex<Letters>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Letters {
    waiting: Vec<(Duration, News)>,
    /// How many were taken and are not told yet.
    taken: usize,
}

impl Mailbox {
    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts news in. That which is early is waited for until it is told, where somebody listens.
    pub fn put(&self, news: News, delivery: Delivery) {
        self.letters().waiting.extend(news.delivered(delivery));
        ring();
        if delivery == Delivery::Early {
            let untold = |letters: &mut Letters| !letters.waiting.is_empty() || letters.taken > 0;
            drop(self.changed.wait_timeout_while(self.letters(), EARLY, untold));
        }
    }

    /// Returns what waits.
    fn take(&self) -> Vec<(Duration, News)> {
        let mut letters = self.letters();
        letters.taken = letters.waiting.len();
        std::mem::take(&mut letters.waiting)
    }

    /// Notes that what was taken is told.
    fn told(&self) {
        self.letters().taken = 0;
        self.changed.notify_all();
    }
}

/// A registered callback. Dropping it unregisters it, and waits for one that runs.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<Mutex<bool>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Tells what waits in `mailbox` and what `look` finds.
    pub fn start(
        mailbox: Arc<Mailbox>,
        mut look: impl FnMut() -> Vec<(Duration, News)> + Send + 'static,
        tell: impl Fn(&News) + Send + 'static,
    ) -> Self {
        let stop = Arc::new(Mutex::new(false));
        let stopped = {
            let stop = Arc::clone(&stop);
            move || *stop.lock().unwrap_or_else(PoisonError::into_inner)
        };
        let listen = move || {
            let (mut heard, mut coming) = (0, Vec::new());
            while !stopped() {
                let taken = mailbox.take().into_iter().chain(look());
                let now = Instant::now();
                coming.extend(taken.map(|(after, news)| (now + after, news)));
                let due = coming.extract_if(.., |(due, _)| *due <= now);
                due.take_while(|_| !stopped()).for_each(|(_, news)| tell(&news));
                mailbox.told();
                hear(&mut heard);
            }
        };
        Self { stop, thread: Some(thread::spawn(listen)) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        ring();
        // A callback that panicked has told its news already.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn news(kind: Kind) -> News {
        News { kind, status: None, data: None }
    }

    #[test]
    fn news_waits_for_who_registers_late() {
        let mailbox = Arc::new(Mailbox::default());
        mailbox.put(news(Kind::CreateCompleted), Delivery::Twice);
        mailbox.put(news(Kind::StartCompleted), Delivery::Never);
        mailbox.put(news(Kind::StartCompleted), Delivery::Disconnect);
        let (sender, receiver) = mpsc::channel();
        let mut exited = Some(news(Kind::SystemExited));
        let watch = Watch::start(
            Arc::clone(&mailbox),
            move || exited.take().into_iter().flat_map(|news| news.delivered(Delivery::Late)).collect(),
            move |news| sender.send(news.kind).unwrap(),
        );
        let told: Vec<_> = receiver.iter().take(4).collect();
        drop(watch);
        assert_eq!(
            told,
            [Kind::CreateCompleted, Kind::CreateCompleted, Kind::Disconnect, Kind::SystemExited]
        );
        assert!(receiver.recv().is_err(), "nothing comes once it is unregistered");
    }

    #[test]
    fn early_news_is_told_before_the_call_returns() {
        let mailbox = Arc::new(Mailbox::default());
        let (sender, receiver) = mpsc::channel();
        let slow = move |news: &News| {
            thread::sleep(Duration::from_millis(20));
            sender.send(news.kind).unwrap();
        };
        let watch = Watch::start(Arc::clone(&mailbox), Vec::new, slow);
        mailbox.put(news(Kind::StartCompleted), Delivery::Early);
        assert_eq!(receiver.try_recv(), Ok(Kind::StartCompleted));
        drop(watch);
    }
}
