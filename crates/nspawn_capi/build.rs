//! Gives the shared library its name on Linux, by which programs that are linked with it find it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        // The number changes when a program that was linked with an older library no longer runs with a newer one.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libhostcompute_nspawn.so.2");
    }
}
