//! What was done and how to undo it.

use crate::error::{Error, Result};

type Undo = Box<dyn FnOnce() -> Result<()> + Send>;

/// Undo steps, each pushed where its thing is made. They run last first, all of them even if one fails, when asked
/// or, at the latest, when dropped.
#[derive(Default)]
pub struct Rollback(Vec<(&'static str, Undo)>);

impl std::fmt::Debug for Rollback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(what, _)| what)).finish()
    }
}

impl Rollback {
    /// Adds the undoing of what was just done; `what` in words, such as "remove the scratch layer".
    pub fn push(&mut self, what: &'static str, undo: impl FnOnce() -> Result<()> + Send + 'static) {
        self.0.push((what, Box::new(undo)));
    }

    /// Undoes everything, telling each step that was done.
    ///
    /// # Errors
    /// The first step that failed, the others attached.
    pub fn undo(&mut self, mut done: impl FnMut(&'static str)) -> Result<()> {
        let mut failure: Option<Error> = None;
        while let Some((what, undo)) = self.0.pop() {
            match (undo(), &mut failure) {
                (Ok(()), _) => done(what),
                (Err(error), Some(first)) => first.attach(error.one_line()),
                (Err(error), None) => failure = Some(error),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Forgets all steps: what they would undo stays, for it may be in use.
    pub fn abandon(&mut self) {
        self.0.clear();
    }
}

impl Drop for Rollback {
    fn drop(&mut self) {
        // The failure that led here is the one to report; what stays behind is found by name at the next command.
        let _ = self.undo(|_| {});
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn undoes_last_first_and_all_of_it() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut rollback = Rollback::default();
        for (what, fails) in [("one", false), ("two", true), ("three", true), ("four", false)] {
            let log = Arc::clone(&log);
            rollback.push(what, move || {
                log.lock().unwrap().push(what);
                if fails { Err(Error::new(ErrorKind::Host, "undo", what)) } else { Ok(()) }
            });
        }
        let mut done = Vec::new();
        let error = rollback.undo(|what| done.push(what)).unwrap_err();
        assert_eq!(*log.lock().unwrap(), ["four", "three", "two", "one"]);
        assert_eq!(done, ["four", "one"]);
        assert_eq!(
            (error.one_line().as_str(), error.events()),
            ("cannot undo three", &["cannot undo two".to_owned()][..])
        );
    }

    #[test]
    fn what_is_abandoned_stays() {
        let mut rollback = Rollback::default();
        rollback.push("fail", || Err(Error::new(ErrorKind::Host, "undo", "what was abandoned")));
        rollback.abandon();
        rollback.undo(|_| panic!("nothing is to be undone")).unwrap();
    }

    #[test]
    fn dropping_undoes_too() {
        let log = Arc::new(Mutex::new(0));
        let mut rollback = Rollback::default();
        let counted = Arc::clone(&log);
        rollback.push("count", move || {
            *counted.lock().unwrap() += 1;
            Ok(())
        });
        drop(rollback);
        assert_eq!(*log.lock().unwrap(), 1);
    }
}
