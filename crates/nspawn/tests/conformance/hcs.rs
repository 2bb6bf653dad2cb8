//! The Windows engine, on the DLLs that stand in for the Host Compute Service.

use std::fs;
use std::time::{Duration, Instant};

use hcs_sys::version;
use nspawn::config::{self, Overrides};
use nspawn::document::Schema;
use nspawn::engine::hcs::{Deadlines, HcsEngine};
use nspawn::spec::ContainerId;
use nspawn::state::State;
use serde_json::{Value, json};

use crate::standin::{Place, Standin, alone};
use crate::subject::{Behaviour, Host, Subject};

/// The first build that has signals for containers.
const SERVER_2019: u32 = 17_763;

/// See the module.
#[derive(Debug)]
pub struct Hcs {
    schema: Schema,
    standin: Standin,
}

/// Runs a case with documents of a schema.
pub fn check(test: &str, schema: Schema, case: fn(&Hcs)) {
    alone(test, |standin| case(&Hcs { schema, standin: standin.clone() }));
}

impl Hcs {
    /// Makes a host of a place; `changes` are keys of config.json.
    fn host_at(&self, place: Place, arguments: &[&str], changes: &Value) -> Host {
        let own_roots = vec![place.at("root").join("run"), place.at("root").join("data")];
        let overrides = Overrides { own_roots: own_roots.clone(), ..Overrides::default() };
        let config = place.config(arguments, changes).to_string();
        let spec = config::parse(config.as_bytes(), &place.at("config.json"), &overrides).unwrap();
        let (said, standin) = (place.work().join("said.txt"), self.standin.clone());
        let id = ContainerId::named(spec.name.as_ref().unwrap());
        // A layer's path is told in small letters.
        let own = id.as_str().to_lowercase();
        Host {
            engine: Box::new(HcsEngine::new(place.at("root").join("data"), own_roots, Deadlines::default())),
            schema: Some(self.schema),
            state: State::new(place.at("root").join("run")),
            id,
            spec,
            observer: Default::default(),
            ready: Box::new(move || {
                let deadline = Instant::now() + Duration::from_secs(30);
                while fs::read(&said).unwrap_or_default().is_empty() {
                    assert!(Instant::now() < deadline, "the program does not get ready");
                    std::thread::sleep(Duration::from_millis(2));
                }
            }),
            left: Box::new(move || {
                // Other hosts of this test may have something there.
                let of_service = standin.left().into_iter().filter(|what| what.to_lowercase().contains(&own));
                of_service.chain(place.left()).collect()
            }),
        }
    }
}

impl Subject for Hcs {
    fn exit_codes(&self) -> &'static [u32] {
        &[0, 1, 7, 255, 256, 259, 0xC000_0005, u32::MAX]
    }

    fn delivers_events(&self) -> bool {
        version::of_this_windows().build >= SERVER_2019
    }

    fn host(&self, program: Behaviour) -> Host {
        let (verb, code) = match program {
            Behaviour::Exits(code) => ("exit", code),
            Behaviour::Heeds(code) => ("obey", code),
            Behaviour::Ignores => ("ignore", 0),
        };
        self.host_at(Place::new(), &[verb, &code.to_string()], &json!({}))
    }

    fn broken_hosts(&self) -> Vec<(&'static str, Host)> {
        let broken = |what, break_it: &dyn Fn(&Place), changes: Value| {
            let place = Place::new();
            break_it(&place);
            (what, self.host_at(place, &["ignore"], &changes))
        };
        let chain = "layers/app/layerchain.json";
        let write = |path: &'static str, text: &'static str| {
            move |place: &Place| fs::write(place.at(path), text).unwrap()
        };
        vec![
            broken(
                "the program is missing",
                &|place| fs::remove_file(place.work().join("program.exe")).unwrap(),
                json!({}),
            ),
            broken(
                "the program is none",
                &write("work/other.exe", "MZ"),
                json!({"process_executable": "other.exe"}),
            ),
            broken("the directory is missing", &|_| (), json!({"process_directory": r"C:\nonexistent"})),
            broken("a layer is missing", &|_| (), json!({"parent_layer_directory": r"C:\nonexistent"})),
            broken("no layer is asked for", &|_| (), json!({"parent_layer_directory": null})),
            broken("the chain is broken", &write(chain, "[\"C:\\\\x\""), json!({})),
            broken("a layer of the chain is missing", &write(chain, r#"["C:\\nonexistent"]"#), json!({})),
            broken(
                "a limit names a processor that is not there",
                &|_| (),
                json!({"cpu_affinity_hex": 1_u64 << 31}),
            ),
        ]
    }
}
