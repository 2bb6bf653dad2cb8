//! The account of the program: the service is told what the key `user` says, and nothing where it is absent.

use nspawn::document::Schema;
use serde_json::{Value, json};

use crate::launch::{CODE, Subject, ample};
use crate::on_both_schemas;
use crate::standin::Standin;

on_both_schemas![
    the_service_is_told_the_account_that_was_asked_for,
    an_account_that_is_not_there_is_told_with_a_hint
];

fn the_service_is_told_the_account_that_was_asked_for(standin: &Standin, schema: Schema) {
    for (changes, told) in [
        (json!({}), None),
        (json!({"user": "ContainerUser"}), Some("ContainerUser")),
        (json!({"user": r"NT AUTHORITY\SYSTEM"}), Some(r"NT AUTHORITY\SYSTEM")),
    ] {
        let launched = Subject::new(standin, schema, &changes).launch(ample(), &json!([]));
        let made = launched.calls.iter().find(|call| call.name == "HcsCreateProcess").unwrap();
        assert_eq!(user_in(&made.arguments), told.map(str::to_owned), "{made:?}");
        let report = launched.report();
        assert_eq!(report.exit_code, Some(CODE));
        assert_eq!(report.user.map(|user| user.name), told.map(str::to_owned));
    }
}

/// Returns the account in the document that is among the arguments of a call, as an object or as its text.
fn user_in(arguments: &Value) -> Option<String> {
    let texts = arguments.as_object().unwrap().values();
    let documents = texts.map(|value| match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        other => other.clone(),
    });
    documents.into_iter().find_map(|document| document["User"].as_str().map(str::to_owned))
}

fn an_account_that_is_not_there_is_told_with_a_hint(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({"user": "nobody"}));
    let refused = json!([{"call": "HcsCreateProcess", "code": "0x8007052E"}]);
    let launched = subject.launch(ample(), &refused);
    let error = launched.result.unwrap_err();
    assert!(error.one_line().contains("there is no such user, or he has a password"), "{error:?}");
    assert!(error.hint().unwrap().contains("user"), "{error:?}");
    assert_eq!(subject.left(), [""; 0]);
}
