//! Puts manifest and version into the program for Windows. Builds for other systems have nothing of it.

#[path = "windows/resources.rs"]
mod resources;

const MANIFEST: &str = "windows/hostcompute_nspawn.manifest";

fn main() {
    println!("cargo::rerun-if-changed={MANIFEST}");
    println!("cargo::rerun-if-changed=windows/resources.rs");
    let program = resources::File { name: "hostcompute_nspawn.exe", kind: 1, manifest: Some(MANIFEST) };
    match resources::compile(&program) {
        Ok(Some(object)) => println!("cargo::rustc-link-arg-bins={}", object.display()),
        Ok(None) => {}
        Err(why) => println!("cargo::error=cannot make the program's resources: {why}"),
    }
}
