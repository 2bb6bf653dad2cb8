//! The launcher's own console on Windows: what is typed there, and its end, as events for the contained program.

use std::sync::mpsc::Receiver;

use hcs_sys::console::ControlEvent;

use crate::engine::Event;
use crate::error::{Error, Result};

/// The events of our console, in their order.
#[derive(Debug)]
pub struct Events(Receiver<ControlEvent>);

/// Takes the console's events from now on: none of them ends us any more.
///
/// # Errors
/// They were taken before, or Windows refuses.
pub fn take_events() -> Result<Events> {
    hcs_sys::console::take_events()
        .map(Events)
        .map_err(|error| Error::io("take", "the console's events", error))
}

impl Iterator for Events {
    type Item = Event;

    /// Waits for the next event.
    fn next(&mut self) -> Option<Event> {
        Some(match self.0.recv().ok()? {
            ControlEvent::C | ControlEvent::Break => Event::CtrlC,
            ControlEvent::Close | ControlEvent::Logoff | ControlEvent::Shutdown => Event::CtrlShutdown,
        })
    }
}
