//! What a program reads and writes, passed between its pipes and our own handles.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use hcs_sys::Started;
use hcs_sys::pipe::Pipe;

use super::compute::ProcessHandle;

/// How much is passed on at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Where a program's standard handles lead.
#[derive(Debug)]
pub(super) struct Ends {
    /// Its input; none is empty.
    pub(super) input: Option<File>,
    /// Its output.
    pub(super) output: File,
    /// Its errors; none go where the output goes.
    pub(super) error: Option<File>,
}

/// The threads that pass on what a program writes.
#[derive(Debug)]
pub(super) struct Relay {
    pipes: Vec<Arc<Pipe>>,
    done: Receiver<()>,
}

impl Relay {
    /// Begins to pass on. The thread that passes input is never waited for: nothing ends a read of our own input.
    pub(super) fn start(
        started: Started,
        ends: Ends,
        process: &Arc<ProcessHandle>,
        ask: Duration,
    ) -> std::io::Result<Self> {
        let Ends { input, output, error } = ends;
        if let (Some(pipe), Some(input)) = (started.stdin, input) {
            let (pipe, process) = (Pipe::new(pipe), Arc::downgrade(process));
            thread::Builder::new()
                .name("stdin".to_owned())
                .spawn(move || feed(input, &pipe, &process, ask))?;
        }
        // One lock for one file, so that what comes by two pipes is written one after the other: appending to a file is
        // one step on Windows and two on Wine, where of two at once one would be lost.
        let output = Arc::new(Mutex::new(output));
        let error = error.map_or_else(|| Arc::clone(&output), |error| Arc::new(Mutex::new(error)));
        let (sender, done) = channel::<()>();
        let mut pipes = Vec::new();
        for (name, pipe, to) in [("stdout", started.stdout, output), ("stderr", started.stderr, error)] {
            let Some(pipe) = pipe.map(|pipe| Arc::new(Pipe::new(pipe))) else { continue };
            pipes.push(Arc::clone(&pipe));
            let sender = sender.clone();
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                drain(&pipe, &to);
                drop(sender);
            })?;
        }
        Ok(Self { pipes, done })
    }

    /// Waits until all is passed on, and breaks off what has not come to its end within `grace`.
    pub(super) fn finish(self, grace: Duration) {
        let deadline = Instant::now() + grace;
        let left = || deadline.saturating_duration_since(Instant::now());
        if self.done.recv_timeout(left()) == Err(RecvTimeoutError::Timeout) {
            self.pipes.iter().for_each(|pipe| pipe.cancel());
            // A thread between two reads misses that; it ends with us.
            let _ = self.done.recv_timeout(grace);
        }
    }
}

fn drain(pipe: &Pipe, to: &Mutex<File>) {
    let mut buffer = vec![0; CHUNK];
    let mut writes = true;
    while let Ok(length @ 1..) = pipe.read(&mut buffer) {
        // Where nobody takes the output any more the program goes on, and we read on, so that it is not held up.
        let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
        writes = writes && to.write_all(&buffer[..length]).is_ok();
    }
}

fn feed(mut from: File, pipe: &Pipe, process: &Weak<ProcessHandle>, ask: Duration) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if pipe.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
    // Closing our end alone does not tell the program (hcsshim's experience); that it has ended is no failure.
    if let Some(process) = process.upgrade() {
        let _ = process.close_input(ask);
    }
}
