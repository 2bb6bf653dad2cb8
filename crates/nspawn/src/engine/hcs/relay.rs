//! What a program reads and writes, passed between its pipes and our own handles.

use std::fs::File;
use std::io::Read as _;
use std::os::windows::io::OwnedHandle;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hcs_sys::pipe::Pipe;
use hcs_sys::{Started, interrupt};

use super::compute::ProcessHandle;
use super::outlet::{Outlet, Outlets};
use crate::error::Error;

/// How much input is passed on at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Where a program's standard handles lead.
#[derive(Debug)]
pub(super) struct Ends {
    /// Its input; none is empty.
    pub(super) input: Option<File>,
    /// Its output.
    pub(super) output: Outlet<File>,
    /// Its errors; none go where the output goes.
    pub(super) error: Option<Outlet<File>>,
}

/// The threads that pass on what a program reads and writes.
#[derive(Debug)]
pub(super) struct Relay {
    input: Option<Passing>,
    outputs: Vec<Passing>,
    /// Told to the thread of the input: nothing more is read.
    over: Arc<AtomicBool>,
    outlets: Outlets<File>,
}

/// One of them, and the pipe that it reads or writes. It alone keeps that open: the end of an input is its closing.
#[derive(Debug)]
struct Passing {
    thread: JoinHandle<()>,
    pipe: Weak<Pipe>,
}

/// How long a thread that is broken off is waited for. One that is not, as where Wine reads a pipe of its host, ends with
/// us.
const BREAKING: Duration = Duration::from_millis(200);

impl Passing {
    fn start(
        name: &str,
        pipe: OwnedHandle,
        body: impl FnOnce(&Pipe) + Send + 'static,
    ) -> std::io::Result<Self> {
        let theirs = Arc::new(Pipe::new(pipe));
        let pipe = Arc::downgrade(&theirs);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || body(&theirs))?;
        Ok(Self { thread, pipe })
    }

    /// Breaks off what it waits for, until it has ended: between two waits it misses that.
    fn break_off(&self, deadline: Instant) {
        while !self.thread.is_finished() && Instant::now() < deadline {
            self.pipe.upgrade().iter().for_each(|pipe| pipe.cancel());
            interrupt::break_off(&self.thread);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Relay {
    /// Begins to pass on.
    pub(super) fn start(
        started: Started,
        ends: Ends,
        process: &Arc<ProcessHandle>,
        ask: Duration,
    ) -> std::io::Result<Self> {
        let Ends { input, output, error } = ends;
        let (sender, done) = channel::<()>();
        let output = Arc::new(output);
        let error = error.map_or_else(|| Arc::clone(&output), Arc::new);
        let outlets = match Arc::ptr_eq(&output, &error) {
            true => vec![Arc::clone(&output)],
            false => vec![Arc::clone(&output), Arc::clone(&error)],
        };
        let outlets = Outlets::new(outlets, done);
        let mut relay = Self { input: None, outputs: Vec::new(), over: Arc::default(), outlets };
        if let (Some(pipe), Some(input)) = (started.stdin, input) {
            let (process, over) = (Arc::downgrade(process), Arc::clone(&relay.over));
            let feed = move |pipe: &Pipe| feed(input, pipe, (&process, &over), ask);
            relay.input = Some(Passing::start("stdin", pipe, feed)?);
        }
        for (name, pipe, to) in [("stdout", started.stdout, output), ("stderr", started.stderr, error)] {
            let Some(pipe) = pipe else { continue };
            let sender = sender.clone();
            let drain = move |pipe: &Pipe| {
                to.take(|buffer| pipe.read(buffer));
                drop(sender);
            };
            relay.outputs.push(Passing::start(name, pipe, drain)?);
        }
        Ok(relay)
    }

    /// Waits until all output is passed on, and breaks off what has not come to its end when nothing moved for `grace`.
    /// Input is broken off then: nothing else ends a read of our own. Returns what of the output was lost.
    pub(super) fn finish(self, grace: Duration) -> Vec<Error> {
        self.outlets.settle(grace)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + BREAKING;
        self.outputs.iter().chain(&self.input).for_each(|passing| passing.break_off(deadline));
    }
}

fn feed(mut from: File, pipe: &Pipe, (process, over): (&Weak<ProcessHandle>, &AtomicBool), ask: Duration) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if pipe.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
    // Closing our end alone does not tell the program (hcsshim's experience); that it has ended is no failure.
    if let Some(process) = process.upgrade().filter(|_| !over.load(Ordering::Relaxed)) {
        let _ = process.close_input(ask);
    }
}
