//! What a Windows program was given, read back from what `arguments.c` prints.

use std::path::Path;

use serde_json::{Value, json};

use crate::launcher::place::{Place, shared_root};
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};

/// Makes a place that holds the program.
pub fn place() -> Place {
    Place::with(&program(Target::Windows, "bad_input/programs/arguments.c"))
}

/// Runs the program with `arguments`.
pub fn pass(place: &Place, arguments: &[impl AsRef<str>]) -> Ran {
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    launch(place, "arguments.exe", json!({"process_arguments": arguments}), &shared_root())
}

/// Runs a program of the place.
pub fn launch(place: &Place, program: &str, mut changes: Value, root: &Path) -> Ran {
    changes["services"] = json!("none");
    place.configure(program, changes);
    run(&mut place.launcher(root)).succeeded()
}

/// Asserts that both ways of splitting gave `arguments`, unit by unit, and that nothing else was started.
pub fn assert_given(ran: &Ran, arguments: &[impl AsRef<str>]) {
    let wanted: Vec<String> = arguments.iter().map(|argument| units(argument.as_ref())).collect();
    for key in ["crt", "argv"] {
        let told: Vec<String> = ran.told(key);
        let shown = arguments.iter().map(AsRef::as_ref).collect::<Vec<&str>>();
        assert_eq!(told, wanted, "{key} of {shown:?}");
    }
    let beside = ["nspawn_agent.exe", "arguments.exe"];
    assert!(ran.told("process").iter().all(|name| beside.contains(&name.as_str())), "{ran:?}");
}

/// Returns a text as the program prints it.
pub fn units(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("{unit:04x}")).collect()
}
