//! Measures contenders by turns, so that a busy moment of the machine falls on all of them.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Makes the command of a run; the number tells runs apart that go on at once.
type MakeCommand = Box<dyn Fn(usize) -> Result<Command>>;
/// Brings the machine back to where the next run may start; not timed.
type Settle = Box<dyn Fn() -> Result<()>>;

/// Something to be timed.
pub struct Contender {
    name: String,
    command: MakeCommand,
    settle: Settle,
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How much one run of a contender is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// One start.
    Single,
    /// So many starts at the same time.
    Parallel(usize),
}

impl Contender {
    /// Returns a contender that leaves nothing behind.
    pub fn new(name: &str, command: impl Fn(usize) -> Result<Command> + 'static) -> Self {
        Self { name: name.to_owned(), command: Box::new(command), settle: Box::new(|| Ok(())) }
    }

    /// Returns it with something to be done after each run.
    pub fn settled_by(self, settle: impl Fn() -> Result<()> + 'static) -> Self {
        Self { settle: Box::new(settle), ..self }
    }

    /// Runs it once and returns how long it took, to the end of its last process.
    fn time(&self, load: Load) -> Result<Duration> {
        let count = match load {
            Load::Single => 1,
            Load::Parallel(count) => count,
        };
        let mut commands = (0..count).map(|n| (self.command)(n)).collect::<Result<Vec<_>>>()?;
        let begin = Instant::now();
        let mut running = Vec::with_capacity(count);
        for command in &mut commands {
            // A file and no pipe: servers that outlive their program would hold the pipe open, and the end of the
            // program is what is timed.
            let complaints = unnamed_file()?;
            let child =
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints.try_clone()?).spawn();
            running.push((
                child.with_context(|| format!("cannot run {}", shell::spelled(command)))?,
                complaints,
            ));
        }
        let mut ended = Vec::new();
        for (mut child, complaints) in running {
            ended.push((child.wait().with_context(|| format!("cannot wait for {}", self.name))?, complaints));
        }
        let took = begin.elapsed();
        for ((status, mut complaints), command) in ended.into_iter().zip(&commands) {
            if !status.success() {
                let mut text = String::new();
                complaints.rewind()?;
                complaints.read_to_string(&mut text)?;
                bail!("{} failed: {status}: {}", shell::spelled(command), text.trim_end());
            }
        }
        (self.settle)()?;
        Ok(took)
    }
}

/// Opens a file that is gone when it is closed.
fn unnamed_file() -> Result<File> {
    let path = std::env::temp_dir().join(format!("nspawn_bench_{}", std::process::id()));
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(true).open(&path);
    let file = file.with_context(|| format!("cannot make {}", path.display()))?;
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    Ok(file)
}

/// Times both by turns, after one run of each that does not count, and returns their medians.
///
/// # Errors
/// A run failed: a measure with failures in it is none.
pub fn duel(ours: &Contender, peer: &Contender, load: Load, rounds: usize) -> Result<(Duration, Duration)> {
    let mut times = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (our, their) = (ours.time(load)?, peer.time(load)?);
        if round > 0 {
            times.0.push(our);
            times.1.push(their);
        }
    }
    Ok((median(times.0), median(times.1)))
}

/// Returns the middle one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let middle = times.len() / 2;
    if times.len() % 2 == 1 { times[middle] } else { (times[middle - 1] + times[middle]) / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle() {
        let of = |millis: &[u64]| median(millis.iter().copied().map(Duration::from_millis).collect());
        assert_eq!(of(&[5, 1, 9]), Duration::from_millis(5));
        assert_eq!(of(&[4, 1, 9, 2]), Duration::from_millis(3));
    }

    #[test]
    fn a_failed_run_is_an_error() {
        let good = Contender::new("good", |_| Ok(Command::new("true")));
        let bad = Contender::new("bad", |n| Ok(Command::new(if n == 2 { "false" } else { "true" })));
        assert!(duel(&good, &good, Load::Parallel(3), 1).is_ok());
        assert!(duel(&good, &bad, Load::Parallel(3), 1).is_err());
        assert!(duel(&good, &bad, Load::Single, 1).is_ok());
    }
}
