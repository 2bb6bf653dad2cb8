//! What the service answers with where a call fails, a process exits or a system exits. Lenient: unknown fields
//! are ignored, absent ones have their defaults, because a newer service may say more and an older one less.

use serde::{Deserialize, Serialize};

/// Why a call failed: the result document of each call of vmcompute.dll and of each computecore operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResultError {
    /// The HRESULT. (14393; schema 2.1)
    pub error: i32,
    /// What it means, in the host's language. (14393; schema 2.1)
    pub error_message: String,
    /// What led to it. (hcsshim reads it on every build; schema 2.4)
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_events: Vec<ErrorEvent>,
}

/// One event that led to a failure. `Data` is left out: hcsshim found that the service writes it badly.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ErrorEvent {
    /// The formatted message. (schema 2.1)
    pub message: String,
    /// Where in the service it arose. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<String>,
    /// The GUID of the event provider. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The number of the event with that provider. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<u16>,
    /// Flags of the event. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u32>,
    /// The part of the service that reports it. (schema 2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// How a process stands: what `HcsGetProcessProperties` returns, and the data of the event that it exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProcessStatus {
    /// Its number in the container. (14393; schema 2.1)
    pub process_id: u32,
    /// Whether it has exited. (14393; schema 2.1)
    pub exited: bool,
    /// Its exit code, which means something only as [`ProcessStatus::code`] says. (14393; schema 2.1)
    pub exit_code: u32,
    /// The HRESULT of waiting for it; 0 is success. (14393; schema 2.1)
    pub last_wait_result: i32,
}

impl ProcessStatus {
    /// Returns the exit code, where the process has exited and the service could wait for it.
    pub fn code(self) -> Option<u32> {
        (self.exited && self.last_wait_result == 0).then_some(self.exit_code)
    }
}

/// How a process exited, where that is told whole: a [`ProcessStatus`] of which nothing is absent and that has an exit
/// code. Every other text is refused, for who can ask instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Whole")]
pub struct ProcessExit(pub ProcessStatus);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Whole {
    process_id: u32,
    exited: bool,
    exit_code: u32,
    last_wait_result: i32,
}

impl TryFrom<Whole> for ProcessExit {
    type Error = &'static str;

    fn try_from(whole: Whole) -> Result<Self, Self::Error> {
        let Whole { process_id, exited, exit_code, last_wait_result } = whole;
        let status = ProcessStatus { process_id, exited, exit_code, last_wait_result };
        status.code().map(|_| Self(status)).ok_or("it has no exit code")
    }
}

/// How a system ended: the data of the event that it exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SystemExitStatus {
    /// The HRESULT. (schema 2.1)
    pub status: i32,
    /// What ended it. (schema 2.2)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_type: Option<ExitType>,
}

/// What ended a system (`NotificationType` in the schema).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitType {
    /// Nothing yet. (schema 2.1)
    None,
    /// A shutdown, by itself or as it was asked to. (schema 2.1)
    GracefulExit,
    /// Its termination. (schema 2.1)
    ForcedExit,
    /// It broke: the only one that is a failure of the system. (schema 2.1)
    UnexpectedExit,
    /// The service does not know, or says something that we do not know. (schema 2.1)
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn error_is_read_with_its_events() {
        let error = ResultError {
            error: 0x8037_0109_u32 as i32,
            error_message: "The document is invalid.".into(),
            error_events: vec![
                ErrorEvent { message: "Bad field.".into(), ..ErrorEvent::default() },
                ErrorEvent {
                    message: "Invalid JSON document.".into(),
                    stack_trace: Some("vmcompute!Parse".into()),
                    provider: Some("00000000-0000-0000-0000-000000000000".into()),
                    event_id: Some(11),
                    flags: Some(1),
                    source: Some("onecore".into()),
                },
            ],
        };
        golden::check(&error, include_str!("golden/result_error.json"));
    }

    #[test]
    fn is_lenient() {
        let text = r#"{"Error": -1, "Attribution": [{"SystemExit": {}}], "ErrorEvents": [{"Data": [0]}]}"#;
        let error: ResultError = serde_json::from_str(text).unwrap();
        assert_eq!((error.error, error.error_events.len()), (-1, 1));
        assert_eq!(serde_json::from_str::<ResultError>("{}").unwrap(), ResultError::default());

        let exit = |text| serde_json::from_str::<SystemExitStatus>(text).unwrap();
        assert_eq!(exit(r#"{"Status": 0}"#).exit_type, None);
        assert_eq!(exit(r#"{"ExitType": "Abducted", "New": 1}"#).exit_type, Some(ExitType::Unknown));
        assert_eq!(exit(r#"{"ExitType": "UnexpectedExit"}"#).exit_type, Some(ExitType::UnexpectedExit));
    }

    #[test]
    fn exit_code_counts_only_after_a_good_wait() {
        let read = |text| serde_json::from_str::<ProcessStatus>(text).unwrap().code();
        assert_eq!(read(r#"{"ProcessId": 4, "Exited": true, "ExitCode": 3221225477}"#), Some(0xC000_0005));
        assert_eq!(read(r#"{"ExitCode": 1}"#), None);
        assert_eq!(read(r#"{"Exited": true, "ExitCode": 0, "LastWaitResult": -2147467259}"#), None);
    }

    #[test]
    fn an_exit_is_whole_or_none() {
        let code = |text: &str| serde_json::from_str::<ProcessExit>(text).ok().and_then(|exit| exit.0.code());
        let whole = r#"{"ProcessId": 4, "Exited": true, "ExitCode": 7, "LastWaitResult": 0, "New": 1}"#;
        assert_eq!(code(whole), Some(7));
        for (old, new) in [
            (r#""ProcessId": 4, "#, ""),
            (r#""Exited": true, "#, ""),
            (r#""ExitCode": 7, "#, ""),
            (r#""LastWaitResult": 0, "#, ""),
            ("true", "false"),
            (r#"Result": 0"#, r#"Result": 258"#),
            ("7", "-1"),
            ("}", ""),
        ] {
            assert!(whole.contains(old), "{old}");
            assert_eq!(code(&whole.replace(old, new)), None, "{old} -> {new}");
        }
    }
}
