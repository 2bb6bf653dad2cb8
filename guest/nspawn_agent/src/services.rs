//! Wine's services.

use nspawn_agent::orders::WideString;

use crate::win::file::{self, Access};
use crate::win::process::{Environment, Process, sleep};
use crate::win::{Error, Result};

const SERVICE_MANAGER: &[u16] = wide!(r"C:\windows\system32\services.exe");

/// The devices of the services that start with a session: drives and volumes answer once the first is there,
/// network interfaces once the second is.
const DEVICES: [&[u16]; 2] = [wide!(r"\\.\MountPointManager"), wide!(r"\\.\Nsi")];

/// How long they may take, and how long to sleep between two looks, in milliseconds.
const PATIENCE: u32 = 10_000;
const PAUSE: u32 = 2;

/// Starts the services, with an `environment` that is not the program's.
pub fn start(environment: &Environment) -> Result<()> {
    let name = &SERVICE_MANAGER[..SERVICE_MANAGER.len() - 1];
    Process::create_detached(&mut WideString::new(name), environment).map(drop)
}

/// Waits until drives, volumes and network interfaces answer.
pub fn wait() -> Result<()> {
    let mut missing = DEVICES.as_slice();
    for _ in 0..PATIENCE / PAUSE {
        while let [next, rest @ ..] = missing
            && file::open(next, Access::None).is_ok()
        {
            missing = rest;
        }
        if missing.is_empty() {
            return Ok(());
        }
        sleep(PAUSE);
    }
    Err(Error::TIMEOUT)
}
