//! The entry of 32-bit programs, as 64-bit code can use it too.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use linux_sandbox::{Access, Interface, Mount, Owner, ProgramExit};

use crate::{root, shell, spawn};

/// Returns the program that tries it; `None`, said so: this machine has no compiler, or no such entry. A machine without
/// compilers has it ready made: `NSPAWN_TEST_PROGRAMS` names its directory.
fn program(test: &str, directory: &Path) -> Option<PathBuf> {
    let ready_made =
        std::env::var_os("NSPAWN_TEST_PROGRAMS").map(|directory| Path::new(&directory).join("entry"));
    let path = ready_made.or_else(|| build(test, &directory.join("entry")))?;
    // Unheld it ends with the first call that is refused in a sandbox; a kernel without such an entry kills it.
    if Command::new(&path).status().unwrap().signal().is_some() {
        eprintln!("skipped: {test}: needs a kernel that knows 32-bit programs");
        return None;
    }
    Some(path)
}

fn build(test: &str, path: &Path) -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/entry.c");
    let mut gcc = Command::new("gcc");
    gcc.args(["-O1", "-static", "-nostdlib", "-no-pie", "-fno-stack-protector", "-o"]).arg(path).arg(source);
    match gcc.status() {
        Ok(status) => assert!(status.success()),
        Err(error) => {
            eprintln!("skipped: {test}: needs gcc: {error}");
            return None;
        }
    }
    Some(path.to_owned())
}

fn ends(program: &Path, interface: Interface) -> ProgramExit {
    let mut plan = shell("");
    plan.interface = interface;
    plan.mounts.push(Mount::Bind {
        source: program.to_owned(),
        target: "entry".to_owned(),
        access: Access::ReadOnly,
        owner: Owner::Host,
    });
    plan.program.executable = "/entry".to_owned();
    let (sandbox, _output) = spawn(&plan);
    sandbox.wait(None).unwrap().unwrap().program
}

#[test]
fn calls_of_32_bit_programs_are_refused_alike_where_there_may_be_some() {
    let test = "calls_of_32_bit_programs_are_refused_alike_where_there_may_be_some";
    let directory = tempfile::tempdir().unwrap();
    let Some(program) = root(test).then(|| program(test, directory.path())).flatten() else { return };
    // The number is a line of entry.c.
    assert_eq!(ends(&program, Interface::X86_64AndI386), ProgramExit::Exited(0));
    assert_eq!(ends(&program, Interface::X86_64), ProgramExit::Signalled(31), "SIGSYS");
}
