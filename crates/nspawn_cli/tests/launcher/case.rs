//! The table of walls: each row holds for native and for Windows programs, started by root and by a plain user.

use crate::launcher::machine::{Need, has};
use crate::launcher::programs::Target;
use crate::launcher::who::Who;

/// One field of the table.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The test's name.
    pub name: &'static str,
    /// The kind of program.
    pub target: Target,
    /// Who starts it.
    pub who: Who,
}

impl Case {
    /// Returns the field of a row that has only this one, started by root.
    pub fn of_root(name: &'static str, target: Target) -> Self {
        Self { name, target, who: Who::Root }
    }

    /// Tells whether all is there that it takes, and `needs` besides; says that it is skipped where not.
    pub fn is_possible(self, needs: &[Need]) -> bool {
        let wine = match self.target {
            Target::Native => [].as_slice(),
            Target::Windows => &[Need::Wine],
        };
        has(self.name, &[&[self.who.need(), Need::Compiler(self.target)], wine, needs])
    }
}

/// Makes a test for each kind of program and each user of a function that takes the [`Case`].
macro_rules! rows {
    ($($test:ident),* $(,)?) => {
        pub mod root {
            pub mod native { $(crate::case::row!($test, Native, Root);)* }
            pub mod windows { $(crate::case::row!($test, Windows, Root);)* }
        }
        pub mod plain {
            pub mod native { $(crate::case::row!($test, Native, Plain);)* }
            pub mod windows { $(crate::case::row!($test, Windows, Plain);)* }
        }
    };
}
pub(crate) use rows;

/// Makes one field of the table.
macro_rules! row {
    ($test:ident, $target:ident, $who:ident) => {
        #[test]
        pub fn $test() {
            super::super::$test(crate::case::Case {
                name: concat!(module_path!(), "::", stringify!($test)),
                target: crate::launcher::programs::Target::$target,
                who: crate::launcher::who::Who::$who,
            });
        }
    };
}
pub(crate) use row;
