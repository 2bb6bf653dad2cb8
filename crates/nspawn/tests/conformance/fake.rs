//! The scripted engine.

use std::path::Path;

use nspawn::config::{self, Overrides};
use nspawn::engine::ExitStatus;
use nspawn::engine::fake::{FakeEngine, Program, Step};
use nspawn::spec::ContainerId;
use nspawn::state::State;

use crate::subject::{Behaviour, Host, Subject};

/// See the module.
#[derive(Debug)]
pub struct Fake;

impl Subject for Fake {
    fn exit_codes(&self) -> &'static [u32] {
        &[0, 1, 7, 255, 256, 259, 0xC000_0005, u32::MAX]
    }

    fn host(&self, program: Behaviour) -> Host {
        host(FakeEngine::new(match program {
            Behaviour::Exits(code) => Program::Ends(ExitStatus::Code(code)),
            Behaviour::Heeds(code) => Program::Obeys(code),
            Behaviour::Ignores => Program::Ignores,
        }))
    }

    fn broken_hosts(&self) -> Vec<(&'static str, Host)> {
        let steps = [
            ("nothing can be acquired", Step::Acquire),
            ("no system can be created", Step::Create),
            ("the system does not start", Step::Start),
            ("the program cannot be run", Step::Spawn),
        ];
        steps.map(|(what, step)| (what, host(FakeEngine::new(Program::Ignores).failing(step)))).into()
    }
}

/// Makes a host with this engine.
pub fn host(engine: FakeEngine) -> Host {
    let place = tempfile::tempdir().unwrap();
    let config =
        r#"{ "process_directory": "/srv/p", "process_executable": "p.exe", "mapped_directory": "c:/p" }"#;
    let spec =
        config::parse(config.as_bytes(), Path::new("/srv/config.json"), &Overrides::default()).unwrap();
    Host {
        engine: Box::new(engine),
        schema: None,
        state: State::new(place.path().join("run")),
        spec,
        id: ContainerId::from_random([7; 8]),
        observer: Default::default(),
        ready: Box::new(|| ()),
        left: Box::new(move || {
            let _keep = &place;
            Vec::new()
        }),
    }
}

#[test]
fn what_could_not_be_given_back_is_kept_for_who_collects() {
    use nspawn::collect::collect;
    use nspawn::engine::{ExitStatus, Search};

    let engine = FakeEngine::new(Program::Ends(ExitStatus::Code(3))).failing(Step::Release);
    let host = host(engine);
    let ended = host.launcher().create(&host.id, &host.spec).unwrap().start().unwrap().wait().unwrap();
    let (report, removed) = ended.remove();
    assert_eq!(report.exit_code, Some(3), "the program's end is what counts");
    assert!(removed.unwrap_err().one_line().contains("give back"));
    let collected = collect(&*host.engine, &host.state, Search::Quick).unwrap();
    assert_eq!(collected.removed, std::slice::from_ref(&host.id));
    host.assert_empty("after it was collected");
}
