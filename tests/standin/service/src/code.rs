//! Codes as the service returns them, and the document beside a failure.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::json;

/// Which DLL answers: the codes of the service have another first digit in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// vmcompute.dll: `0xC03701xx`.
    V1,
    /// computecore.dll: `0x803701xx`.
    V2,
}

/// Why a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The low word of a code of the service.
    Service(u16),
    /// An error of Win32.
    Win32(u16),
    /// A whole HRESULT, from the script of faults.
    Scripted(u32),
}

impl Code {
    /// Hyper-V is not there.
    pub const HYPERV_NOT_INSTALLED: Self = Self::Service(0x102);
    /// The call goes on: a success of vmcompute.dll.
    pub const PENDING: Self = Self::Service(0x103);
    /// The system is in the wrong state.
    pub const INVALID_STATE: Self = Self::Service(0x105);
    /// The system ended, and nobody asked it to.
    pub const UNEXPECTED_EXIT: Self = Self::Service(0x106);
    /// The document is refused.
    pub const INVALID_JSON: Self = Self::Service(0x10D);
    /// There is no such system.
    pub const SYSTEM_NOT_FOUND: Self = Self::Service(0x10E);
    /// There is such a system.
    pub const SYSTEM_ALREADY_EXISTS: Self = Self::Service(0x10F);
    /// The system has ended.
    pub const SYSTEM_ALREADY_STOPPED: Self = Self::Service(0x110);
    /// The directory is no layer.
    pub const INVALID_LAYER: Self = Self::Service(0x112);
    /// The operation has made no request.
    pub const OPERATION_NOT_STARTED: Self = Self::Service(0x115);
    /// The operation has made its request.
    pub const OPERATION_ALREADY_STARTED: Self = Self::Service(0x116);
    /// The operation is not done.
    pub const OPERATION_PENDING: Self = Self::Service(0x117);
    /// The operation was not done in time.
    pub const OPERATION_TIMEOUT: Self = Self::Service(0x118);
    /// The handle has a callback.
    pub const CALLBACK_ALREADY_SET: Self = Self::Service(0x119);
    /// The service went away.
    pub const SERVICE_DISCONNECT: Self = Self::Service(0x11E);
    /// The process has ended.
    pub const PROCESS_ALREADY_STOPPED: Self = Self::Service(0x11F);
    /// `ERROR_FILE_NOT_FOUND`.
    pub const FILE_NOT_FOUND: Self = Self::Win32(2);
    /// `ERROR_PATH_NOT_FOUND`.
    pub const PATH_NOT_FOUND: Self = Self::Win32(3);
    /// `ERROR_NOT_READY`.
    pub const NOT_READY: Self = Self::Win32(21);
    /// `ERROR_ACCESS_DENIED`.
    pub const ACCESS_DENIED: Self = Self::Win32(5);
    /// `ERROR_INVALID_HANDLE`.
    pub const INVALID_HANDLE: Self = Self::Win32(6);
    /// `ERROR_GEN_FAILURE`.
    pub const GENERAL: Self = Self::Win32(31);
    /// `ERROR_SHARING_VIOLATION`.
    pub const IN_USE: Self = Self::Win32(32);
    /// `ERROR_NOT_SUPPORTED`.
    pub const NOT_SUPPORTED: Self = Self::Win32(50);
    /// `ERROR_INVALID_PARAMETER`.
    pub const INVALID_ARGUMENT: Self = Self::Win32(87);
    /// `ERROR_ALREADY_EXISTS`.
    pub const ALREADY_EXISTS: Self = Self::Win32(183);
    /// `ERROR_SERVICE_NOT_ACTIVE`.
    pub const NOT_ACTIVE: Self = Self::Win32(1062);
    /// `ERROR_NOT_FOUND`.
    pub const ELEMENT_NOT_FOUND: Self = Self::Win32(1168);
    /// `ERROR_INVALID_STATE`.
    pub const WRONG_ORDER: Self = Self::Win32(5023);

    /// Returns the HRESULT that a DLL of `family` returns.
    pub fn hresult(self, family: Family) -> u32 {
        match (self, family) {
            // The newer codes are of computecore.dll; vmcompute.dll passes them on as they are.
            (Self::Service(low @ 0x114..), _) | (Self::Service(low), Family::V2) => {
                0x8037_0000 | u32::from(low)
            }
            (Self::Service(low), Family::V1) => 0xC037_0000 | u32::from(low),
            (Self::Win32(low), _) => 0x8007_0000 | u32::from(low),
            (Self::Scripted(code), _) => code,
        }
    }
}

