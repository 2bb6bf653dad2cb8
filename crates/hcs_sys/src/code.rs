//! Codes of the Host Compute Service. Two families mean the same: vmcompute.dll returns `0xC03701xx`, computecore.dll
//! `0x803701xx`, with the same low word up to 0x113 (hcsshim lists some twice). Beside them stand Win32 errors, as
//! `0x8007xxxx`.

use std::fmt;
use std::hash::{Hash, Hasher};

/// Why a call failed. Two codes are equal where they mean the same, whichever DLL they come from.
#[derive(Debug, Clone, Copy)]
pub struct Code(u32);

/// All but the bits that say severity and customer: the facility and the low word are left.
const MEANING: u32 = 0x0FFF_FFFF;

/// The facility of the Host Compute Service in both families, in its place.
const SERVICE: u32 = 0x0037_0000;

/// `HRESULT_FROM_WIN32` of 0.
const WIN32: u32 = 0x8007_0000;

macro_rules! codes {
    ($($name:ident = $value:expr, $meaning:literal;)*) => {
        impl Code {
            $(#[doc = concat!("Means: ", $meaning, ".")] pub const $name: Self = Self($value);)*
        }

        const MEANINGS: &[(Code, &str)] = &[$((Code::$name, $meaning)),*];
    };
}

codes! {
    TERMINATED_DURING_START = 0x8037_0100, "it ended while it started";
    IMAGE_MISMATCH = 0x8037_0101, "the container's Windows does not fit the host's";
    HYPERV_NOT_INSTALLED = 0x8037_0102, "a feature of Windows that it needs is not installed";
    TOO_MANY_NOTIFICATIONS = 0x8037_0104, "too many notifications are waiting";
    INVALID_STATE = 0x8037_0105, "it is in the wrong state for that";
    UNEXPECTED_EXIT = 0x8037_0106, "it ended unexpectedly";
    TERMINATED = 0x8037_0107, "it was ended by force";
    CONNECT_FAILED = 0x8037_0108, "the container cannot be reached";
    CONNECTION_TIMEOUT = 0x8037_0109, "the container did not answer in time";
    CONNECTION_CLOSED = 0x8037_010A, "the connection to the container was closed";
    UNKNOWN_MESSAGE = 0x8037_010B, "the container does not know that message";
    UNSUPPORTED_PROTOCOL_VERSION = 0x8037_010C, "the container speaks another protocol";
    INVALID_JSON = 0x8037_010D, "the document is not valid";
    SYSTEM_NOT_FOUND = 0x8037_010E, "there is no such compute system";
    SYSTEM_ALREADY_EXISTS = 0x8037_010F, "there is a compute system of that id";
    SYSTEM_ALREADY_STOPPED = 0x8037_0110, "the compute system has stopped";
    PROTOCOL_ERROR = 0x8037_0111, "the container broke the protocol";
    INVALID_LAYER = 0x8037_0112, "the layer's format is not known";
    WINDOWS_INSIDER_REQUIRED = 0x8037_0113, "only a preview of Windows can do that";
    SERVICE_NOT_AVAILABLE = 0x8037_0114, "the Host Compute Service is not available";
    OPERATION_NOT_STARTED = 0x8037_0115, "the operation was not started";
    OPERATION_ALREADY_STARTED = 0x8037_0116, "the operation was started before";
    PENDING = 0x8037_0117, "it is not done yet";
    OPERATION_TIMEOUT = 0x8037_0118, "it was not done in time";
    CALLBACK_ALREADY_SET = 0x8037_0119, "the system's callback was set before";
    RESULT_ALLOCATION_FAILED = 0x8037_011A, "there was no memory for the result";
    HCS_ACCESS_DENIED = 0x8037_011B, "the service denies access";
    GUEST_CRITICAL_ERROR = 0x8037_011C, "the container's system failed";
    PROCESS_INFO_NOT_AVAILABLE = 0x8037_011D, "nothing is known of the process";
    SERVICE_DISCONNECT = 0x8037_011E, "the Host Compute Service went away";
    PROCESS_ALREADY_STOPPED = 0x8037_011F, "the process has ended";
    ACCESS_DENIED = WIN32 | 5, "access is denied";
    INVALID_HANDLE = WIN32 | 6, "the handle is not valid";
    INVALID_DATA = WIN32 | 13, "such a request is not supported";
    NOT_READY = WIN32 | 21, "the device is not ready";
    SHARING_VIOLATION = WIN32 | 32, "the file is in use";
    NOT_SUPPORTED = WIN32 | 50, "that is not supported";
    INVALID_ARGUMENT = WIN32 | 87, "an argument is not valid";
    DISK_FULL = WIN32 | 112, "the disk is full";
    FILE_NOT_FOUND = WIN32 | 2, "there is no such file";
    PATH_NOT_FOUND = WIN32 | 3, "there is no such path";
    ALREADY_EXISTS = WIN32 | 183, "it exists";
    DEVICE_NOT_CONNECTED = WIN32 | 1167, "the device is not connected";
    ELEMENT_NOT_FOUND = WIN32 | 1168, "it is not there";
    NOT_ALL_ASSIGNED = WIN32 | 1300, "the privilege is not held";
    PRIVILEGE_NOT_HELD = WIN32 | 1314, "the privilege is not held";
    LOGON_FAILURE = WIN32 | 1326, "there is no such user, or he has a password";
}

impl Code {
    /// Takes an HRESULT as it was returned.
    pub const fn from_hresult(value: i32) -> Self {
        Self(value.cast_unsigned())
    }

    /// Takes an error code of Win32.
    pub const fn from_win32(value: u16) -> Self {
        Self(WIN32 | value as u32)
    }

    /// Returns the code as it was returned.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// Tells whether it is a failure: the sign says so in both families.
    pub const fn is_failure(self) -> bool {
        self.0.cast_signed() < 0
    }

    /// Returns what is equal in codes that mean the same.
    fn meaning(self) -> u32 {
        match self.0 & MEANING {
            // Pending has two low words: the first is vmcompute's, and nothing of computecore's.
            0x0037_0103 => SERVICE | 0x117,
            service if service & 0x0FFF_0000 == SERVICE => service,
            _ => self.0,
        }
    }

    fn described(self) -> Option<&'static str> {
        MEANINGS.iter().find(|(code, _)| *code == self).map(|(_, meaning)| *meaning)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl Eq for Code {}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.described() {
            Some(meaning) => write!(f, "{meaning} (0x{:08X})", self.0),
            None => write!(f, "code 0x{:08X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_mean_the_same() {
        for (v1, v2, name) in [
            (0xC037_0100_u32, 0x8037_0100_u32, Code::TERMINATED_DURING_START),
            (0xC037_0103, 0x8037_0117, Code::PENDING),
            (0xC037_010D, 0x8037_010D, Code::INVALID_JSON),
            (0xC037_010E, 0x8037_010E, Code::SYSTEM_NOT_FOUND),
            (0xC037_0110, 0x8037_0110, Code::SYSTEM_ALREADY_STOPPED),
            (0xC037_0113, 0x8037_0113, Code::WINDOWS_INSIDER_REQUIRED),
        ] {
            let [v1, v2] = [v1, v2].map(|code| Code::from_hresult(code.cast_signed()));
            assert!(v1 == name && v2 == name, "{v1} {v2}");
            assert!(v1.is_failure() && v2.is_failure());
            assert_ne!(v1.raw(), v2.raw());
        }
    }

    #[test]
    fn other_facilities_keep_all_their_bits() {
        let code = |value: u32| Code::from_hresult(value.cast_signed());
        assert_eq!(code(0x8007_0005), Code::ACCESS_DENIED);
        assert_eq!(Code::from_win32(1168), Code::ELEMENT_NOT_FOUND);
        // An NTSTATUS with the low word of a Win32 error, and a network code with the low word of a service code.
        assert_ne!(code(0xC007_0005), Code::ACCESS_DENIED);
        assert_ne!(code(0x803B_010E), Code::SYSTEM_NOT_FOUND);
        assert!(!code(0).is_failure() && !code(1).is_failure());
    }

    #[test]
    fn every_name_is_another_code() {
        for (at, (code, _)) in MEANINGS.iter().enumerate() {
            assert_eq!(MEANINGS.iter().position(|(other, _)| other == code), Some(at), "{code}");
        }
    }

    #[test]
    fn is_told_in_words_and_as_it_was_returned() {
        let code = |value: u32| Code::from_hresult(value.cast_signed()).to_string();
        assert_eq!(code(0xC037_010E), "there is no such compute system (0xC037010E)");
        assert_eq!(code(0x8037_010E), "there is no such compute system (0x8037010E)");
        assert_eq!(code(0x8000_4005), "code 0x80004005");
    }
}
