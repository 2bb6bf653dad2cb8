//! The functions themselves: what C gives is checked and made ours here, what we give is made C's.
// UNSAFETY: functions that C calls, with pointers that C gives.
#![expect(unsafe_code, reason = "the border to C")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use nspawn::Error;
use nspawn::engine::Unenforced;
use nspawn::host::Schema;
use nspawn::report::Outcome;

use crate::abi::{self, ALLOW_UNENFORCED, Options, Place, RunResult};
use crate::call::{Call, Failure};

/// Runs what a config.json describes; see the header.
///
/// # Safety
/// `config_json` is null or points to `config_json_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcompute_nspawn(
    config_json: *const c_char,
    config_json_len: c_int,
) -> *mut c_char {
    let message = caught(|| {
        let length = usize::try_from(config_json_len).ok().filter(|length| *length > 0);
        let length = length.ok_or_else(|| refused("config_json_len", "is not positive"))?;
        // SAFETY: as ours.
        let config = unsafe { bytes_at("config_json", config_json, length)? };
        let report = Call::of(config).run(|_| {})?;
        Ok(match report.outcome {
            Outcome::Exited(_) | Outcome::Signalled(_) => None,
            _ => Some(format!("the program was ended: {}", report.summary())),
        })
    });
    message.map_err(|failure| failure.message()).unwrap_or_else(Some).map_or(std::ptr::null_mut(), c_text)
}

/// Frees text of ours.
///
/// # Safety
/// `text` is null, or was returned by a function of this library and not freed since.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcompute_nspawn_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: all text that we return is of `c_text`.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Runs what options describe and tells how it ended; see the header.
///
/// # Safety
/// `options` and `result` are null or point to structs of the size that they begin with; what is in `options` is null
/// or as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcompute_nspawn_run(options: *const Options, result: *mut RunResult) -> c_int {
    // SAFETY: as ours.
    let Ok(place) = (unsafe { Place::clear(result) }) else {
        return INVALID;
    };
    // SAFETY: as ours.
    let (code, told) = match caught(|| unsafe { run(options) }) {
        Ok(told) => (OK, told),
        Err(failure) => (code_of(&failure), told_of(&failure)),
    };
    place.write(told);
    code
}

/// Returns our version.
#[unsafe(no_mangle)]
pub extern "C" fn hostcompute_nspawn_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("a version holds no zero"), // when this is compiled
        };
    VERSION.as_ptr()
}

/// See [`hostcompute_nspawn_run`].
///
/// # Safety
/// As there.
unsafe fn run(options: *const Options) -> Result<RunResult, Failure> {
    // SAFETY: as ours.
    let options = unsafe { abi::read_options(options) }.map_err(|what| Error::invalid("the call", what))?;
    // SAFETY: as ours: pointers that are not null are as the header says.
    let (config, directory, root) = unsafe {
        (
            bytes_at("config_json", options.config_json, options.config_json_len)?,
            path_at("config_directory", options.config_directory)?,
            path_at("state_directory", options.state_directory)?,
        )
    };
    let schema = match options.hcs_schema {
        0 => None,
        1 => Some(Schema::V1),
        2 => Some(Schema::V2),
        other => return Err(refused("hcs_schema", &format!("is neither 1 nor 2: {other}"))),
    };
    let unenforced = match options.flags {
        0 => Unenforced::Refuse,
        ALLOW_UNENFORCED => Unenforced::Report,
        other => {
            return Err(refused("flags", &format!("this version does not know all of them: {other:#x}")));
        }
    };
    let report = Call { directory, root, schema, unenforced, ..Call::of(config) }.run(|line| {
        if let Some(step) = options.step {
            let line = to_c(line);
            // SAFETY: the header asks for a function that takes these and returns; the line outlives the call.
            unsafe { step(options.context, line.as_ptr()) };
        }
    })?;
    let record = serde_json::to_string(&report)
        .map_err(|error| Error::new(nspawn::ErrorKind::Host, "write", "the report").source(error))?;
    Ok(RunResult {
        report_json: c_text(record),
        exit_status: report.exit_status.into(),
        exited: report.exit_code.is_some().into(),
        exit_code: report.exit_code.unwrap_or_default(),
        ..NOTHING
    })
}

const NOTHING: RunResult = RunResult {
    struct_size: 0,
    report_json: std::ptr::null_mut(),
    error: std::ptr::null_mut(),
    exit_status: 0,
    exited: 0,
    exit_code: 0,
    reserved: 0,
};

fn told_of(failure: &Failure) -> RunResult {
    RunResult {
        report_json: c_text(failure.record()),
        error: c_text(failure.message()),
        exit_status: failure.exit_status().into(),
        ..NOTHING
    }
}

const OK: c_int = 0;
const INVALID: c_int = 1;