/// A call that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why, as a code.
    pub code: Code,
    /// Why, in words.
    pub message: String,
    /// Where in a document, where one is refused: `$.Container.Memory`.
    pub place: Option<String>,
}

/// What a call of the service comes to.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Says why.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None }
    }

    /// Says where in a document.
    pub fn at(self, place: &str) -> Self {
        Self { place: Some(place.to_owned()), ..self }
    }

    /// Says that what was begun fails with a code of the script.
    pub fn refused_later(code: u32) -> Self {
        Self::new(Code::Scripted(code), "it fails by script, later")
    }

    /// Says what failed on the disk.
    pub fn io(what: impl std::fmt::Display, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound => Code::PATH_NOT_FOUND,
            io::ErrorKind::AlreadyExists => Code::ALREADY_EXISTS,
            io::ErrorKind::PermissionDenied => Code::ACCESS_DENIED,
            _ => Code::GENERAL,
        };
        Self::new(code, format!("cannot {what}: {error}"))
    }

    /// Returns the result document. That of a refused document has the form in which the service was seen to say it;
    /// why it is wrong, which the service does not say, follows the words of its message.
    pub fn document(&self, family: Family) -> String {
        let code = self.code.hresult(family);
        let error = code.cast_signed();
        let Some(place) = &self.place else {
            return json!({"Error": error, "ErrorMessage": self.message}).to_string();
        };
        let (message, place) = (INVALID, format!("Invalid JSON document '{place}'"));
        let whole = format!(
            "The specified compute system configuration is invalid: {message} (0x{code:08X}, '{place}'). Stand-in: {}",
            self.message
        );
        let data = [format!("%%{code}"), format!("0x{code:08X}"), place]
            .map(|value| json!({"Type": "String", "Value": value}));
        let event = json!({"Message": whole, "Provider": PROVIDER, "EventId": 11_000, "Data": data});
        json!({"Error": error, "ErrorMessage": message, "ErrorEvents": [event]}).to_string()
    }
}

/// What the service says of a document that it refuses.
const INVALID: &str = "The virtual machine or container JSON document is invalid.";

/// The provider of the events that say where: the service itself, Microsoft-Windows-Hyper-V-Compute.
const PROVIDER: &str = "17103e3f-3c6e-4677-bb17-3b267eb5be57";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dll_has_its_own_first_digit() {
        for (code, v1, v2) in [
            (Code::INVALID_JSON, 0xC037_010D, 0x8037_010D),
            (Code::PENDING, 0xC037_0103, 0x8037_0103),
            (Code::PROCESS_ALREADY_STOPPED, 0x8037_011F, 0x8037_011F),
            (Code::IN_USE, 0x8007_0020, 0x8007_0020),
            (Code::Scripted(1), 1, 1),
        ] {
            assert_eq!((code.hresult(Family::V1), code.hresult(Family::V2)), (v1, v2), "{code:?}");
        }
    }

    #[test]
    fn the_document_holds_code_and_words() {
        let failure = Failure::new(Code::SYSTEM_NOT_FOUND, "no system a");
        let document = failure.document(Family::V1);
        assert_eq!(document, r#"{"Error":-1070137074,"ErrorMessage":"no system a"}"#);
    }

    #[test]
    fn the_document_of_a_refused_document_names_the_place() {
        let failure = Failure::new(Code::INVALID_JSON, "$.A: is no text").at("$.A");
        let document: serde_json::Value = serde_json::from_str(&failure.document(Family::V2)).unwrap();
        assert_eq!(document["Error"], 0x8037_010D_u32.cast_signed());
        let event = &document["ErrorEvents"][0];
        let said = event["Message"].as_str().unwrap();
        assert!(said.contains("(0x8037010D, 'Invalid JSON document '$.A'')"), "{said}");
        assert_eq!(event["Data"][2]["Value"], "Invalid JSON document '$.A'");
        assert_eq!((&event["EventId"], &event["Data"][0]["Value"]), (&11_000.into(), &"%%2151088397".into()));
    }
}
