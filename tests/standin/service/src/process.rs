//! Processes of a system, which are processes of the host.
// UNSAFETY: makes pipes whose one end is overlapped, and ends processes by number.
#![expect(unsafe_code, reason = "CreateNamedPipeW, TerminateProcess")]

use std::fs::File;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, IntoRawHandle, OwnedHandle, RawHandle};
use std::os::windows::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering};

use windows_sys::Win32::Foundation::{FILETIME, INVALID_HANDLE_VALUE, WAIT_TIMEOUT};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_INBOUND, PIPE_ACCESS_OUTBOUND,
};
use windows_sys::Win32::System::Pipes::CreateNamedPipeW;
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{
    DETACHED_PROCESS, GetProcessTimes, OpenProcess, PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject,
};

use crate::code::{Code, Failure, Result};
use crate::document::Process;
use crate::job::{self, Job};
use crate::machine::Used;
use crate::memory::wide;
use crate::path::{self, Mapping};

/// The exit code of a process that was ended by force.
pub const KILLED: u32 = 0xC000_013A;

/// How often the memory of a process is looked at, in milliseconds.
const SAMPLE: u32 = 20;

/// The caller's ends of the pipes that the document asked for. They are overlapped.
#[derive(Debug, Default)]
pub struct Pipes {
    /// Where standard input comes from.
    pub stdin: Option<OwnedHandle>,
    /// Where standard output goes.
    pub stdout: Option<OwnedHandle>,
    /// Where standard error goes.
    pub stderr: Option<OwnedHandle>,
}

/// `HCS_PROCESS_INFORMATION`, as both DLLs give it: the handles are the caller's.
#[derive(Debug)]
#[repr(C)]
pub struct Information {
    process_id: u32,
    reserved: u32,
    stdin: RawHandle,
    stdout: RawHandle,
    stderr: RawHandle,
}

impl Information {
    /// Makes that of a process, with its pipes.
    pub fn new(process_id: u32, pipes: Pipes) -> Self {
        let give = |pipe: Option<OwnedHandle>| pipe.map_or(null_mut(), IntoRawHandle::into_raw_handle);
        let [stdin, stdout, stderr] = [pipes.stdin, pipes.stdout, pipes.stderr].map(give);
        Self { process_id, reserved: 0, stdin, stdout, stderr }
    }
}

impl Pipes {
    /// Returns other handles of the same pipes.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn again(&self) -> Result<Self> {
        let again = |pipe: &Option<OwnedHandle>| pipe.as_ref().map(OwnedHandle::try_clone).transpose();
        let all = || {
            Ok(Self {
                stdin: again(&self.stdin)?,
                stdout: again(&self.stdout)?,
                stderr: again(&self.stderr)?,
            })
        };
        all().map_err(|error| Failure::io("duplicate a pipe", &error))
    }
}

/// Runs what the document says, with the host's paths for the container's.
///
/// # Errors
/// There is no such program, or no pipe can be made.
pub fn spawn(document: &Process, mappings: &[Mapping], job: Option<&Job>) -> Result<(Child, Pipes)> {
    let line = path::on_host(mappings, &document.command_line);
    let (first, arguments) = path::program(&line);
    let program = match document.application_name.as_str() {
        "" => first.to_owned(),
        name => path::on_host(mappings, name),
    };

    let mut command = Command::new(&program);
    command.raw_arg(arguments.trim_start()).envs(&document.environment);
    // Or else it would be given a console of its own, which is one more process to start.
    command.creation_flags(DETACHED_PROCESS);
    if !document.working_directory.is_empty() {
        command.current_dir(path::on_host(mappings, &document.working_directory));
    }
    let mut pipes = Pipes::default();
    let stderr = document.create_std_err_pipe && !document.emulate_console;
    command.stdin(stream(document.create_std_in_pipe, PIPE_ACCESS_OUTBOUND, &mut pipes.stdin)?);
    command.stdout(stream(document.create_std_out_pipe, PIPE_ACCESS_INBOUND, &mut pipes.stdout)?);
    command.stderr(stream(stderr, PIPE_ACCESS_INBOUND, &mut pipes.stderr)?);
    let child = command.spawn().map_err(|error| {
        let failure = Failure::io(format!("run {program}"), &error);
        // What Windows says of a program is the plain error, which is not that of a path.
        let missing = failure.code == Code::PATH_NOT_FOUND;
        Failure { code: if missing { Code::FILE_NOT_FOUND } else { failure.code }, ..failure }
    })?;
    // Where it has ended meanwhile it needs no end, and is in no job.
    let _ = job::hold(&child).and_then(|()| job.map_or(Ok(()), |job| job.assign(&child)));
    Ok((child, pipes))
}

