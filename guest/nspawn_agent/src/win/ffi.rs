//! The Windows functions and structures that the agent uses, as the SDK's headers declare them.

use core::ffi::c_void;

pub type RawHandle = *mut c_void;

pub const INVALID_HANDLE_VALUE: RawHandle = -1_isize as RawHandle;
pub const GENERIC_READ: u32 = 0x8000_0000;
pub const GENERIC_WRITE: u32 = 0x4000_0000;
/// FILE_SHARE_READ, _WRITE and _DELETE.
pub const FILE_SHARE_ALL: u32 = 7;
pub const OPEN_EXISTING: u32 = 3;
pub const FILE_TYPE_PIPE: u32 = 3;
pub const STD_INPUT_HANDLE: u32 = -10_i32 as u32;
pub const STD_OUTPUT_HANDLE: u32 = -11_i32 as u32;
pub const STD_ERROR_HANDLE: u32 = -12_i32 as u32;
pub const HANDLE_FLAG_INHERIT: u32 = 1;
pub const INFINITE: u32 = u32::MAX;
pub const WAIT_TIMEOUT: u32 = 258;
pub const STARTF_USESTDHANDLES: u32 = 0x100;
pub const CREATE_SUSPENDED: u32 = 0x4;
pub const DETACHED_PROCESS: u32 = 0x8;
pub const CREATE_UNICODE_ENVIRONMENT: u32 = 0x400;
pub const OBJ_OPENIF: u32 = 0x80;
pub const OBJ_CASE_INSENSITIVE: u32 = 0x40;
pub const EVENT_ALL_ACCESS: u32 = 0x001f_0003;
/// SECTION_QUERY, SECTION_MAP_WRITE and SECTION_MAP_READ.
pub const SECTION_MAP: u32 = 0x7;
pub const FILE_MAP_WRITE: u32 = 0x2;
pub const KEY_ALL_ACCESS: u32 = 0x000f_003f;
pub const REG_OPTION_VOLATILE: u32 = 1;
pub const REG_SZ: u32 = 1;
pub const REG_DWORD: u32 = 4;
pub const NOTIFICATION_EVENT: u32 = 0;
pub const PROCESSOR_INFORMATION: u32 = 11;

#[repr(C)]
pub struct SecurityAttributes {
    pub length: u32,
    pub descriptor: *mut c_void,
    pub inherit: i32,
}

#[repr(C)]
pub struct StartupInfo {
    pub size: u32,
    pub reserved: *mut u16,
    pub desktop: *mut u16,
    pub title: *mut u16,
    /// dwX to dwFillAttribute.
    pub window: [u32; 7],
    pub flags: u32,
    pub show: u16,
    pub reserved2_size: u16,
    pub reserved2: *mut u8,
    pub stdin: RawHandle,
    pub stdout: RawHandle,
    pub stderr: RawHandle,
}

#[repr(C)]
pub struct ProcessInformation {
    pub process: RawHandle,
    pub thread: RawHandle,
    pub process_id: u32,
    pub thread_id: u32,
}

#[repr(C)]
pub struct FindData {
    pub attributes: u32,
    /// Three FILETIMEs, the size, and two reserved words.
    pub facts: [u32; 10],
    pub name: [u16; 260],
    pub short_name: [u16; 14],
}

/// BY_HANDLE_FILE_INFORMATION.
#[repr(C)]
pub struct FileInformation {
    pub attributes: u32,
    /// Three FILETIMEs.
    pub times: [u32; 6],
    pub volume: u32,
    /// Size, and number of links.
    pub facts: [u32; 3],
    pub index: [u32; 2],
}

#[repr(C)]
pub struct UnicodeString {
    /// Bytes.
    pub length: u16,
    /// Bytes.
    pub capacity: u16,
    pub buffer: *const u16,
}

#[repr(C)]
pub struct ObjectAttributes {
    pub length: u32,
    pub root: RawHandle,
    pub name: *const UnicodeString,
    pub attributes: u32,
    pub descriptor: *const c_void,
    pub quality: *const c_void,
}

#[repr(C)]
pub struct SystemInfo {
    pub architecture: u16,
    pub reserved: u16,
    pub page_size: u32,
    pub lowest: *mut c_void,
    pub highest: *mut c_void,
    pub active_mask: usize,
    pub processors: u32,
    pub processor_type: u32,
    pub granularity: u32,
    pub level: u16,
    pub revision: u16,
}

