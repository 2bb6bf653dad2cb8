//! Which processors a container's processes run on. No document of the service says: it is set on the job object that
//! the container is, or on its first process.
// UNSAFETY: calls functions that take handles and structures.
#![expect(unsafe_code, non_snake_case, reason = "functions of ntdll and kernel32")]

use std::num::NonZeroUsize;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::RtlNtStatusToDosError;
use windows_sys::Win32::System::JobObjects::{JobObjectGroupInformationEx, SetInformationJobObject};
use windows_sys::Win32::System::Threading::{
    GetProcessGroupAffinity, OpenProcess, PROCESS_QUERY_INFORMATION, PROCESS_SET_INFORMATION,
    SetProcessAffinityMask,
};

use crate::code::Code;
use crate::error::{Error, Result};
use crate::handle::Raw;
use crate::layout::{GroupAffinity, ObjectAttributes, UnicodeString};
use crate::library::{Library, import};
use crate::processors;
use crate::wide::Wide;

/// `JOB_OBJECT_ALL_ACCESS`.
const ALL_ACCESS: u32 = 0x1F_003F;

static NTDLL: Library = Library::new("ntdll.dll");

import! { NTDLL;
    plain NtOpenJobObject(job: *mut Raw, access: u32, attributes: *const ObjectAttributes) -> i32;
}

/// Confines a container, by its id, to processors of the first group: all processes that it has and will have. Of use
/// between its making and its start, and later too.
///
/// # Errors
/// `ACCESS_DENIED`: only the SYSTEM account may open a container's job object. `FILE_NOT_FOUND`: there is none.
pub fn confine_container(id: &str, processors: NonZeroUsize) -> Result<()> {
    let job = open_job(&format!(r"\Container_{id}"))?;
    let affinity = GroupAffinity { mask: processors.get(), group: 0, reserved: [0; 3] };
    let size = size_of::<GroupAffinity>() as u32;
    // SAFETY: the job is open; the structure outlives the call and has the size that is told.
    let set = unsafe {
        SetInformationJobObject(
            job.as_raw_handle(),
            JobObjectGroupInformationEx,
            (&raw const affinity).cast(),
            size,
        )
    };
    match set {
        0 => Err(Error::last("SetInformationJobObject")),
        _ => Ok(()),
    }
}

/// More groups than a Windows has: 2048 processors in groups of 64 are the most.
const GROUPS: usize = 64;

/// Confines a process, by its number on the host, to processors of the first group; what it started before stays
/// where it is.
///
/// # Errors
/// `NOT_SUPPORTED`: Windows has put the process into another group, and a mask would mean processors of that one.
/// Otherwise the system's refusal.
pub fn confine_process(pid: u32, processors: NonZeroUsize) -> Result<()> {
    // SAFETY: the handle that it returns is ours, and is null where it failed.
    let process = unsafe {
        let process = OpenProcess(PROCESS_SET_INFORMATION | PROCESS_QUERY_INFORMATION, 0, pid);
        if process.is_null() {
            return Err(Error::last("OpenProcess"));
        }
        OwnedHandle::from_raw_handle(process)
    };
    if processors::count() > processors::in_first_group() && !groups(&process)?.contains(&0) {
        return Err(Error::Refused {
            function: "GetProcessGroupAffinity",
            code: Code::NOT_SUPPORTED,
            document: None,
        });
    }
    // SAFETY: the process is open.
    match unsafe { SetProcessAffinityMask(process.as_raw_handle(), processors.get()) } {
        0 => Err(Error::last("SetProcessAffinityMask")),
        _ => Ok(()),
    }
}

/// Returns the groups in which threads of a process may run.
fn groups(process: &OwnedHandle) -> Result<Vec<u16>> {
    let mut groups = [0; GROUPS];
    let mut count = GROUPS as u16;
    // SAFETY: the process is open; the array is ours and has the length that is told.
    let told =
        unsafe { GetProcessGroupAffinity(process.as_raw_handle(), &raw mut count, groups.as_mut_ptr()) };
    match told {
        0 => Err(Error::last("GetProcessGroupAffinity")),
        _ => Ok(groups.into_iter().take(count.into()).collect()),
    }
}

/// Opens a job object by its name in the system's namespace, which `OpenJobObjectW` cannot: it looks below the
/// session's own directory alone.
fn open_job(path: &str) -> Result<OwnedHandle> {
    let text = Wide::new(path)?;
    let bytes = path.encode_utf16().count() * 2;
    let bytes = u16::try_from(bytes).map_err(|_| refused(Code::INVALID_ARGUMENT))?;
    let name = UnicodeString { length: bytes, maximum_length: bytes, buffer: text.as_ptr() };
    let attributes = ObjectAttributes {
        length: size_of::<ObjectAttributes>() as u32,
        root_directory: null_mut(),
        object_name: &raw const name,
        attributes: 0,
        security_descriptor: null(),
        security_quality_of_service: null(),
    };
    let mut job = null_mut();
    // SAFETY: all that is pointed to outlives the call; the handle that it puts there is ours.
    let status = unsafe { NtOpenJobObject(&raw mut job, ALL_ACCESS, &raw const attributes) }?;
    if status < 0 {
        // SAFETY: takes any number.
        let number = unsafe { RtlNtStatusToDosError(status) };
        return Err(refused(Code::from_win32(u16::try_from(number).unwrap_or(u16::MAX))));
    }
    // SAFETY: the call succeeded, and the handle is ours.
    Ok(unsafe { OwnedHandle::from_raw_handle(job) })
}

fn refused(code: Code) -> Error {
    Error::Refused { function: "NtOpenJobObject", code, document: None }
}
