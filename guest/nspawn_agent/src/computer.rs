//! What programs learn about the computer: the page of shared user data, and the registry.

use alloc::format;

use nspawn_agent::cpu::{Cpu, Model};
use nspawn_agent::names::{netbios, utf16};
use nspawn_agent::orders::Orders;
use nspawn_agent::shared_data::{self, Facts};

use crate::win::Result;
use crate::win::machine::{self, SharedDataPage};
use crate::win::registry::{Key, Lifetime};

macro_rules! control {
    ($key:literal) => {
        wide!(concat!(r"\Registry\Machine\System\CurrentControlSet\", $key))
    };
}

/// Fills what Wine leaves empty of the page that every process reads.
pub fn fill_shared_data(orders: &Orders, cpu: &Cpu) -> Result<()> {
    let page = SharedDataPage::open()?;
    let facts = Facts {
        build: orders.build,
        physical_pages: machine::physical_pages()?,
        processors: machine::processors(),
        cpu,
    };
    shared_data::fill(&facts, |offset, bytes| page.put(offset, bytes));
    Ok(())
}

/// Writes to the registry what differs from container to container.
pub fn fill_registry(orders: &Orders, cpu: &Cpu) -> Result<()> {
    let host = orders.computer_name.units();
    let netbios = netbios(host);
    let active = Key::create(control!(r"Control\ComputerName\ActiveComputerName"), Lifetime::Volatile)?;
    active.set_string(wide!("ComputerName"), &netbios)?;
    let lasting = Key::create(control!(r"Control\ComputerName\ComputerName"), Lifetime::Lasting)?;
    lasting.set_string(wide!("ComputerName"), &netbios)?;
    let network = Key::create(control!(r"Services\Tcpip\Parameters"), Lifetime::Lasting)?;
    network.set_string(wide!("Hostname"), host)?;
    write_processors(&cpu.model)?;
    write_build(orders.build)
}

/// libuv counts processors here, and others read their names.
fn write_processors(model: &Model) -> Result<()> {
    let clock = machine::clock_mhz()?;
    let all = Key::create(
        wide!(r"\Registry\Machine\Hardware\Description\System\CentralProcessor"),
        Lifetime::Volatile,
    )?;
    let [vendor, brand, identifier] =
        [&model.vendor, &model.brand, &model.identifier].map(|text| utf16(text));
    for number in 0..machine::processors() {
        let one = all.child(&utf16(&format!("{number}")), Lifetime::Volatile)?;
        one.set_string(wide!("VendorIdentifier"), &vendor)?;
        one.set_string(wide!("ProcessorNameString"), &brand)?;
        one.set_string(wide!("Identifier"), &identifier)?;
        one.set_number(wide!("~MHz"), clock)?;
    }
    Ok(())
}

/// Programs read the build here, and Wine's version functions do. The base layer holds the usual one.
fn write_build(build: u32) -> Result<()> {
    if machine::build()? == build {
        return Ok(());
    }
    let version = Key::create(
        wide!(r"\Registry\Machine\Software\Microsoft\Windows NT\CurrentVersion"),
        Lifetime::Lasting,
    )?;
    let text = utf16(&format!("{build}"));
    version.set_string(wide!("CurrentBuild"), &text)?;
    version.set_string(wide!("CurrentBuildNumber"), &text)
}
