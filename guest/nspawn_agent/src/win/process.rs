//! Processes and their environment.

use alloc::boxed::Box;
use core::ffi::c_void;
use core::mem::zeroed;
use core::ptr::{null, null_mut};

use nspawn_agent::orders::WideString;

use super::ffi::{
    CREATE_SUSPENDED, CREATE_UNICODE_ENVIRONMENT, CreateProcessW, CreateThread, DETACHED_PROCESS,
    GetEnvironmentStringsW, GetExitCodeProcess, INFINITE, ProcessInformation, ResumeThread,
    STARTF_USESTDHANDLES, SetConsoleCtrlHandler, SetEnvironmentVariableW, SetProcessAffinityMask, Sleep,
    StartupInfo, TerminateProcess, WAIT_TIMEOUT, WaitForSingleObject,
};
use super::stream::Standard;
use super::{Error, Handle, Result, check};

/// A process that we made.
#[derive(Debug)]
pub struct Process {
    process: Handle,
    thread: Handle,
}

/// What a process is made of.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Path of the executable; none: the command line names it.
    pub application: Option<&'a WideString>,
    /// Its command line; Windows may write to it.
    pub command_line: &'a mut WideString,
    /// Directory that it starts in; none: ours.
    pub directory: Option<&'a WideString>,
    /// Its standard input, output and error; none: ours.
    pub streams: [Option<&'a Handle>; 3],
}

impl Process {
    /// Makes a process with our environment and standard streams that does not run yet.
    pub fn create_suspended(launch: Launch<'_>) -> Result<Self> {
        let [stdin, stdout, stderr] = launch.streams;
        let stream = |pipe: Option<&Handle>, own: Standard| pipe.map_or_else(|| own.handle(), |pipe| pipe.0);
        // SAFETY: a structure of numbers and pointers; zero is a value of each.
        let mut startup: StartupInfo = unsafe { zeroed() };
        startup.size = size_of::<StartupInfo>() as u32;
        startup.flags = STARTF_USESTDHANDLES;
        startup.stdin = stream(stdin, Standard::Input);
        startup.stdout = stream(stdout, Standard::Output);
        startup.stderr = stream(stderr, Standard::Error);
        let application = launch.application.map_or(null(), WideString::as_ptr);
        let directory = launch.directory.map_or(null(), WideString::as_ptr);
        let command_line = launch.command_line.as_mut_ptr();
        create(application, command_line, true, CREATE_SUSPENDED, null(), directory, &startup)
    }

    /// Starts `command_line` apart from our console and streams.
    pub fn create_detached(command_line: &mut WideString, environment: &Environment) -> Result<Self> {
        // SAFETY: as above.
        let mut startup: StartupInfo = unsafe { zeroed() };
        startup.size = size_of::<StartupInfo>() as u32;
        let flags = DETACHED_PROCESS | CREATE_UNICODE_ENVIRONMENT;
        create(null(), command_line.as_mut_ptr(), false, flags, environment.0, null(), &startup)
    }

    /// Keeps the process to the processors of `mask`.
    pub fn set_affinity(&self, mask: u64) -> Result<()> {
        // SAFETY: the handle is open.
        check(unsafe { SetProcessAffinityMask(self.process.0, mask as usize) })
    }

    /// Lets the process run.
    pub fn resume(&self) -> Result<()> {
        const FAILED: u32 = u32::MAX;
        // SAFETY: the handle is open.
        if unsafe { ResumeThread(self.thread.0) } == FAILED { Err(Error::last()) } else { Ok(()) }
    }

    /// Ends the process; it may have ended already.
    pub fn terminate(&self) {
        // SAFETY: the handle is open.
        unsafe { TerminateProcess(self.process.0, 1) };
    }

    /// Waits for the end of the process and returns its exit code.
    pub fn wait(&self) -> Result<u32> {
        let mut code = 0;
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.process.0, INFINITE) };
        // SAFETY: the handle is open, and the code can be written to.
        check(unsafe { GetExitCodeProcess(self.process.0, &mut code) })?;
        Ok(code)
    }
}

/// CreateProcess. What the pointers point to outlives the call: the callers hold it.
fn create(
    application: *const u16,
    command_line: *mut u16,
    inherit: bool,
    flags: u32,
    environment: *const u16,
    directory: *const u16,
    startup: &StartupInfo,
) -> Result<Process> {
    let mut made =
        ProcessInformation { process: null_mut(), thread: null_mut(), process_id: 0, thread_id: 0 };
    // SAFETY: strings are closed by NUL, the environment by two; the command line may be written to.
    check(unsafe {
        CreateProcessW(
            application,
            command_line,
            null(),
            null(),
            inherit.into(),
            flags,
            environment,
            directory,
            startup,
            &mut made,
        )
    })?;
    Ok(Process { process: Handle(made.process), thread: Handle(made.thread) })
}

/// A copy of our environment. It is kept to the end of the process.
#[derive(Debug)]
pub struct Environment(*const u16);

impl Environment {
    /// Copies the environment of this moment.
    pub fn current() -> Self {
        // SAFETY: takes nothing; the block is closed by two NULs and never freed.
        Self(unsafe { GetEnvironmentStringsW() })
    }
}

/// Sets an entry of our environment, which the processes that we make inherit; no value: removes it.
pub fn set_variable(name: &[u16], value: Option<&[u16]>) -> Result<()> {
    let name = WideString::new(name.strip_suffix(&[0]).unwrap_or(name));
    let value = value.map(WideString::new);
    // SAFETY: both strings are closed by NUL.
    check(unsafe {
        SetEnvironmentVariableW(name.as_ptr(), value.as_ref().map_or(null(), WideString::as_ptr))
    })
}

/// Makes Ctrl events pass this process by; those that it makes still get them.
pub fn survive_ctrl_events() {
    unsafe extern "system" fn handled(_: u32) -> i32 {
        1
    }
    // SAFETY: the handler needs nothing and lives as long as the process.
    unsafe { SetConsoleCtrlHandler(handled, 1) };
}

/// A thread of this process; it ends with the process.
#[derive(Debug)]
pub struct Thread(Handle);

impl Thread {
    /// Returns whether the thread ends within `milliseconds`.
    pub fn ends_within(&self, milliseconds: u32) -> bool {
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.0.0, milliseconds) != WAIT_TIMEOUT }
    }
}

/// Runs `work` on a thread.
pub fn spawn<F: FnOnce() + Send + 'static>(work: F) -> Result<Thread> {
    unsafe extern "system" fn run<F: FnOnce()>(work: *mut c_void) -> u32 {
        // SAFETY: the pointer comes from `into_raw` below, once.
        let work = unsafe { Box::from_raw(work.cast::<F>()) };
        work();
        0
    }
    let work = Box::into_raw(Box::new(work));
    // SAFETY: the thread takes ownership of what the pointer points to.
    let thread = unsafe { CreateThread(null(), 0, run::<F>, work.cast(), 0, null_mut()) };
    Handle::new(thread).map(Thread)
}

/// Waits.
pub fn sleep(milliseconds: u32) {
    // SAFETY: takes a number.
    unsafe { Sleep(milliseconds) }
}
