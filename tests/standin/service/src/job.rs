//! The programs that a process started end with it, however it ends: nothing else would end those of a launcher that
//! is killed, until somebody asks for its systems.
// UNSAFETY: a job object.
#![expect(unsafe_code, reason = "CreateJobObjectW, AssignProcessToJobObject")]

use std::os::windows::io::AsRawHandle as _;
use std::process::Child;
use std::ptr::null;
use std::sync::OnceLock;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};

/// Lets a process end with this one.
///
/// # Errors
/// It has ended.
pub fn hold(child: &Child) -> std::io::Result<()> {
    static JOB: OnceLock<usize> = OnceLock::new();
    let job = *JOB.get_or_init(make);
    // SAFETY: the job is never closed, and the process is open.
    match unsafe { AssignProcessToJobObject(job as _, child.as_raw_handle()) } {
        0 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Makes a job whose processes end when its last handle is closed, as it is with the process that has it.
fn make() -> usize {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    let size = size_of_val(&limits) as u32;
    // SAFETY: without a name and a descriptor the job is ours alone; the structure outlives the call and says its size.
    unsafe {
        let job = CreateJobObjectW(null(), null());
        SetInformationJobObject(job, JobObjectExtendedLimitInformation, (&raw const limits).cast(), size);
        job as usize
    }
}
