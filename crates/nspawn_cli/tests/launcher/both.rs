//! Tests that hold for native and for Windows programs alike.

/// Makes one test for each kind of program of a function that takes the test's name and the kind.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod native {
            $(#[test] fn $test() { super::$test(concat!("native::", stringify!($test)), crate::launcher::programs::Target::Native); })*
        }
        mod windows {
            $(#[test] fn $test() { super::$test(concat!("windows::", stringify!($test)), crate::launcher::programs::Target::Windows); })*
        }
    };
}
pub(crate) use on_both;
