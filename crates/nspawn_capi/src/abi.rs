//! The structs that cross the border. Each begins with its size, so that it can grow: what a caller knows and we do
//! not must be zero, and what we know and a caller does not is zero.
// UNSAFETY: memory of the caller's, whose size the caller tells.
#![expect(unsafe_code, reason = "memory of the caller's")]

use std::ffi::{c_char, c_void};

/// `struct hostcompute_nspawn_options`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Options {
    /// The size of the struct that the caller knows, in bytes.
    pub struct_size: usize,
    /// The text of a config.json.
    pub config_json: *const c_char,
    /// Its length in bytes.
    pub config_json_len: usize,
    /// What relative paths are relative to; null for the current directory.
    pub config_directory: *const c_char,
    /// Where all state is kept; null for the usual places.
    pub state_directory: *const c_char,
    /// Told each step.
    pub step: Option<unsafe extern "C" fn(context: *mut c_void, line: *const c_char)>,
    /// Given to `step`.
    pub context: *mut c_void,
    /// The schema of the documents, 1 or 2; 0 for the host's own.
    pub hcs_schema: u32,
    /// [`ALLOW_UNENFORCED`] or 0.
    pub flags: u32,
}

/// `HOSTCOMPUTE_NSPAWN_ALLOW_UNENFORCED`.
pub(crate) const ALLOW_UNENFORCED: u32 = 1;

/// `struct hostcompute_nspawn_result`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct RunResult {
    /// The size of the struct that the caller knows, in bytes.
    pub struct_size: usize,
    /// The report, of a failure too.
    pub report_json: *mut c_char,
    /// What went wrong; null where the program ran.
    pub error: *mut c_char,
    /// The exit status that the launcher would have, 0 to 255.
    pub exit_status: u32,
    /// 1 where the program exited by itself.
    pub exited: u32,
    /// Then all 32 bits of its exit code.
    pub exit_code: u32,
    /// 0.
    pub reserved: u32,
}

/// The most that a struct of a later version may have, in bytes: a size beyond is one that was not set.
const MAX: usize = 4096;

/// Reads options from memory of the caller's. The error says what is wrong with it.
///
/// # Safety
/// Where `options` is not null, it points to a size, and to so many bytes that can be read.
pub(crate) unsafe fn read_options(options: *const Options) -> Result<Options, String> {
    // SAFETY: as ours.
    let size = unsafe { size_at(options.cast(), size_of::<Options>(), "options")? };
    // SAFETY: the size that was told is at least that of the struct, every bit pattern of which is one that C allows:
    // a function pointer that is no function is the caller's breach.
    let known = unsafe { options.read_unaligned() };
    // SAFETY: the bytes between our end of the struct and the caller's.
    let rest = unsafe {
        let end = options.cast::<u8>().add(size_of::<Options>());
        std::slice::from_raw_parts(end, size - size_of::<Options>())
    };
    match rest.iter().all(|byte| *byte == 0) {
        true => Ok(known),
        false => Err("options: hold what this version of the library does not know".to_owned()),
    }
}

/// A result in memory of the caller's, all zero but for its size.
#[derive(Debug)]
pub(crate) struct Place(*mut RunResult);

impl Place {
    /// Takes the place and clears it.
    ///
    /// # Safety
    /// Where `result` is not null, it points to a size, and to so many bytes that can be written, by nobody else until
    /// the place is dropped.
    pub(crate) unsafe fn clear(result: *mut RunResult) -> Result<Self, String> {
        // SAFETY: as ours.
        let size = unsafe { size_at(result.cast(), size_of::<RunResult>(), "result")? };
        // SAFETY: so many bytes can be written, of which the first are the size.
        unsafe {
            result.cast::<u8>().write_bytes(0, size);
            result.cast::<usize>().write_unaligned(size);
        }
        Ok(Self(result))
    }

    /// Writes all but the size, which stays the caller's.
    pub(crate) fn write(self, value: RunResult) {
        // SAFETY: the place was checked when it was taken, and holds a size at least that of the struct.
        unsafe {
            let struct_size = self.0.cast::<usize>().read_unaligned();
            self.0.write_unaligned(RunResult { struct_size, ..value });
        }
    }
}

/// Returns the size that stands at the head of a struct of the caller's.
///
/// # Safety
/// Where `place` is not null, it points to a size.
unsafe fn size_at(place: *const usize, least: usize, name: &str) -> Result<usize, String> {
    if place.is_null() {
        return Err(format!("{name}: is NULL"));
    }
    // SAFETY: as ours.
    let size = unsafe { place.read_unaligned() };
    match (least..=MAX).contains(&size) {
        true => Ok(size),
        false => Err(format!("{name}: struct_size is {size}, which no version has; the least is {least}")),
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    /// The C test programs hold the header to the same numbers.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn structs_have_the_header_s_layout() {
        assert_eq!(size_of::<Options>(), 64);
        let offsets = [
            offset_of!(Options, config_json),
            offset_of!(Options, config_json_len),
            offset_of!(Options, config_directory),
            offset_of!(Options, state_directory),
            offset_of!(Options, step),
            offset_of!(Options, context),
            offset_of!(Options, hcs_schema),
            offset_of!(Options, flags),
        ];
        assert_eq!(offsets, [8, 16, 24, 32, 40, 48, 56, 60]);
        assert_eq!(size_of::<RunResult>(), 40);
        let offsets = [
            offset_of!(RunResult, report_json),
            offset_of!(RunResult, error),
            offset_of!(RunResult, exit_status),
            offset_of!(RunResult, exited),
            offset_of!(RunResult, exit_code),
            offset_of!(RunResult, reserved),
        ];
        assert_eq!(offsets, [8, 16, 24, 28, 32, 36]);
    }
}
