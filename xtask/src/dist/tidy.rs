//! A static library as it is given to users: without what debuggers read, which is most of it, and without names of
//! temporary files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;

/// What stands before the letters that tell temporary directories of the compiler apart, in names of symbols.
const TEMPORARY: &str = "_deps_rustc";

/// Makes a tidy copy of the library that lies in `made`, by the binutils whose names begin with `prefix`, and returns
/// its path.
///
/// # Errors
/// A tool fails.
pub fn tidied(prefix: &str, made: &Path) -> Result<PathBuf> {
    let (from, to) = (made.join("libhostcompute_nspawn.a"), made.join("tidied.a"));
    let symbols = shell::read(Command::new(format!("{prefix}nm")).arg("--format=just-symbols").arg(&from))?;
    let renames = made.join("renames");
    fs::write(&renames, renames_of(&symbols))
        .with_context(|| format!("cannot write {}", renames.display()))?;
    let mut objcopy = Command::new(format!("{prefix}objcopy"));
    objcopy.args(["--strip-debug", "--enable-deterministic-archives", "--redefine-syms"]).arg(renames);
    shell::run(objcopy.arg(from).arg(&to))?;
    Ok(to)
}

/// Returns `old new` for each symbol that is named for a temporary file.
///
/// The compiler has dlltool make the import libraries of DLLs, and that names two symbols of each for the file it
/// writes: `_head_<path>` and `__<path>_iname`, where the path is that of a directory made for this build. What is
/// renamed keeps its beginning, and gets a number for the directory.
fn renames_of(symbols: &str) -> String {
    let (mut directories, mut renames) = (BTreeMap::new(), BTreeMap::new());
    for symbol in symbols.lines() {
        let Some((before, after)) = symbol.split_once(TEMPORARY) else { continue };
        let Some((letters, file)) = after.split_once('_') else { continue };
        let next = directories.len();
        let number = *directories.entry(letters).or_insert(next);
        let start = if before.starts_with("_head_") { "_head" } else { "_" };
        renames.insert(symbol, format!("{start}_imports{number}_{file}"));
    }
    renames.iter().fold(String::new(), |mut text, (old, new)| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{old} {new}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_replaced() {
        let symbols = "\
            _ZN4core3fmt\n\
            ___tmp_release_deps_rustcZZZZZZ_a_dll_imports_lib_iname\n\
            _head__tmp_release_deps_rustcZZZZZZ_a_dll_imports_lib\n\
            _head__tmp_release_deps_rustcZZZZZZ_a_dll_imports_lib\n\
            _head__tmp_release_deps_rustcAAAAAA_a_dll_imports_lib\n";
        let wanted = "\
            ___tmp_release_deps_rustcZZZZZZ_a_dll_imports_lib_iname __imports0_a_dll_imports_lib_iname\n\
            _head__tmp_release_deps_rustcAAAAAA_a_dll_imports_lib _head_imports1_a_dll_imports_lib\n\
            _head__tmp_release_deps_rustcZZZZZZ_a_dll_imports_lib _head_imports0_a_dll_imports_lib\n";
        assert_eq!(renames_of(symbols), wanted);
        assert_eq!(renames_of("memcpy\n_deps_rustc\n"), "");
    }
}