/// Returns the child's end of a stream, and puts the caller's end at `ours` where there shall be a pipe.
fn stream(wanted: bool, access: u32, ours: &mut Option<OwnedHandle>) -> Result<Stdio> {
    if !wanted {
        return Ok(Stdio::null());
    }
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let name = format!(r"\\.\pipe\standin_{}_{number}", std::process::id());
    let failure = |error: &std::io::Error| Failure::io(format!("make pipe {name}"), error);
    let flags = access | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE;
    // SAFETY: the name outlives the call, and the handle that it returns is ours.
    let server = unsafe {
        let raw = CreateNamedPipeW(wide(&name).as_ptr(), flags, 0, 1, 65536, 65536, 0, std::ptr::null());
        if raw == INVALID_HANDLE_VALUE {
            return Err(failure(&std::io::Error::last_os_error()));
        }
        OwnedHandle::from_raw_handle(raw)
    };
    let reads = access == PIPE_ACCESS_OUTBOUND;
    let client = File::options().read(reads).write(!reads).open(&name).map_err(|error| failure(&error))?;
    *ours = Some(server);
    Ok(client.into())
}

/// Waits until a process has ended. Returns its exit code, and what it has used: its memory is seen now and then.
pub fn wait(child: &mut Child) -> (u32, Used) {
    let mut used = Used::default();
    loop {
        let handle = child.as_raw_handle();
        let size = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
        let mut memory = PROCESS_MEMORY_COUNTERS { cb: size, ..Default::default() };
        // SAFETY: the handle is open; the structure is ours and says its size.
        if unsafe { K32GetProcessMemoryInfo(handle, &raw mut memory, size) } != 0 {
            used.commit_peak = used.commit_peak.max(memory.PeakPagefileUsage as u64);
        }
        // SAFETY: the handle is open.
        if unsafe { WaitForSingleObject(handle, SAMPLE) } != WAIT_TIMEOUT {
            break;
        }
    }
    let code = child.wait().ok().and_then(|status| status.code()).unwrap_or(-1).cast_unsigned();
    let [mut created, mut exited, mut kernel, mut user] = [FILETIME::default(); 4];
    let handle = child.as_raw_handle();
    // SAFETY: the handle is open; the structures are ours.
    unsafe { GetProcessTimes(handle, &raw mut created, &raw mut exited, &raw mut kernel, &raw mut user) };
    let whole = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    (used.user_100ns, used.kernel_100ns) = (whole(user), whole(kernel));
    (code, used)
}

/// Ends a process of the host by force.
///
/// # Errors
/// It has ended.
pub fn kill(id: u32) -> Result<()> {
    let failed = |what: &str| Failure::io(format!("{what} process {id}"), &std::io::Error::last_os_error());
    // SAFETY: the handle is closed below, where it is one.
    let process = unsafe { OpenProcess(PROCESS_TERMINATE, 0, id) };
    if process.is_null() {
        return Err(Failure { code: Code::PROCESS_ALREADY_STOPPED, ..failed("open") });
    }
    // SAFETY: the handle is ours to close.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    // SAFETY: the handle is open.
    match unsafe { TerminateProcess(process.as_raw_handle(), KILLED) } {
        0 => Err(failed("end")),
        _ => Ok(()),
    }
}
