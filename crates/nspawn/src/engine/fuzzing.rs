//! Fuzz targets: what the service answers, and what lies in files of Windows. See [`crate::fuzzing`].

use std::fmt::Debug;

use hcs_schema::properties::Properties;
use hcs_schema::results::{ProcessExit, ProcessStatus, ResultError, SystemExitStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{file_version, place};

/// What the service answers: what is read is written alike; an exit has a code; the place that a refusal names is
/// one of our document.
pub fn service_answers(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    is_written_alike::<ResultError>(text);
    is_written_alike::<ProcessStatus>(text);
    is_written_alike::<SystemExitStatus>(text);
    is_written_alike::<Properties>(text);
    is_written_alike::<Option<Vec<Properties>>>(text);
    if let Ok(ProcessExit(status)) = serde_json::from_str(text) {
        assert!(status.code().is_some());
        assert_eq!(serde_json::from_str(text).ok(), Some(status), "whole, and yet no status");
    }
    const DOCUMENT: &str =
        r#"{"Container": {"Storage": {"Path": "x"}, "MappedDirectories": [{}, {"a": 1}]}}"#;
    let words = serde_json::from_str::<ResultError>(text).map(|error| error.error_message);
    let words = words.unwrap_or_else(|_| text.to_owned());
    let told = place::told(&words, DOCUMENT);
    assert!(told.is_none_or(|told| told.contains('$') && told.len() <= words.len() + DOCUMENT.len() + 32));
}

fn is_written_alike<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    if let Ok(read) = serde_json::from_str::<T>(text) {
        let written = serde_json::to_string(&read).expect("plain data");
        assert_eq!(serde_json::from_str::<T>(&written).expect("as we write it"), read);
    }
}

/// Versions in files of Windows: the one that is found stands there.
pub fn file_versions(bytes: &[u8]) {
    let Some(found) = file_version::find(bytes) else { return };
    let parts = [found.minor, found.major, found.revision, found.build];
    let number: Vec<u8> = parts.into_iter().flat_map(u16::to_le_bytes).collect();
    let is_it = |fixed: &[u8]| fixed.starts_with(&[0xBD, 4, 0xEF, 0xFE]) && fixed[8..] == number;
    assert!(bytes.windows(16).any(is_it), "{found}");
}
