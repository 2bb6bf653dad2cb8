//! The resources of a file for Windows: its version, and the manifest of a program. Made by the resource compiler that
//! comes with the linker of that target. Part of build scripts.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// binutils' resource compiler, when crossing and on Windows itself.
const COMPILERS: [&str; 2] = ["x86_64-w64-mingw32-windres", "windres"];

/// What it says of itself; the rest is the package's.
pub struct File<'a> {
    /// Its name.
    pub name: &'a str,
    /// `VFT_APP` 1 or `VFT_DLL` 2 of winver.h.
    pub kind: u32,
    /// Its manifest, a path in the package.
    pub manifest: Option<&'a str>,
}

fn variable(name: &str) -> PathBuf {
    env::var_os(name).unwrap_or_default().into()
}

/// Makes the object file of a package's resources where cargo wants what its build script makes; `None` where nothing
/// is built for that target.
pub fn compile(file: &File<'_>) -> Result<Option<PathBuf>, String> {
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    // Another environment has another resource compiler, and is none that releases are made by.
    if (target("OS"), target("ENV")) != ("windows".to_owned(), "gnu".to_owned()) {
        return Ok(None);
    }
    let directory = variable("OUT_DIR");
    let (script, object) = (directory.join("resources.rc"), directory.join("resources.o"));
    let manifest = file.manifest.map(|path| variable("CARGO_MANIFEST_DIR").join(path));
    let copied = manifest.map(|from| fs::copy(from, directory.join("manifest.xml"))).transpose();
    copied
        .and_then(|_| fs::write(&script, file.script()))
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let ran = COMPILERS.iter().find_map(|compiler| {
        // In the directory, so that no path of ours gets into the object.
        let arguments = ["--output-format=coff", "--codepage=65001", "resources.rc", "resources.o"];
        Some((compiler, Command::new(compiler).args(arguments).current_dir(&directory).status().ok()?))
    });
    match ran {
        Some((_, status)) if status.success() => Ok(Some(object)),
        Some((compiler, status)) => Err(format!("{compiler} failed: {status}")),
        None => Err(format!("there is neither {} (of binutils-mingw-w64-x86-64)", COMPILERS.join(" nor "))),
    }
}

impl File<'_> {
    /// Returns the resource script. Its numbers are those of winuser.h and winver.h: type 24 is a manifest, whose number
    /// in a program is 1; language 0x409 in code page 1200 is U.S. English in Unicode.
    fn script(&self) -> String {
        let package = |what: &str| env::var(format!("CARGO_PKG_{what}")).unwrap_or_default();
        let (version, description) = (package("VERSION"), package("DESCRIPTION"));
        let Self { name, kind, manifest } = self;
        let manifest = manifest.map_or("", |_| "1 24 \"manifest.xml\"\n");
        let [major, minor, patch] =
            ["MAJOR", "MINOR", "PATCH"].map(|part| package(&format!("VERSION_{part}")));
        format!(
            r#"{manifest}1 VERSIONINFO
FILEVERSION {major},{minor},{patch},0
PRODUCTVERSION {major},{minor},{patch},0
FILEOS 0x40004
FILETYPE {kind}
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
      VALUE "OriginalFilename", "{name}"
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
}
