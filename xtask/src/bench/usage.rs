//! What one process used, as the kernel counts it when it is reaped.
// UNSAFETY: wait4, which alone tells what one child used.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Processor time and memory of a process and of those children that it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Time on a processor, in user and kernel mode.
    pub processor_time: Duration,
    /// The most memory that was resident at once, in bytes.
    pub peak_resident: u64,
}

/// Runs a command silently to its end, and returns its exit status and what it used.
///
/// # Errors
/// It cannot be run, or a signal ended it.
#[expect(unsafe_code, reason = "std cannot tell what a child used")]
pub fn run(command: &mut Command) -> Result<(i32, Usage)> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().with_context(|| format!("cannot run {}", shell::spelled(command)))?;
    let pid = i32::try_from(child.id()).context("a process has no such number")?;
    let mut status = 0;
    // SAFETY: rusage is plain data; status and usage outlive the call. The child is ours, and nobody else waits for it.
    let (reaped, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid, &raw mut status, 0, &raw mut usage), usage)
    };
    if reaped != pid {
        return Err(std::io::Error::last_os_error())
            .with_context(|| format!("cannot wait for {}", shell::spelled(command)));
    }
    if !libc::WIFEXITED(status) {
        bail!("{} was ended by a signal", shell::spelled(command));
    }
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
    };
    let processor_time = time(usage.ru_utime) + time(usage.ru_stime);
    // getrusage(2): in kilobytes.
    let peak_resident = usage.ru_maxrss.unsigned_abs() * 1024;
    Ok((libc::WEXITSTATUS(status), Usage { processor_time, peak_resident }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_measured() {
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 3";
        let (status, usage) = run(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(status, 3);
        assert!(usage.processor_time > Duration::ZERO);
        assert!(usage.peak_resident > 100 << 10);
        assert!(run(Command::new("sh").args(["-c", "kill -9 $$"])).is_err());
    }
}