/// Returns the header's number for a failure.
fn code_of(failure: &Failure) -> c_int {
    use nspawn::ErrorKind as Kind;
    let Failure::Error(error) = failure else { return 12 };
    match error.kind() {
        Kind::InvalidSpec => INVALID,
        Kind::ProgramNotFound => 2,
        Kind::ProgramNotExecutable => 3,
        Kind::NotFound => 4,
        Kind::AlreadyExists => 5,
        Kind::WrongState => 6,
        Kind::Unsupported => 7,
        Kind::Denied => 8,
        Kind::Timeout => 9,
        Kind::Corrupt => 10,
        _ => 11,
    }
}

/// Runs it; a panic is a failure, too.
fn caught<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What a panic leaves half-done is dropped with the call: nothing of it is seen after.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(Failure::of_panic(&*panic)))
}

fn refused(argument: &str, what: &str) -> Failure {
    Error::invalid(argument, what).into()
}

/// Copies bytes that an argument points to.
///
/// # Safety
/// `place` is null or points to `length` bytes.
unsafe fn bytes_at(argument: &str, place: *const c_char, length: usize) -> Result<Vec<u8>, Failure> {
    match (place.is_null(), length) {
        (true, _) => Err(refused(argument, "is NULL")),
        (false, 0) => Err(refused(argument, "is empty")),
        // The most that a slice can have is less than what a length can say.
        (false, length) if length as u64 > nspawn::config::MAX_BYTES => {
            Err(refused(argument, "is longer than 1 MiB"))
        }
        // SAFETY: as ours.
        (false, length) => Ok(unsafe { std::slice::from_raw_parts(place.cast::<u8>(), length) }.to_vec()),
    }
}

/// Copies a path that an argument points to.
///
/// # Safety
/// `place` is null or points to text that ends with a zero.
unsafe fn path_at(argument: &str, place: *const c_char) -> Result<Option<PathBuf>, Failure> {
    if place.is_null() {
        return Ok(None);
    }
    // SAFETY: as ours.
    let text = unsafe { CStr::from_ptr(place) }.to_str().map_err(|_| refused(argument, "is not UTF-8"))?;
    match text.is_empty() {
        true => Err(refused(argument, "is empty")),
        false => Ok(Some(PathBuf::from(text))),
    }
}

/// Returns text that C owns from now on.
fn c_text(text: String) -> *mut c_char {
    to_c(text).into_raw()
}

/// Ends text with a zero; one within it, which none of ours has, would end it there.
fn to_c(text: String) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let mut text = error.into_vec();
        text.retain(|byte| *byte != 0);
        CString::new(text).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use nspawn::ErrorKind as Kind;

    use super::*;

    #[test]
    fn a_panic_is_a_failure() {
        let failure = caught::<()>(|| panic!("said {}", 1)).unwrap_err();
        assert_eq!(failure.message(), "a defect of this library: said 1");
        assert_eq!((code_of(&failure), failure.exit_status()), (12, 125));
        let failure = caught::<()>(|| std::panic::panic_any(7)).unwrap_err();
        assert_eq!(failure.message(), "a defect of this library: it said nothing");
    }

    #[test]
    fn numbers_are_the_header_s() {
        let header = include_str!("../include/hostcompute_nspawn.h");
        let of = |kind| code_of(&Error::new(kind, "do", "it").into());
        let defect = code_of(&Failure::Panic(String::new()));
        for (name, code) in [
            ("OK", OK),
            ("INVALID", of(Kind::InvalidSpec)),
            ("NO_PROGRAM", of(Kind::ProgramNotFound)),
            ("NOT_EXECUTABLE", of(Kind::ProgramNotExecutable)),
            ("NOT_FOUND", of(Kind::NotFound)),
            ("EXISTS", of(Kind::AlreadyExists)),
            ("STATE", of(Kind::WrongState)),
            ("UNSUPPORTED", of(Kind::Unsupported)),
            ("DENIED", of(Kind::Denied)),
            ("TIMEOUT", of(Kind::Timeout)),
            ("CORRUPT", of(Kind::Corrupt)),
            ("HOST", of(Kind::Host)),
            ("DEFECT", defect),
            ("ALLOW_UNENFORCED", ALLOW_UNENFORCED.cast_signed()),
        ] {
            let line = format!("    HOSTCOMPUTE_NSPAWN_{name} = {code}");
            let stands = header.lines().any(|found| {
                found.strip_prefix(&line).is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ' ']))
            });
            assert!(stands, "{line}");
        }
    }

    #[test]
    fn a_message_says_what_to_do() {
        let mut error = Error::new(Kind::Denied, "open", "it").reason("no");
        error.attach("undoing failed\ntoo");
        let message = Failure::from(error).message();
        assert_eq!(message, format!("cannot open it: no; undoing failed\\ntoo; {}", nspawn::host::ELEVATE));
    }

    #[test]
    fn text_that_c_gets_ends_at_its_zero() {
        assert_eq!(to_c("a\0b".to_owned()).as_bytes(), b"ab");
    }
}
