//! Steps and progress on standard error: bars where a terminal is, plain lines elsewhere. Standard output belongs to
//! the contained program.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use nspawn::engine::Observer;

use crate::failure;
use crate::signals::Signals;

/// Prints what the library tells.
#[derive(Debug)]
pub(crate) struct Ui {
    quiet: bool,
    terminal: bool,
    bar: Mutex<Option<ProgressBar>>,
    signals: Signals,
}

impl Ui {
    pub(crate) fn new(quiet: bool, signals: Signals) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), bar: Mutex::default(), signals }
    }
}

impl Observer for Ui {
    fn step(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    fn warn(&self, error: &nspawn::Error) {
        failure::warn(error);
    }

    fn interrupted(&self) -> Option<u8> {
        self.signals.first()
    }

    fn progress(&self, what: &str, done: u64, total: u64) {
        match (self.quiet, self.terminal) {
            (true, _) => {}
            (false, false) => self.step(&format!("{what}: {done} of {total}")),
            (false, true) => {
                let mut bar = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let shown = bar.get_or_insert_with(|| new_bar(what, total));
                shown.set_position(done);
                if done >= total {
                    shown.finish_and_clear();
                    *bar = None;
                }
            }
        }
    }
}

fn new_bar(what: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(what.to_owned());
    // The template is a constant; were it wrong, indicatif's own would do.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}
