//! The machine itself: qemu, what comes over its second serial port, and its end, by itself or by deadline.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::image::ROOT;
use super::kernel::Kernel;
use crate::shell;

/// What runs the machine's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accelerator {
    /// The processor itself.
    Kvm,
    /// A translator, ten to twenty times slower, which every host can run.
    Tcg,
}

/// A machine that boots one kernel with two disks, of which it keeps nothing.
#[derive(Debug)]
pub struct Machine<'a> {
    /// What it boots.
    pub kernel: &'a Kernel,
    /// Its root file system.
    pub system: PathBuf,
    /// What differs from run to run.
    pub work: PathBuf,
    /// Where the second disk is mounted.
    pub mounted_at: PathBuf,
    /// Takes what the kernel says.
    pub console: PathBuf,
}

/// How long a machine may take to say its first word. Some hosts have a KVM that is opened and never runs.
const FIRST_WORD: Duration = Duration::from_secs(20);
const FIRST_WORD_EMULATED: Duration = Duration::from_secs(120);

impl Machine<'_> {
    /// Runs it until it switches itself off, and gives each line it writes to `take`.
    ///
    /// # Errors
    /// qemu cannot be run or fails, or the machine is still running at the deadline: then it is killed.
    pub fn run(&self, deadline: Duration, take: &mut dyn FnMut(String)) -> Result<()> {
        if OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok() {
            match self.run_on(Accelerator::Kvm, deadline, take)? {
                Ended::ByItself => return Ok(()),
                Ended::NeverSpoke => println!("/dev/kvm is there and runs nothing: the machine is emulated"),
            }
        }
        match self.run_on(Accelerator::Tcg, deadline, take)? {
            Ended::ByItself => Ok(()),
            Ended::NeverSpoke => bail!("the machine never spoke: {}", self.last_words()),
        }
    }

    fn run_on(
        &self,
        accelerator: Accelerator,
        deadline: Duration,
        take: &mut dyn FnMut(String),
    ) -> Result<Ended> {
        let mut qemu = self.command(accelerator);
        println!("$ {}", shell::spelled(&qemu));
        if accelerator == Accelerator::Kvm {
            // Why it does not run is nobody's concern, as it is tried again without.
            qemu.stderr(Stdio::null());
        }
        let child = qemu.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run qemu")?;
        let mut running = Running(child);
        let lines = lines_of(running.0.stdout.take().context("qemu has no output")?);
        let end = Instant::now() + deadline;
        let patience = match accelerator {
            Accelerator::Kvm => FIRST_WORD,
            Accelerator::Tcg => FIRST_WORD_EMULATED,
        };
        match lines.recv_timeout(patience) {
            Ok(line) => take(line),
            Err(_) => return Ok(Ended::NeverSpoke),
        }
        loop {
            match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => take(line),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the machine did not end within {} s: {}", deadline.as_secs(), self.last_words())
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = running.0.wait().context("cannot wait for qemu")?;
        match status.success() {
            true => Ok(Ended::ByItself),
            false => bail!("qemu failed: {status}"),
        }
    }

    fn command(&self, accelerator: Accelerator) -> Command {
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-m", "1024"]);
        qemu.args(match accelerator {
            Accelerator::Kvm => ["-accel", "kvm", "-cpu", "host"],
            // Before version 9.1, `iret` of a program reads its stack with the kernel's rights, which that feature forbids;
            // Wine starts threads so. Fewer levels of page tables are faster.
            Accelerator::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "max,-smap,-la57"],
        });
        qemu.args(["-smp", "2", "-kernel"]).arg(&self.kernel.image);
        // What the kernel does not know, it gives to the first process: `work`.
        let words = "console=ttyS0 quiet rootwait rw init=/init panic=-1 mitigations=off";
        let clock = match accelerator {
            Accelerator::Kvm => "",
            // The kernel does not trust the counter of an emulated processor, which is the host's; each reading of the
            // clock that it takes instead goes through a device, for which all processors wait.
            Accelerator::Tcg => "tsc=reliable clocksource=tsc ",
        };
        qemu.arg("-append").arg(format!("{words} {clock}root={ROOT} work={}", self.mounted_at.display()));
        for (name, image) in [("system", &self.system), ("work", &self.work)] {
            // Debian's kernel has the driver of these disks built in. What is written is dropped at the end.
            let drive = format!("file={},if=none,id={name},format=raw,snapshot=on", image.display());
            qemu.arg("-drive").arg(drive);
            qemu.arg("-device").arg(format!("nvme,drive={name},serial={name}"));
        }
        qemu.arg("-serial").arg(format!("file:{}", self.console.display()));
        qemu.args(["-serial", "stdio"]);
        qemu
    }

    /// Returns the end of what the kernel said.
    fn last_words(&self) -> String {
        let text = fs::read(&self.console).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
        if lines.is_empty() {
            return "its console is empty".to_owned();
        }
        lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }
}

/// How a machine ended that qemu could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    ByItself,
    NeverSpoke,
}

/// A running qemu, killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()).is_err() {
                return;
            }
        }
    });
    lines
}
