//! Gives the shared library its name on Linux, by which programs that are linked with it find it, and its version on
//! Windows.

#[path = "../nspawn_cli/windows/resources.rs"]
mod resources;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../nspawn_cli/windows/resources.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        // The number changes when a program that was linked with an older library no longer runs with a newer one.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libhostcompute_nspawn.so.2");
    }
    match resources::compile(&resources::File { name: "hostcompute_nspawn.dll", kind: 2, manifest: None }) {
        Ok(Some(object)) => println!("cargo::rustc-cdylib-link-arg={}", object.display()),
        Ok(None) => {}
        Err(why) => println!("cargo::error=cannot make the library's resources: {why}"),
    }
}
