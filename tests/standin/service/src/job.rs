//! Job objects: one by which the programs that a process started end with it, however it ends, as nothing else would
//! end those of a launcher that is killed; and one for each container, by the name that Windows gives it.
//!
//! On Windows a container is a job object, `\Container_<id>`, which only the SYSTEM account may open. So it is here,
//! and its programs are in it. It limits nothing: Wine 8 refuses `JobObjectGroupInformationEx` for every job.
// UNSAFETY: job objects.
#![expect(unsafe_code, reason = "CreateJobObjectW, NtCreateJobObject, AssignProcessToJobObject")]

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::process::Child;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Win32::Foundation::{HANDLE, LocalFree, UNICODE_STRING};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};

use crate::memory::wide;

/// `JOB_OBJECT_ALL_ACCESS`.
const ALL_ACCESS: u32 = 0x1F_003F;

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtCreateJobObject(job: *mut HANDLE, access: u32, attributes: *const OBJECT_ATTRIBUTES) -> i32;
}

/// The job object of a container.
#[derive(Debug)]
pub struct Job(OwnedHandle);

impl Job {
    /// Makes that of a container, which SYSTEM may open; and everybody, where the callers are to be taken for SYSTEM.
    /// Nothing where it cannot be made: another state of the service may have a container of that name.
    pub fn of_container(id: &str, is_of_system: bool) -> Option<Self> {
        let mut name = wide(&format!(r"\Container_{id}"));
        let bytes = u16::try_from((name.len() - 1) * 2).ok()?;
        let name = UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: name.as_mut_ptr() };
        let access = wide(if is_of_system { "D:(A;;GA;;;WD)" } else { "D:(A;;GA;;;SY)" });
        let (mut descriptor, mut job) = (null_mut(), null_mut());
        // SAFETY: all that is pointed to outlives the calls; the descriptor and the handle that they put there are ours.
        unsafe {
            let converted = ConvertStringSecurityDescriptorToSecurityDescriptorW(
                access.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            );
            let attributes = OBJECT_ATTRIBUTES {
                Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
                ObjectName: &raw const name,
                SecurityDescriptor: descriptor.cast(),
                ..Default::default()
            };
            let made =
                converted != 0 && NtCreateJobObject(&raw mut job, ALL_ACCESS, &raw const attributes) >= 0;
            LocalFree(descriptor);
            made.then(|| Self(OwnedHandle::from_raw_handle(job)))
        }
    }

    /// Puts a program into it.
    ///
    /// # Errors
    /// It has ended.
    pub fn assign(&self, child: &Child) -> std::io::Result<()> {
        assign(self.0.as_raw_handle(), child)
    }
}

fn assign(job: HANDLE, child: &Child) -> std::io::Result<()> {
    // SAFETY: both are open.
    match unsafe { AssignProcessToJobObject(job, child.as_raw_handle()) } {
        0 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Lets a program end with this process.
///
/// # Errors
/// It has ended.
pub fn hold(child: &Child) -> std::io::Result<()> {
    static JOB: OnceLock<usize> = OnceLock::new();
    // Never closed, as long as this process lives.
    assign(*JOB.get_or_init(make) as HANDLE, child)
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
