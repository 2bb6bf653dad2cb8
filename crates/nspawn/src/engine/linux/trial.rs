//! Whether containers start on this host: a sandbox with all that every one has is made, and a tiny program runs in it.

use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use linux_sandbox::{
    AddressLayout, Interface, Mount, Node, Owner, Plan, Program, ProgramExit, Sandbox, Sources, Stdio,
};

use super::account::{OnHost, User};
use super::{PATIENCE, account, root, sandbox_error};
use crate::engine::Unenforced;
use crate::error::{Error, ErrorKind, Result};
use crate::state::create_private;

const HOSTNAME: &str = "doctor";
/// The program's place in the sandbox.
const PROGRAM: &str = "doctor";

/// What the program is loaded to.
const ADDRESS: [u8; 8] = 0x0040_0000_u64.to_le_bytes();
/// Where it begins: behind both headers.
const ENTRY: [u8; 8] = 0x0040_0078_u64.to_le_bytes();
/// The length of its file.
const LENGTH: [u8; 8] = 127_u64.to_le_bytes();

/// A static program for x86-64 that exits with 0: of ELF (elf(5)) the file's header, one segment's, and the code.
#[rustfmt::skip]
const PARTS: [&[u8]; 14] = [
    b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",               // 64 bits, little endian, version 1
    b"\x02\0\x3e\0\x01\0\0\0", &ENTRY,                      // ET_EXEC, EM_X86_64, version 1
    b"\x40\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\0",             // where the segment's header is; no sections
    b"\0\0\0\0\x40\0\x38\0\x01\0\0\0\0\0\0\0",              // no flags; the sizes of both headers, and one segment
    b"\x01\0\0\0\x05\0\0\0", b"\0\0\0\0\0\0\0\0",           // PT_LOAD, PF_R | PF_X, the file from its beginning
    &ADDRESS, &ADDRESS, &LENGTH, &LENGTH,                   // its addresses, its lengths
    b"\0\x10\0\0\0\0\0\0",                                  // aligned to pages
    b"\x6a\x3c\x58\x31\xff\x0f\x05",                        // push 60; pop rax; xor edi, edi; syscall: exit(0)
];

/// Runs the program as `account`, with an overlay of layers in `scratch`, a directory that is made. Returns what the
/// account is short of.
///
/// # Errors
/// What every start on this host fails by.
pub(super) fn run(scratch: &Path, account: OnHost) -> Result<Option<Error>> {
    create_private(scratch)?;
    for name in ["lower", "upper", "work"] {
        let path = scratch.join(name);
        fs::create_dir(&path).map_err(|error| Error::io("make", path.display().to_string(), error))?;
    }
    let mut plan = plan(scratch, account);
    let (staged, loss) = account::stage(&mut plan, &mut Sources::default(), Unenforced::Report)?;
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = OwnedFd::from(null.map_err(|error| Error::io("open", "/dev/null", error))?);
    let stdio = Stdio { input: null.as_fd(), output: null.as_fd(), error: null.as_fd() };
    let sandbox = Sandbox::spawn(&plan, staged, &stdio, None).map_err(sandbox_error)?;
    let reason = match sandbox.wait(Some(PATIENCE)).map_err(sandbox_error)?.map(|exit| exit.program) {
        Some(ProgramExit::Exited(0)) => return Ok(loss),
        Some(end) => format!("it ended by {end:?}"),
        None => format!("it did not end within {} s", PATIENCE.as_secs()),
    };
    Err(Error::new(ErrorKind::Host, "run", "a program that only exits").reason(reason))
}

fn plan(scratch: &Path, account: OnHost) -> Plan {
    let mut nodes = root::native_nodes(HOSTNAME);
    nodes.push(Node::File {
        path: PROGRAM.to_owned(),
        content: PARTS.concat(),
        mode: 0o555,
        owner: Owner::Host,
    });
    let mut mounts = root::native_mounts(&root::System::of_host());
    mounts.push(Mount::Overlay {
        lower: vec![scratch.join("lower")],
        scratch: scratch.to_owned(),
        upper: "upper".to_owned(),
        work: "work".to_owned(),
        target: "layers".to_owned(),
    });
    let executable = format!("/{PROGRAM}");
    Plan {
        hostname: HOSTNAME.to_owned(),
        root: nodes,
        mounts,
        account: Some(account.account(User::default())),
        program: Program {
            arguments: vec![executable.clone()],
            executable,
            environment: Vec::new(),
            directory: "/".to_owned(),
            layout: AddressLayout::Random,
        },
        interface: Interface::X86_64,
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_program_exits_with_0() {
        use std::os::unix::fs::PermissionsExt as _;
        let program = PARTS.concat();
        assert_eq!(program.len() as u64, u64::from_le_bytes(LENGTH));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(PROGRAM);
        fs::write(directory.path().join("written"), program).unwrap();
        // By another process: what we write, a test that forks at that moment holds open, and then it cannot be executed.
        let copied = Command::new("cp").arg(directory.path().join("written")).arg(&path).status().unwrap();
        assert!(copied.success());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(Command::new(&path).status().unwrap().code(), Some(0));
    }
}