#[repr(C)]
pub struct MemoryStatus {
    pub size: u32,
    pub load: u32,
    /// The physical memory first, then the parts and kinds of it, in bytes.
    pub amounts: [u64; 7],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct ProcessorPowerInformation {
    pub number: u32,
    pub max_mhz: u32,
    pub current_mhz: u32,
    pub mhz_limit: u32,
    pub max_idle_state: u32,
    pub current_idle_state: u32,
}

#[repr(C)]
pub struct OsVersionInfo {
    pub size: u32,
    pub major: u32,
    pub minor: u32,
    pub build: u32,
    pub platform: u32,
    pub service_pack: [u16; 128],
}

const _: () = {
    assert!(size_of::<SecurityAttributes>() == 24);
    assert!(size_of::<StartupInfo>() == 104);
    assert!(size_of::<ProcessInformation>() == 24);
    assert!(size_of::<FindData>() == 592);
    assert!(size_of::<FileInformation>() == 52);
    assert!(size_of::<UnicodeString>() == 16);
    assert!(size_of::<ObjectAttributes>() == 48);
    assert!(size_of::<SystemInfo>() == 48);
    assert!(size_of::<MemoryStatus>() == 64);
    assert!(size_of::<ProcessorPowerInformation>() == 24);
    assert!(size_of::<OsVersionInfo>() == 276);
};

#[link(name = "kernel32")]
unsafe extern "system" {
    pub fn CancelIoEx(file: RawHandle, overlapped: *mut c_void) -> i32;
    pub fn CloseHandle(handle: RawHandle) -> i32;
    pub fn CreateFileW(
        path: *const u16,
        access: u32,
        share: u32,
        security: *const SecurityAttributes,
        disposition: u32,
        flags: u32,
        template: RawHandle,
    ) -> RawHandle;
    pub fn CreatePipe(
        read: *mut RawHandle,
        write: *mut RawHandle,
        security: *const SecurityAttributes,
        size: u32,
    ) -> i32;
    pub fn CreateProcessW(
        application: *const u16,
        command_line: *mut u16,
        process_security: *const SecurityAttributes,
        thread_security: *const SecurityAttributes,
        inherit: i32,
        flags: u32,
        environment: *const u16,
        directory: *const u16,
        startup: *const StartupInfo,
        information: *mut ProcessInformation,
    ) -> i32;
    pub fn CreateThread(
        security: *const SecurityAttributes,
        stack: usize,
        start: unsafe extern "system" fn(*mut c_void) -> u32,
        parameter: *mut c_void,
        flags: u32,
        id: *mut u32,
    ) -> RawHandle;
    pub fn ExitProcess(code: u32) -> !;
    pub fn FindClose(search: RawHandle) -> i32;
    pub fn FindFirstFileW(pattern: *const u16, found: *mut FindData) -> RawHandle;
    pub fn FindNextFileW(search: RawHandle, found: *mut FindData) -> i32;
    pub fn GetEnvironmentStringsW() -> *mut u16;
    pub fn GetExitCodeProcess(process: RawHandle, code: *mut u32) -> i32;
    pub fn GetFileInformationByHandle(file: RawHandle, information: *mut FileInformation) -> i32;
    pub fn GetFileType(file: RawHandle) -> u32;
    pub fn GetLastError() -> u32;
    pub fn GetProcessHeap() -> RawHandle;
    pub fn GetStdHandle(which: u32) -> RawHandle;
    pub fn GetSystemInfo(information: *mut SystemInfo);
    pub fn GlobalMemoryStatusEx(status: *mut MemoryStatus) -> i32;
    pub fn HeapAlloc(heap: RawHandle, flags: u32, size: usize) -> *mut u8;
    pub fn HeapFree(heap: RawHandle, flags: u32, block: *mut u8) -> i32;
    pub fn HeapReAlloc(heap: RawHandle, flags: u32, block: *mut u8, size: usize) -> *mut u8;
    pub fn MapViewOfFile(section: RawHandle, access: u32, high: u32, low: u32, size: usize) -> *mut u8;
    pub fn PeekNamedPipe(
        pipe: RawHandle,
        buffer: *mut u8,
        size: u32,
        read: *mut u32,
        available: *mut u32,
        left: *mut u32,
    ) -> i32;
    pub fn ReadFile(
        file: RawHandle,
        buffer: *mut u8,
        size: u32,
        read: *mut u32,
        overlapped: *mut c_void,
    ) -> i32;
    pub fn ResumeThread(thread: RawHandle) -> u32;
    pub fn SetConsoleCtrlHandler(handler: unsafe extern "system" fn(u32) -> i32, add: i32) -> i32;
    pub fn SetEnvironmentVariableW(name: *const u16, value: *const u16) -> i32;
    pub fn SetFilePointerEx(file: RawHandle, distance: i64, position: *mut i64, method: u32) -> i32;
    pub fn SetHandleInformation(handle: RawHandle, mask: u32, flags: u32) -> i32;
    pub fn SetProcessAffinityMask(process: RawHandle, mask: usize) -> i32;
    pub fn Sleep(milliseconds: u32);
    pub fn TerminateProcess(process: RawHandle, code: u32) -> i32;
    pub fn WaitForSingleObject(object: RawHandle, milliseconds: u32) -> u32;
    pub fn WriteFile(
        file: RawHandle,
        buffer: *const u8,
        size: u32,
        written: *mut u32,
        overlapped: *mut c_void,
    ) -> i32;
}

#[link(name = "ntdll")]
unsafe extern "system" {
    pub fn NtCreateEvent(
        event: *mut RawHandle,
        access: u32,
        attributes: *const ObjectAttributes,
        kind: u32,
        signalled: u8,
    ) -> i32;
    pub fn NtCreateKey(
        key: *mut RawHandle,
        access: u32,
        attributes: *const ObjectAttributes,
        title: u32,
        class: *const UnicodeString,
        options: u32,
        disposition: *mut u32,
    ) -> i32;
    pub fn NtOpenSection(section: *mut RawHandle, access: u32, attributes: *const ObjectAttributes) -> i32;
    pub fn NtPowerInformation(
        level: u32,
        input: *const c_void,
        input_size: u32,
        output: *mut c_void,
        output_size: u32,
    ) -> i32;
    pub fn NtSetEvent(event: RawHandle, previous: *mut i32) -> i32;
    pub fn NtSetValueKey(
        key: RawHandle,
        name: *const UnicodeString,
        title: u32,
        kind: u32,
        data: *const u8,
        size: u32,
    ) -> i32;
    pub fn RtlGetVersion(version: *mut OsVersionInfo) -> i32;
    pub fn RtlNtStatusToDosError(status: i32) -> u32;
}
