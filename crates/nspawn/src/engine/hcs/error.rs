//! Failures of the service, in this library's words.

use hcs_schema::results::ResultError;
use hcs_sys::Code;

use crate::engine::place;
use crate::error::{Error, ErrorKind};

/// Makes the error of a call: what the service says of it besides becomes its events.
pub(super) fn failed(op: &'static str, subject: impl Into<String>, error: hcs_sys::Error) -> Error {
    let record = error.document().and_then(|text| serde_json::from_str::<ResultError>(text).ok());
    let mut failure = Error::new(kind(&error), op, subject);
    if failure.kind() == ErrorKind::Denied {
        failure = failure.with_hint("containers need an administrator: start this from an elevated prompt");
    }
    if error.code() == Some(Code::LOGON_FAILURE) {
        failure = failure
            .with_hint("the key user names an account that the container has, and that needs no password");
    }
    if matches!(error, hcs_sys::Error::NoLibrary { .. }) {
        failure = failure.with_hint(
            "turn on the feature Containers of Windows, in PowerShell: Install-WindowsFeature Containers, and restart",
        );
    }
    if error.code().is_some_and(|code| [Code::INVALID_JSON, Code::INVALID_DATA].contains(&code)) {
        failure = failure
            .with_hint("the documents are the lines Container config and Process config, or see --dry-run");
    }
    let record = record.unwrap_or_default();
    let messages = record.error_events.into_iter().map(|event| event.message);
    let told = std::iter::once(record.error_message).chain(messages).filter(|text| !text.trim().is_empty());
    told.for_each(|text| failure.attach(text.trim().to_owned()));
    failure.source(error)
}

/// Adds to a refusal what stands in `document` (JSON) where the service says that it is wrong.
pub(super) fn located(mut refusal: Error, document: &str) -> Error {
    if let Some(told) = refusal.events().iter().find_map(|words| place::told(words, document)) {
        refusal.attach(told);
    }
    refusal
}

fn kind(error: &hcs_sys::Error) -> ErrorKind {
    let Some(code) = error.code() else {
        return match error {
            hcs_sys::Error::Nul(_) => ErrorKind::InvalidSpec,
            _ => ErrorKind::Unsupported,
        };
    };
    let meanings = [
        (Code::ACCESS_DENIED, ErrorKind::Denied),
        (Code::HCS_ACCESS_DENIED, ErrorKind::Denied),
        (Code::NOT_ALL_ASSIGNED, ErrorKind::Denied),
        (Code::PRIVILEGE_NOT_HELD, ErrorKind::Denied),
        (Code::SYSTEM_ALREADY_EXISTS, ErrorKind::AlreadyExists),
        (Code::OPERATION_TIMEOUT, ErrorKind::Timeout),
        (Code::HYPERV_NOT_INSTALLED, ErrorKind::Unsupported),
        (Code::IMAGE_MISMATCH, ErrorKind::Unsupported),
    ];
    meanings.iter().find(|(meant, _)| *meant == code).map_or(ErrorKind::Host, |(_, kind)| *kind)
}

/// Tells whether a failure to end something means that it has ended.
pub(super) fn is_gone(error: &hcs_sys::Error) -> bool {
    let gone = [
        Code::SYSTEM_ALREADY_STOPPED,
        Code::SYSTEM_NOT_FOUND,
        Code::PROCESS_ALREADY_STOPPED,
        Code::ELEMENT_NOT_FOUND,
    ];
    error.code().is_some_and(|code| gone.contains(&code))
}
