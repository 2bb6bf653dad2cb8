//! What the service has told of one system and its process, and waiting for it to tell.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hcs_schema::results::{ProcessExit, ProcessStatus};
use hcs_sys::{Code, Kind, Notification};

/// How something went, in a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: Code,
    /// The document (JSON) beside the code, where there was one.
    pub(super) document: Option<String>,
}

/// What was told so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// How making the system went.
    pub(super) created: Option<Said>,
    /// How starting it went.
    pub(super) started: Option<Said>,
    /// The system has ended, like this.
    pub(super) system_exited: Option<Said>,
    /// How often it was told that the process has ended.
    pub(super) process_exits: u32,
    /// How the process stood when that was told, where the service said so.
    pub(super) process_status: Option<ProcessStatus>,
    /// The same, where it says all that an exit code is made of.
    pub(super) process_exit: Option<ProcessExit>,
    /// The service went away, and tells nothing more.
    pub(super) disconnected: bool,
}

impl Told {
    fn add(&mut self, told: &Notification) {
        let said = || Some(Said { code: told.status, document: told.data.clone() });
        match told.kind {
            Kind::CreateCompleted => self.created = said(),
            Kind::StartCompleted => self.started = said(),
            Kind::SystemExited => self.system_exited = said(),
            Kind::ProcessExited => {
                self.process_exits += 1;
                let data = told.data.as_deref().unwrap_or_default();
                self.process_status = serde_json::from_str(data).ok().or(self.process_status);
                self.process_exit = serde_json::from_str(data).ok().or(self.process_exit);
            }
            Kind::ServiceDisconnect => self.disconnected = true,
            // Failed shutdowns show in that nothing exits; crashes are followed by the exit.
            Kind::ShutdownCompleted | Kind::Crash | Kind::Other(_) => {}
        }
    }
}

/// The notifications of one system and its process. What is told twice counts once; what is told early waits.
#[derive(Debug)]
pub(super) struct Events {
    sender: Sender<Notification>,
    state: Mutex<(Receiver<Notification>, Told)>,
}

impl Events {
    pub(super) fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender, state: Mutex::new((receiver, Told::default())) }
    }

    /// Returns where notifications go.
    pub(super) fn sender(&self) -> Sender<Notification> {
        self.sender.clone()
    }

    /// Has who waits look once more: something else than what is told here has changed.
    pub(super) fn wake(&self) {
        // The other end lives as long as we do.
        let _ = self.sender.send(Notification::NOTHING);
    }

    /// Notes that nothing will be told, as where the service went away.
    pub(super) fn disconnect(&self) {
        let _ = self.sender.send(Notification { kind: Kind::ServiceDisconnect, ..Notification::NOTHING });
    }

    /// Waits until `look` finds what it looks for; `None` after `timeout`. One at a time: others wait for that first.
    pub(super) fn wait<T>(&self, timeout: Duration, look: impl Fn(&Told) -> Option<T>) -> Option<T> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (receiver, told) = &mut *state;
        loop {
            while let Ok(notification) = receiver.try_recv() {
                told.add(&notification);
            }
            if let Some(found) = look(told) {
                return Some(found);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match receiver.recv_timeout(left.unwrap_or(timeout)) {
                Ok(notification) => told.add(&notification),
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn early_and_double_notifications_count_once() {
        let (events, soon) = (Events::new(), SOON);
        let sender = events.sender();
        let tell = |kind| {
            let status = Code::from_hresult(0);
            sender.send(Notification { kind, status, data: None }).unwrap();
        };
        [Kind::StartCompleted, Kind::CreateCompleted, Kind::CreateCompleted].into_iter().for_each(tell);
        let well = Some(Said { code: Code::from_hresult(0), document: None });
        assert_eq!(events.wait(soon, |told| told.created.clone()), well);
        assert_eq!(events.wait(soon, |told| told.started.clone()), well);
        assert_eq!(events.wait(soon, |told| told.system_exited.clone()), None);
        tell(Kind::ProcessExited);
        assert_eq!(events.wait(soon, |told| (told.process_exits == 1).then_some(())), Some(()));
        assert_eq!(events.wait(soon, |told| told.system_exited.clone()), None);
    }

    #[test]
    fn who_waits_is_woken_to_look_once_more() {
        let (events, looks) = (Events::new(), std::cell::Cell::new(0));
        events.wake();
        let twice = |_: &Told| {
            looks.set(looks.get() + 1);
            (looks.get() == 2).then_some(())
        };
        // The first look takes what came before.
        assert_eq!(events.wait(SOON, twice), None);
        std::thread::scope(|scope| {
            looks.set(0);
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                events.wake();
            });
            assert_eq!(events.wait(Duration::from_secs(20), twice), Some(()));
        });
    }

    #[test]
    fn an_exit_that_is_told_by_half_is_asked_for() {
        let events = Events::new();
        let tell = |data: &str| {
            let told = Notification {
                kind: Kind::ProcessExited,
                data: Some(data.to_owned()),
                ..Notification::NOTHING
            };
            events.sender().send(told).unwrap();
        };
        let exit = || events.wait(SOON, |told| told.process_exit).and_then(|exit| exit.0.code());
        tell(r#"{"ProcessId": 4, "Exited": true, "ExitCode": 7}"#);
        assert_eq!(exit(), None);
        tell(r#"{"ProcessId": 4, "Exited": true, "ExitCode": 7, "LastWaitResult": 0}"#);
        assert_eq!(exit(), Some(7));
    }
}
