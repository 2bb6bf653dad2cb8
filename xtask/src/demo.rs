//! `cargo xtask demo`: the original program's own example, on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::packages;
use crate::programs::{self, table};
use crate::shell::{self, Root};

const OUTPUT: &str = "nspawn_out.txt";

/// Installs what is missing, builds the launcher, fetches a Java runtime for Windows, and runs `java -version` of it
/// in a container.
///
/// # Errors
/// A step fails. Where packages are missing and cannot be installed, what can be done without them is done first.
pub fn run() -> Result<()> {
    let missing = packages::install(&[packages::WINE, packages::PIP].concat());
    let launcher = crate::launcher::build()?;
    let runtime = programs::fetch(&table::JVM, table::Platform::Windows)?;
    let directory = shell::target_directory()?.join("nspawn/demo");
    let config = prepare(&directory, &runtime)?;

    let command = Root::find().command(&launcher);
    let (Some(mut command), true) = (command, missing.is_empty()) else {
        println!("This is what would be run:");
        shell::run(Command::new(&launcher).arg("--dry-run").arg("-c").arg(&config))?;
        let missing = if missing.is_empty() { "root, or sudo".to_owned() } else { missing.join(" ") };
        bail!("the demo was not run; it needs {missing}");
    };
    shell::run(command.arg("-c").arg(&config))?;
    let output = directory.join(OUTPUT);
    let said = fs::read_to_string(&output).with_context(|| format!("cannot read {}", output.display()))?;
    println!("\n{}:\n{}", output.display(), said.trim_end());
    Ok(())
}

/// Lays the process directory and writes the config file beside the program, and returns its path.
fn prepare(directory: &Path, runtime: &Path) -> Result<PathBuf> {
    match fs::remove_dir_all(directory) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(e).with_context(|| format!("cannot remove {}", directory.display()));
        }
        _ => {
            fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?
        }
    }
    // Hard links: the runtime is 90 MB, and stays as fetched.
    shell::read(Command::new("cp").args(["--archive", "--link"]).arg(runtime).arg(directory.join("jdk")))?;
    let config = json!({
        "process_directory": directory,
        "process_executable": "jdk/bin/java.exe",
        "process_arguments": ["-version"],
        "mapped_directory": "c:/nspawndir",
        "stdout_filename": OUTPUT,
    });
    let file = directory.join("config.json");
    fs::write(&file, format!("{config:#}\n")).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}
