//! The machine that the session's processes see.

use alloc::vec;
use core::mem::zeroed;
use core::ptr::{null, null_mut};

use nspawn_agent::shared_data;

use super::ffi::{
    EVENT_ALL_ACCESS, FILE_MAP_WRITE, GetSystemInfo, GlobalMemoryStatusEx, MapViewOfFile, MemoryStatus,
    NOTIFICATION_EVENT, NtCreateEvent, NtOpenSection, NtPowerInformation, NtSetEvent, OBJ_OPENIF,
    OsVersionInfo, PROCESSOR_INFORMATION, ProcessorPowerInformation, RtlGetVersion, SECTION_MAP, SystemInfo,
};
use super::object::{attributes, unicode};
use super::{Error, Handle, Result, check, check_status};

/// Wine's page of shared user data, open for writing.
#[derive(Debug)]
pub struct SharedDataPage(*mut u8);

impl SharedDataPage {
    /// Maps the page. It stays mapped to the end of the process.
    pub fn open() -> Result<Self> {
        const NAME: &[u16] = wide!(r"\KernelObjects\__wine_user_shared_data");
        let name = unicode(&NAME[..NAME.len() - 1]);
        let mut section = null_mut();
        // SAFETY: the attributes and the name that they point to outlive the call.
        check_status(unsafe { NtOpenSection(&mut section, SECTION_MAP, &attributes(None, &name, 0)) })?;
        let section = Handle::new(section)?;
        // SAFETY: the section is open.
        let page = unsafe { MapViewOfFile(section.0, FILE_MAP_WRITE, 0, 0, shared_data::SIZE) };
        if page.is_null() { Err(Error::last()) } else { Ok(Self(page)) }
    }

    /// Writes `bytes` at `offset`; what would lie outside of the page is not written.
    pub fn put(&self, offset: usize, bytes: &[u8]) {
        for (index, byte) in
            bytes.iter().enumerate().take_while(|(index, _)| offset + index < shared_data::SIZE)
        {
            // SAFETY: inside of the page, which is mapped. Other processes only read these fields.
            unsafe { self.0.add(offset + index).write_volatile(*byte) };
        }
    }
}

/// Tells Wine that the session's first process has done its work: without this event each later process would
/// start wineboot. Wine forgets the event with its last handle, so the caller keeps it.
pub fn declare_booted() -> Result<Handle> {
    const NAME: &[u16] = wide!(r"\KernelObjects\__wineboot_event");
    let name = unicode(&NAME[..NAME.len() - 1]);
    let mut event = null_mut();
    // SAFETY: the attributes and the name that they point to outlive the call.
    check_status(unsafe {
        let attributes = attributes(None, &name, OBJ_OPENIF);
        NtCreateEvent(&mut event, EVENT_ALL_ACCESS, &attributes, NOTIFICATION_EVENT, 1)
    })?;
    let event = Handle::new(event)?;
    // It may have existed, and not been set.
    // SAFETY: the event is open; its last state is not wanted.
    check_status(unsafe { NtSetEvent(event.0, null_mut()) })?;
    Ok(event)
}

/// Returns how many processors this process may use.
pub fn processors() -> u32 {
    // SAFETY: a structure of numbers and pointers; zero is a value of each.
    let mut information: SystemInfo = unsafe { zeroed() };
    // SAFETY: the structure can be written to.
    unsafe { GetSystemInfo(&mut information) };
    information.processors
}

/// Returns how many pages of memory there are.
pub fn physical_pages() -> Result<u32> {
    const PAGE: u64 = 4096;
    let mut status = MemoryStatus { size: size_of::<MemoryStatus>() as u32, load: 0, amounts: [0; 7] };
    // SAFETY: the structure can be written to and has the size that it says.
    check(unsafe { GlobalMemoryStatusEx(&mut status) })?;
    let [total, ..] = status.amounts;
    Ok(u32::try_from(total / PAGE).unwrap_or(u32::MAX))
}

/// Returns the highest clock of the first processor in MHz.
pub fn clock_mhz() -> Result<u32> {
    let mut all = vec![ProcessorPowerInformation::default(); processors() as usize];
    // SAFETY: the buffer is as long as is said.
    check_status(unsafe {
        let size = size_of_val(&all[..]) as u32;
        NtPowerInformation(PROCESSOR_INFORMATION, null(), 0, all.as_mut_ptr().cast(), size)
    })?;
    Ok(all.first().map_or(0, |first| first.max_mhz))
}

/// Returns the build of Windows that the registry says.
pub fn build() -> Result<u32> {
    // SAFETY: a structure of numbers; zero is a value of each.
    let mut version: OsVersionInfo = unsafe { zeroed() };
    version.size = size_of::<OsVersionInfo>() as u32;
    // SAFETY: the structure can be written to and has the size that it says.
    check_status(unsafe { RtlGetVersion(&mut version) })?;
    Ok(version.build)
}
