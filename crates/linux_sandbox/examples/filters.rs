//! Writes the system call filters of native programs' sandboxes as files `<PREFIX>0`, `<PREFIX>1`, ..., as seccomp(2) takes them:
//! `cargo run --package linux_sandbox --example filters -- PREFIX`.
#![cfg_attr(not(target_os = "linux"), no_main)]
#![cfg(target_os = "linux")]

use std::io::{Error, Result};

use linux_sandbox::Interface;

fn main() -> Result<()> {
    let prefix = std::env::args().nth(1).ok_or_else(|| Error::other("name the files' common beginning"))?;
    for (number, filter) in linux_sandbox::filters(Interface::X86_64)?.into_iter().enumerate() {
        std::fs::write(format!("{prefix}{number}"), filter)?;
    }
    Ok(())
}
