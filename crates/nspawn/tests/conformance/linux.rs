//! The Linux engine, with native programs or with Windows ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nspawn::config::{self, Overrides};
use nspawn::engine::Unenforced;
use nspawn::engine::linux::LinuxEngine;
use nspawn::spec::ContainerId;
use nspawn::state::State;
use serde_json::{Value, json};

use crate::subject::{Behaviour, Host, Subject};
use crate::support::{self, Place, programs};

/// See the module.
#[derive(Debug)]
pub struct Linux {
    program: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Native,
    Windows,
}

impl Linux {
    /// The engine with native programs, or why it cannot run.
    pub fn native() -> Result<Self, String> {
        support::ready()?;
        Ok(Self { program: programs::native()?, kind: Kind::Native })
    }

    /// The engine with Windows programs, or why it cannot run.
    pub fn windows() -> Result<Self, String> {
        support::ready()?;
        support::wine()?;
        Ok(Self { program: programs::windows()?, kind: Kind::Windows })
    }

    fn executable(&self) -> &'static str {
        match self.kind {
            Kind::Native => "program",
            Kind::Windows => "program.exe",
        }
    }

    fn place(&self) -> Place {
        let place = Place::new();
        place.install(&self.program, self.executable());
        if self.kind == Kind::Windows {
            place.share_base(&support::shared_root());
        }
        place
    }

    /// Makes a host of a place; `changes` are keys of config.json.
    fn host_at(&self, place: Place, arguments: &[&str], changes: &Value) -> Host {
        let mut config = json!({
            "process_directory": place.work(),
            "process_executable": self.executable(),
            "process_arguments": arguments,
            "mapped_directory": "c:/work",
            "stdout_filename": "said.txt",
            "max_ram_mb": 512,
            "name": place.tag(),
        });
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let own_roots = vec![place.root()];
        let overrides = Overrides { own_roots: own_roots.clone(), ..Overrides::default() };
        let spec =
            config::parse(config.to_string().as_bytes(), &place.at("config.json"), &overrides).unwrap();
        let said = place.work().join("said.txt");
        let (data, state) = (place.root().join("data"), State::new(place.root().join("run")));
        Host {
            engine: Box::new(LinuxEngine::new(data, own_roots, Unenforced::Refuse)),
            schema: None,
            state,
            id: ContainerId::named(spec.name.as_ref().unwrap()),
            spec,
            observer: Default::default(),
            ready: Box::new(move || wait_for_text(&said)),
            left: Box::new(move || place.left()),
        }
    }
}

impl Subject for Linux {
    fn exit_codes(&self) -> &'static [u32] {
        match self.kind {
            Kind::Native => &[0, 1, 7, 255],
            Kind::Windows => &[0, 7, 256, 0xC000_0005],
        }
    }

    fn host(&self, program: Behaviour) -> Host {
        let (verb, code) = match program {
            Behaviour::Exits(code) => ("exit", code),
            Behaviour::Heeds(code) => ("obey", code),
            Behaviour::Ignores => ("ignore", 0),
        };
        self.host_at(self.place(), &[verb, &code.to_string()], &json!({}))
    }

    fn broken_hosts(&self) -> Vec<(&'static str, Host)> {
        let broken = |what, break_it: &dyn Fn(&Place), changes: Value| {
            let place = self.place();
            break_it(&place);
            (what, self.host_at(place, &["ignore"], &changes))
        };
        let program = |place: &Place| place.work().join(self.executable());
        let mut hosts = vec![
            broken("the program is missing", &|place| fs::remove_file(program(place)).unwrap(), json!({})),
            broken("the directory is missing", &|place| fs::remove_dir_all(place.work()).unwrap(), json!({})),
            broken("a layer is missing", &|_| (), json!({ "parent_layer_directory": "/nonexistent" })),
            broken(
                "a limit names a processor that is not there",
                &|_| (),
                json!({ "cpu_affinity_hex": 1_u64 << 15 }),
            ),
            broken(
                "the directory to start in is missing",
                &|_| (),
                json!({ "working_directory": "c:/none" }),
            ),
        ];
        hosts.push(match self.kind {
            Kind::Native => {
                broken("the program may not be executed", &|place| forbid(&program(place)), json!({}))
            }
            Kind::Windows => broken("no base layer can be made", &put_file_for_base, json!({})),
        });
        hosts
    }
}

/// Nothing can be made below a file.
fn put_file_for_base(place: &Place) {
    let base = place.root().join("data/base");
    fs::remove_file(&base).unwrap();
    fs::write(&base, "").unwrap();
}

/// Takes away the right to execute a program, which has other names for other tests.
fn forbid(program: &Path) {
    let copy = program.with_extension("copy");
    fs::copy(program, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).unwrap();
    fs::rename(&copy, program).unwrap();
}

/// Waits until the program says that it is ready.
fn wait_for_text(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while fs::read(path).unwrap_or_default().is_empty() {
        assert!(Instant::now() < deadline, "the program does not get ready");
        std::thread::sleep(Duration::from_millis(2));
    }
}
