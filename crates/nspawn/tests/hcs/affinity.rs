//! Processors of a container, set on its job object where we may open that, else on its program; the report says why.
//!
//! That the job object takes them is shown by no test here: Wine 8 has no such limit for any job object.

use nspawn::document::Schema;
use nspawn::engine::Verdict;
use serde_json::json;

use crate::launch::{CODE, Subject, ample};
use crate::on_both_schemas;
use crate::standin::Standin;

on_both_schemas![
    an_administrator_may_not_open_the_job_object,
    the_system_account_opens_the_job_object_and_wine_refuses_the_limit,
];

/// Launches with one processor, and returns why the container as a whole was not confined.
fn reason(standin: &Standin, schema: Schema) -> String {
    let subject = Subject::new(standin, schema, &json!({"cpu_affinity_hex": 1}));
    let report = subject.launch(ample(), &json!([])).report();
    assert_eq!(report.exit_code, Some(CODE));
    assert_eq!(subject.left(), [""; 0]);
    let affinity = report.limits.into_iter().find(|limit| limit.limit == "cpu_affinity_hex").unwrap();
    match affinity.verdict {
        Verdict::Partial(reason) => reason,
        verdict => panic!("{verdict:?}"),
    }
}

fn an_administrator_may_not_open_the_job_object(standin: &Standin, schema: Schema) {
    let reason = reason(standin, schema);
    assert!(reason.contains("NtOpenJobObject: access is denied"), "{reason}");
}

fn the_system_account_opens_the_job_object_and_wine_refuses_the_limit(standin: &Standin, schema: Schema) {
    standin.become_system();
    let reason = reason(standin, schema);
    assert!(reason.contains("SetInformationJobObject"), "{reason}");
}
