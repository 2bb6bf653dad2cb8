//! `cargo xtask`: builds, tests, measures and demonstrates the project.
fn main() {}
