//! The documents of the Windows Host Compute Service as plain typed data: schema v1 ([`v1`]), schema v2 ([`v2`])
//! and what the service answers with ([`results`], [`properties`]). No I/O, no platform code.
//!
//! Only what a process-isolated Windows container uses is here: a field of virtual machines or of Linux containers
//! is an unknown field.
//!
//! - Documents refuse unknown fields, as the service does: one that it does not know would be lost, not obeyed.
//! - Results ignore unknown fields and values: a newer service may say more.
//! - An absent field and its empty value mean the same to the service, so neither is written.
//! - Fields are written in the order in which hcsshim writes them, so that documents can be compared as text.
//!
//! The doc of each field ends with the first Windows build that takes it, where known, and where the fact is
//! from: *schema1* is hcsshim's `internal/hcs/schema1/schema1.go`; *schema 2.x* is Microsoft's HCS JSON schema
//! reference, which names the schema version that brought the field. Schema 2.0 and 2.1 came with build 17763,
//! 2.2 with 18362, 2.3 with 19041, 2.4 and 2.5 with 20348.
#![forbid(unsafe_code)]

mod console;
pub mod properties;
pub mod results;
pub mod v1;
pub mod v2;

pub use console::ConsoleSize;

/// Tells whether a flag has its default, which is not written.
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod golden {
    use std::fmt::Debug;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    /// Asserts that `document` is written as `text` (pretty, same order of fields) and read back as it was.
    pub(crate) fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(document: &T, text: &str) {
        assert_eq!(serde_json::to_string_pretty(document).unwrap() + "\n", text);
        assert_eq!(&serde_json::from_str::<T>(text).unwrap(), document);
    }

    /// Asserts that a field of no meaning is refused by name in each object of `text`.
    pub(crate) fn refuses_unknown_fields<T: DeserializeOwned + Debug>(text: &str, pointers: &[&str]) {
        for pointer in pointers {
            let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
            let object = json.pointer_mut(pointer).and_then(|v| v.as_object_mut()).expect(pointer);
            object.insert("Surprise".into(), true.into());
            let error = serde_json::from_value::<T>(json).expect_err(pointer).to_string();
            assert!(error.contains("unknown field `Surprise`"), "{pointer}: {error}");
        }
    }
}
