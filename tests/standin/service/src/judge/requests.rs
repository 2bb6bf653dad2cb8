//! What is asked of systems and processes once they are there. From the same sources as the documents that make them.

use super::forms::SOMETHING;
use super::{Kind, Object, Since, U16, exclude, may, must};
use crate::code::Code;

/// Which systems an enumeration asks for, in both schemas.
pub static SYSTEMS: Object = Object {
    fields: &[
        may("Ids", Kind::List(&Kind::Text)),
        may("Names", Kind::List(&Kind::Text)),
        may("Types", Kind::List(&Kind::Words(&["Container", "VirtualMachine"]))),
        may("Owners", Kind::List(&Kind::Text)),
    ],
    rules: &[],
};

/// Which properties of a system are asked for, in schema v1.
pub static PROPERTIES_V1: Object = Object {
    fields: &[may(
        "PropertyTypes",
        Kind::List(&Kind::Words(&["Statistics", "ProcessList", "MappedVirtualDisk", "GuestConnection"])),
    )],
    rules: &[],
};

/// Which properties of a system are asked for, in schema v2.
pub static PROPERTIES_V2: Object = Object {
    fields: &[
        may(
            "PropertyTypes",
            Kind::List(&Kind::Words(&[
                "Memory",
                "Statistics",
                "ProcessList",
                "TerminateOnLastHandleClosed",
                "SharedMemoryRegion",
                "GuestConnection",
            ])),
        ),
        may("Queries", Kind::Elsewhere).since(Since::Minor(5)),
    ],
    rules: &[],
};

/// How a system is to shut down: from Windows Server 2022 on.
pub static SHUTDOWN: Object = Object {
    fields: &[
        may("Mechanism", Kind::Words(&["GuestConnection", "IntegrationService"])),
        may("Type", Kind::Words(&["Shutdown", "Hibernate", "Reboot"])),
        may("Force", Kind::Flag),
        may("Reason", SOMETHING),
    ],
    rules: &[],
};

/// A signal to a process: from Windows Server 2019 on.
pub static SIGNAL: Object = Object {
    fields: &[must(
        "Signal",
        Kind::Words(&["CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff", "CtrlShutdown"]),
    )],
    rules: &[],
};

/// A change of a process, in both schemas.
pub static CHANGE: Object = Object {
    fields: &[
        must("Operation", Kind::Words(&["ConsoleSize", "CloseHandle"])),
        may("ConsoleSize", Kind::Object(&CELLS)),
        may("CloseHandle", Kind::Object(&HANDLE)),
    ],
    rules: &[
        |change, _| exclude(&["ConsoleSize", "CloseHandle"], change),
        |change, _| {
            let named =
                ["ConsoleSize", "CloseHandle"].into_iter().find(|name| change["Operation"] == *name)?;
            let missing = !change.contains_key(named);
            missing.then_some((named, Code::INVALID_JSON, "is missing"))
        },
    ],
};

static CELLS: Object = Object { fields: &[must("Height", U16), must("Width", U16)], rules: &[] };

/// All of them at once, `All`, came with schema v2.
static HANDLE: Object =
    Object { fields: &[must("Handle", Kind::Words(&["StdIn", "StdOut", "StdErr"]))], rules: &[] };
