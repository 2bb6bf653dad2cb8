//! The first Windows process in a container of the Linux engine. Wine starts it in place of wineboot; it makes
//! the session fit for programs, starts the one program that the engine's orders name, and tells the engine by
//! the note how that program fares.
//!
//! Orders and note are files that the engine lays in the container ([`ORDERS`], [`NOTE`]); the modules `orders`
//! and `note` of the library have their formats.
#![no_std]
#![no_main]

extern crate alloc;

#[macro_use]
mod wide;

mod computer;
mod program;
mod reporter;
mod services;
mod streams;
mod win;

use nspawn_agent::cpu::Cpu;
use nspawn_agent::note::Operation;
use nspawn_agent::orders::{Orders, Services};

use reporter::{Failure, Reporter, Step};
use streams::Streams;
use win::process::Process;
use win::{Error, Handle, file, machine, runtime};

const ORDERS: &[u16] = wide!(r"\\?\unix\run\nspawn\orders");

/// Exit code of the agent where the note says what failed, or could not be written.
const FAILED: u32 = 1;

/// What the linker takes as the entry point.
#[unsafe(no_mangle)]
extern "system" fn mainCRTStartup() -> ! {
    let Ok(reporter) = Reporter::open() else { runtime::exit(FAILED) };
    let end = run(&reporter).and_then(|code| reporter.exited(code).during(Operation::Orders));
    match end {
        Ok(()) => runtime::exit(0),
        Err(failure) => {
            reporter.failed(failure);
            runtime::exit(FAILED)
        }
    }
}

/// Runs the program and returns its exit code.
fn run(reporter: &Reporter) -> Result<u32, Failure> {
    let orders = file::read_all(ORDERS).during(Operation::Orders)?;
    let orders = Orders::parse(&orders).map_err(|_| Error::INVALID_DATA).during(Operation::Orders)?;
    win::process::survive_ctrl_events();
    let plain = win::process::Environment::current();

    let _booted = if orders.services == Services::Stock { None } else { Some(prepare(&orders)?) };
    program::set_environment(&orders).during(Operation::CreateProcess)?;

    let streams = Streams::open().during(Operation::Streams)?;
    let program = program::create(&orders, &streams, reporter)?;
    let outputs = streams.leave_to_program();
    release(&program, &orders, &plain, reporter).inspect_err(|_| program.terminate())?;
    let code = program.wait().during(Operation::CreateProcess)?;
    outputs.finish();
    Ok(code)
}

/// Makes the session fit for programs; it is so as long as the caller keeps what this returns.
fn prepare(orders: &Orders) -> Result<Handle, Failure> {
    let cpu = Cpu::detect();
    computer::fill_shared_data(orders, &cpu).during(Operation::SharedData)?;
    computer::fill_registry(orders, &cpu).during(Operation::Computer)?;
    machine::declare_booted().during(Operation::SharedData)
}

/// Lets the program run, in the surroundings that it was ordered.
fn release(
    program: &Process,
    orders: &Orders,
    plain: &win::process::Environment,
    reporter: &Reporter,
) -> Result<(), Failure> {
    if let Some(mask) = orders.affinity {
        program.set_affinity(mask.get()).during(Operation::Affinity)?;
    }
    if orders.services == Services::Wait {
        services::start(plain).and_then(|()| services::wait()).during(Operation::Services)?;
    }
    reporter.running().during(Operation::Orders)?;
    program.resume().during(Operation::CreateProcess)?;
    if orders.services == Services::Async {
        services::start(plain).during(Operation::Services)?;
    }
    Ok(())
}
