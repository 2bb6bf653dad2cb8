//! What the service has told of one system and its process, and waiting for it to tell.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hcs_schema::results::ProcessStatus;
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
                let status = told.data.as_deref().and_then(|text| serde_json::from_str(text).ok());
                self.process_status = status.or(self.process_status);
            }
            Kind::ServiceDisconnect => self.disconnected = true,
            // Failed shutdowns show in that nothing exits; crashes are followed by the exit.
            Kind::ShutdownCompleted | Kind::Crash | Kind::Other(_) => {}
        }
    }
}

/// The notifications of one system and its process. What is told twice counts once; what is told early waits.
#[derive(Debug)]
pub(super) struct Events(Mutex<(Receiver<Notification>, Told)>);

impl Events {
    pub(super) fn new(receiver: Receiver<Notification>) -> Self {
        Self(Mutex::new((receiver, Told::default())))
    }

    /// Waits until `look` finds what it looks for; `None` after `timeout`, or where nothing more can come.
    pub(super) fn wait<T>(&self, timeout: Option<Duration>, look: impl Fn(&Told) -> Option<T>) -> Option<T> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (receiver, told) = &mut *state;
        loop {
            while let Ok(notification) = receiver.try_recv() {
                told.add(&notification);
            }
            if let Some(found) = look(told) {
                return Some(found);
            }
            let received = match deadline {
                Some(deadline) => receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())),
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match received {
                Ok(notification) => told.add(&notification),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn early_and_double_notifications_count_once() {
        let (sender, receiver) = channel();
        let events = Events::new(receiver);
        let tell = |kind| {
            let status = Code::from_hresult(0);
            sender.send(Notification { kind, status, data: None }).unwrap();
        };
        let soon = Some(Duration::from_millis(1));
        [Kind::StartCompleted, Kind::CreateCompleted, Kind::CreateCompleted].into_iter().for_each(tell);
        let well = Some(Said { code: Code::from_hresult(0), document: None });
        assert_eq!(events.wait(soon, |told| told.created.clone()), well);
        assert_eq!(events.wait(soon, |told| told.started.clone()), well);
        assert_eq!(events.wait(soon, |told| told.system_exited.clone()), None);
        tell(Kind::ProcessExited);
        assert_eq!(events.wait(None, |told| (told.process_exits == 1).then_some(())), Some(()));
        drop(sender);
        assert_eq!(events.wait(None, |told| told.system_exited.clone()), None);
    }
}
