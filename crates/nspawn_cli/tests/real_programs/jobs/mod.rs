//! What each program is asked to do. Among them: files written, child processes, exit codes other than 0, Unicode
//! in arguments, file names and text, and input from a pipe.

mod native;
mod rust;
mod virtual_machines;

/// Makes one test of each case, named as the case is.
macro_rules! jobs {
    ($($name:ident: $program:ident { $($field:ident: $value:expr),* $(,)? })*) => {$(
        #[test]
        fn $name() {
            use crate::case::Case;
            const CASE: Case = Case { $($field: $value,)* ..Case::of(crate::table::$program) };
            crate::run::check(stringify!($name), &CASE);
        }
    )*};
}
use jobs;
