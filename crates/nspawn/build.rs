//! Tells the Linux engine where the built guest programs lie: beside their source, or, to try rebuilt ones
//! (`cargo xtask agent`), in `NSPAWN_GUEST_DIR`.

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-env-changed=NSPAWN_GUEST_DIR");
    let default =
        || PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../guest");
    let directory = std::env::var_os("NSPAWN_GUEST_DIR").map_or_else(default, PathBuf::from);
    println!("cargo::rustc-env=NSPAWN_GUEST_DIR={}", directory.display());
}
