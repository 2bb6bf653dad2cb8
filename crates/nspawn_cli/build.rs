//! Puts manifest and version into the program for Windows, by the resource compiler that comes with the linker of
//! that target. Builds for other systems have nothing of it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MANIFEST: &str = "windows/hostcompute_nspawn.manifest";

/// binutils' resource compiler, when crossing and on Windows itself.
const COMPILERS: [&str; 2] = ["x86_64-w64-mingw32-windres", "windres"];

fn main() {
    println!("cargo::rerun-if-changed={MANIFEST}");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    // Another environment has another resource compiler, and is none that releases are made by.
    if (target("OS"), target("ENV")) == ("windows".to_owned(), "gnu".to_owned()) {
        match compile(&variable("OUT_DIR")) {
            Ok(object) => println!("cargo::rustc-link-arg-bins={}", object.display()),
            Err(why) => println!("cargo::error=cannot make the program's resources: {why}"),
        }
    }
}

fn variable(name: &str) -> PathBuf {
    env::var_os(name).unwrap_or_default().into()
}

/// Makes the object file of the resources in `directory`.
fn compile(directory: &Path) -> Result<PathBuf, String> {
    let (script, object) = (directory.join("resources.rc"), directory.join("resources.o"));
    fs::copy(variable("CARGO_MANIFEST_DIR").join(MANIFEST), directory.join("manifest.xml"))
        .and_then(|_| fs::write(&script, resources()))
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let ran = COMPILERS.iter().find_map(|compiler| {
        // In the directory, so that no path of ours gets into the object.
        let arguments = ["--output-format=coff", "--codepage=65001", "resources.rc", "resources.o"];
        Some((compiler, Command::new(compiler).args(arguments).current_dir(directory).status().ok()?))
    });
    match ran {
        Some((_, status)) if status.success() => Ok(object),
        Some((compiler, status)) => Err(format!("{compiler} failed: {status}")),
        None => Err(format!("there is neither {} (of binutils-mingw-w64-x86-64)", COMPILERS.join(" nor "))),
    }
}

/// Returns the resource script. Its numbers are those of winuser.h and winver.h: type 24 is a manifest, whose number
/// in a program is 1; language 0x409 in code page 1200 is U.S. English in Unicode.
fn resources() -> String {
    let package = |what: &str| env::var(format!("CARGO_PKG_{what}")).unwrap_or_default();
    let (version, description) = (package("VERSION"), package("DESCRIPTION"));
    let [major, minor, patch] = ["MAJOR", "MINOR", "PATCH"].map(|part| package(&format!("VERSION_{part}")));
    format!(
        r#"1 24 "manifest.xml"
1 VERSIONINFO
FILEVERSION {major},{minor},{patch},0
PRODUCTVERSION {major},{minor},{patch},0
FILEOS 0x40004
FILETYPE 1
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904b0"
    BEGIN
      VALUE "CompanyName", "hostcompute_nspawn"
      VALUE "FileDescription", "{description}"
      VALUE "FileVersion", "{version}"
      VALUE "InternalName", "hostcompute_nspawn"
      VALUE "LegalCopyright", "Apache License 2.0"
      VALUE "OriginalFilename", "hostcompute_nspawn.exe"
      VALUE "ProductName", "hostcompute_nspawn"
      VALUE "ProductVersion", "{version}"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
"#
    )
}
