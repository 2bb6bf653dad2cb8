//! The program that the orders name.

use alloc::format;
use alloc::vec::Vec;

use nspawn_agent::names::{netbios, utf16};
use nspawn_agent::note::Operation;
use nspawn_agent::orders::Orders;
use nspawn_agent::pids::{self, Pid};

use crate::reporter::{Failure, Reporter, Step};
use crate::streams::Streams;
use crate::win::process::{Launch, Process, set_variable};
use crate::win::{Result, file, machine};

const PROC: &[u16] = wide!(r"\\?\unix\proc\*");

/// What Wine's own start needs in the environment; it is nothing to the program.
const ENGINES_OWN: [&[u16]; 4] = [wide!("LANG"), wide!("USER"), wide!("WINEDEBUG"), wide!("WINEPREFIX")];

/// Makes our environment the one that the program is to have.
pub fn set_environment(orders: &Orders) -> Result<()> {
    for name in ENGINES_OWN {
        // It is removed if it is there.
        let _absent = set_variable(name, None);
    }
    set_variable(wide!("NUMBER_OF_PROCESSORS"), Some(&utf16(&format!("{}", machine::processors()))))?;
    set_variable(wide!("COMPUTERNAME"), Some(&netbios(orders.computer_name.units())))?;
    for variable in &orders.environment {
        set_variable(variable.name.units(), Some(variable.value.units()))?;
    }
    Ok(())
}

/// Makes the program, which does not run yet, and notes its Unix process.
pub fn create(
    orders: &Orders,
    streams: &Streams,
    reporter: &Reporter,
) -> core::result::Result<Process, Failure> {
    // The list is compared with the one after: nothing else may start a process between them.
    let before = processes().during(Operation::CreateProcess)?;
    let mut command_line = orders.command_line.clone();
    let program = Process::create_suspended(Launch {
        application: orders.application.as_ref(),
        command_line: &mut command_line,
        directory: Some(&orders.directory).filter(|path| !path.units().is_empty()),
        streams: streams.program_ends(),
    })
    .during(Operation::CreateProcess)?;
    note_pid(&before, reporter).inspect_err(|_| program.terminate())?;
    Ok(program)
}

fn note_pid(before: &[Pid], reporter: &Reporter) -> core::result::Result<(), Failure> {
    let after = processes().during(Operation::CreateProcess)?;
    match pids::newcomer(before, &after, comm) {
        Some(pid) => reporter.pid(pid).during(Operation::CreateProcess),
        None => Ok(()),
    }
}

fn processes() -> Result<Vec<Pid>> {
    let mut pids = Vec::new();
    file::list(PROC, |name| pids.extend(pids::parse(name)))?;
    Ok(pids)
}

/// Returns the name of a Unix process; nothing: it has ended.
fn comm(pid: Pid) -> Vec<u8> {
    file::read_all(&utf16(&format!("\\\\?\\unix\\proc\\{}\\comm\0", pid.0))).unwrap_or_default()
}
