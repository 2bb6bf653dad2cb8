//! Fuzz target: the text of a configuration. See [`crate::fuzzing`].

use serde_json::Value as Json;

use super::*;
use crate::document::{Root, Schema, build};
use crate::fuzzing::is_told_well;
use crate::spec::ContainerId;

/// The text is read or refused, as JSON in the way others read it; what is read makes documents.
pub fn config_json(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        is_read_as_others_read_it(text);
    }
    let spec = match parse(bytes, Path::new("/etc/app/config.json"), &Overrides::default()) {
        Ok(spec) => spec,
        Err(error) => return is_told_well(&error),
    };
    assert_eq!(spec.mounts.first().map(|mount| &mount.source), Some(&spec.process.directory));
    let places: Vec<_> = spec.mounts.iter().map(|mount| mount.destination.folded()).collect();
    for (number, place) in places.iter().enumerate() {
        assert!(!places.iter().enumerate().any(|(other, above)| other != number && place.starts_with(above)));
    }
    let id = spec.name.as_ref().map_or_else(|| ContainerId::from_random([0; 8]), ContainerId::named);
    let built = [Schema::V1, Schema::V2].map(|schema| build(&id, &spec, &Root::stand_in(&spec), 4, schema));
    for request in &built {
        match request {
            Ok((request, _)) => assert!(serde_json::to_string(request).is_ok()),
            Err(error) => is_told_well(error),
        }
    }
    assert_eq!(built[0].is_ok(), built[1].is_ok(), "one schema can say what the other cannot");
}

/// Checks that another parser takes what ours takes, for the same; what it takes beside is what ours refuses on purpose.
pub(super) fn is_read_as_others_read_it(text: &str) {
    match (json::parse(text), serde_json::from_str::<Json>(text)) {
        (Ok(ours), Ok(theirs)) => assert!(same(&ours, &theirs), "{ours} {theirs}"),
        (Ok(_), Err(error)) => assert!(error.to_string().contains("number out of range"), "{error}"),
        (Err(broken), Ok(_)) => {
            let why = broken.to_string();
            let on_purpose = ["duplicate key", "NUL", "is nested deeper"];
            assert!(on_purpose.iter().any(|reason| why.contains(reason)), "{why}");
        }
        (Err(_), Err(_)) => {}
    }
}

/// Tells whether the two trees are one: the members of objects in any order, numbers by value.
fn same(ours: &Value, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(a), Json::Bool(b)) => a == b,
        (Value::Number(a), b @ Json::Number(_)) => serde_json::from_str::<Json>(a).is_ok_and(|a| a == *b),
        (Value::String(a), Json::String(b)) => a == b,
        (Value::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}
