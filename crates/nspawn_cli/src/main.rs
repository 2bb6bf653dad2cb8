//! `hostcompute_nspawn`: the command line.
fn main() {}
