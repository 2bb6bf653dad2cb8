//! The built launcher under test: a place to run it in, what came of a run, the programs it runs, and what a test
//! needs of the machine. Shared by the test binaries that name it by its path.

pub mod machine;
pub mod place;
pub mod programs;
pub mod run;
pub mod who;
