//! The Windows engine on the DLLs that stand in for the Host Compute Service, under Wine: which calls it makes with
//! which documents, what it does where one of them goes wrong, and that it keeps no handle.
//!
//! Names of tests say the schema, so that a Windows that lacks computecore.dll runs its part.
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod affinity;
mod attached;
mod ending;
mod exports;
mod faults;
mod half;
mod handles;
mod judged;
mod launch;
mod news;
mod orphans;
mod sequence;
#[allow(dead_code, reason = "each test binary uses its part")]
#[path = "../standin/mod.rs"]
mod standin;
mod sweep;
mod undone;
mod users;

/// Makes a test of each function for each schema.
macro_rules! on_both_schemas {
    ($($test:ident),* $(,)?) => {
        mod v1 {
            $(#[test]
            fn $test() {
                let test = crate::launch::name(concat!(module_path!(), "::", stringify!($test)));
                crate::standin::alone(test, |standin| super::$test(standin, nspawn::document::Schema::V1));
            })*
        }
        mod v2 {
            $(#[test]
            fn $test() {
                let test = crate::launch::name(concat!(module_path!(), "::", stringify!($test)));
                crate::standin::alone(test, |standin| super::$test(standin, nspawn::document::Schema::V2));
            })*
        }
    };
}
pub(crate) use on_both_schemas;
