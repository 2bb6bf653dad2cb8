//! The built launcher for Windows, under Wine: on the DLLs that stand in for the Host Compute Service and, in `bare`,
//! `without_computecore` and `without_function`, where there is none, one of the two, or one that is older. Names of tests say the schema that their Windows takes.
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod bare;
mod builds;
mod faults;
mod killed;
mod launcher;
mod orphans;
mod programs;
mod real_programs;
mod rights;
#[allow(dead_code, unused_imports, reason = "each test binary uses its part")]
#[path = "../../../nspawn/tests/standin/mod.rs"]
mod standin;
mod token;
mod without_computecore;
mod without_function;

/// Makes a test of each function for each schema: xtask runs those of the schema that the build of Windows takes.
macro_rules! on_both_schemas {
    ($($test:ident),* $(,)?) => {
        mod v1 {
            $(#[test]
            fn $test() {
                super::$test(&crate::launcher::Launcher::with_own_schema(1));
            })*
        }
        mod v2 {
            $(#[test]
            fn $test() {
                super::$test(&crate::launcher::Launcher::with_own_schema(2));
            })*
        }
    };
}
pub(crate) use on_both_schemas;
