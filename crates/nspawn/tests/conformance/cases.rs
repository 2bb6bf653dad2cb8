//! The cases. Each is one body, whatever it is run on.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nspawn::ErrorKind;
use nspawn::collect::collect;
use nspawn::engine::{Event, Search};
use nspawn::report::Report;
use nspawn::spec::{User, UserName};

use crate::subject::{Behaviour, GRACE, Host, Subject};

/// Where the system has numbers for what told us to end.
const SIGINT: u8 = 2;

/// Runs the container of a host to its end.
fn run(host: &Host) -> Report {
    let ended = host.launcher().create(&host.id, &host.spec).unwrap().start().unwrap().wait().unwrap();
    let (report, removed) = ended.remove();
    removed.unwrap();
    report
}

pub fn exit_codes_are_passed_on(subject: &impl Subject) {
    for &code in subject.exit_codes() {
        let report = run(&subject.host(Behaviour::Exits(code)));
        assert_eq!((report.reason, report.exit_code, report.signal), ("exited", Some(code), None));
        assert_eq!(report.exit_status == 0, code == 0, "{code} looks like {}", report.exit_status);
    }
}

pub fn phases_come_in_order(subject: &impl Subject) {
    const STEPS: [&str; 6] = [
        "Container config",
        "Container created",
        "Process config",
        "Container started",
        "Process created",
        "Layer destroyed",
    ];
    let host = subject.host(Behaviour::Exits(3));
    let begun = Timestamp::now();
    let created = host.launcher().create(&host.id, &host.spec).unwrap();
    assert_eq!(host.observer.among(&STEPS), STEPS[..3]);
    assert_eq!(
        host.state.claimed().unwrap(),
        std::slice::from_ref(&host.id),
        "its name is taken from the first step on"
    );
    let running = created.start().unwrap();
    assert_eq!(host.observer.among(&STEPS), STEPS[..5]);
    let ended = running.wait().unwrap();
    assert_eq!(host.observer.among(&STEPS), STEPS[..5]);
    assert_eq!(host.state.claimed().unwrap(), std::slice::from_ref(&host.id), "and until the last");
    let (report, removed) = ended.remove();
    removed.unwrap();
    assert_eq!(host.observer.among(&STEPS), STEPS);
    assert!(begun <= report.started && report.started <= report.ended, "{report:?}");
}

pub fn a_failed_step_gives_everything_back(subject: &impl Subject) {
    for (what, host) in subject.broken_hosts() {
        // A Windows program is started by the first process of its container: what that one is refused comes late.
        let created = host.launcher().create(&host.id, &host.spec);
        let ended = created.and_then(|created| created.start()).and_then(|running| running.wait());
        let error = ended.expect_err(what).one_line();
        assert!(error.contains(' ') && !error.contains('\n'), "{what}: {error}");
        host.assert_empty(&format!("where {what} ({error})"));
    }
}

pub fn a_program_that_heeds_the_event_ends_by_itself(subject: &impl Subject) {
    for event in [Event::CtrlC, Event::CtrlShutdown] {
        if !subject.delivers_events() {
            an_event_that_cannot_be_told_is_refused_or_kills(subject, event);
            continue;
        }
        let host = subject.host(Behaviour::Heeds(77));
        let running = host.launcher().create(&host.id, &host.spec).unwrap().start().unwrap();
        (host.ready)();
        running.stop().ask(SIGINT, event).unwrap();
        let report = running.wait().unwrap().remove().0;
        assert_eq!((report.reason, report.exit_code), ("exited", Some(77)), "{event:?}");
    }
}

/// Without signals there is one way to end a program, and it is not a typed Control-C.
fn an_event_that_cannot_be_told_is_refused_or_kills(subject: &impl Subject, event: Event) {
    let host = subject.host(Behaviour::Heeds(77));
    let running = host.launcher().create(&host.id, &host.spec).unwrap().start().unwrap();
    (host.ready)();
    let asked = running.stop().ask(SIGINT, event);
    match event {
        Event::CtrlShutdown => asked.unwrap(),
        Event::CtrlC => {
            assert_eq!(asked.unwrap_err().kind(), ErrorKind::Unsupported);
            running.stop().kill().unwrap();
        }
    }
    let report = running.wait().unwrap().remove().0;
    assert_eq!((report.reason, report.signal), ("stopped", Some(SIGINT)), "{event:?}");
    host.assert_empty("after it was ended");
}

pub fn a_program_that_does_not_is_killed_after_its_grace(subject: &impl Subject) {
    let host = subject.host(Behaviour::Ignores);
    let running = host.launcher().create(&host.id, &host.spec).unwrap().start().unwrap();
    (host.ready)();
    let stop = running.stop();
    assert_eq!(stop.ask(SIGINT, Event::CtrlC).is_ok(), subject.delivers_events());
    let (asked, killer) = (Instant::now(), stop);
    let killer = thread::spawn(move || {
        thread::sleep(GRACE);
        killer.kill().unwrap();
    });
    let report = running.wait().unwrap().remove().0;
    assert!(asked.elapsed() >= GRACE, "it ended by itself");
    killer.join().unwrap();
    assert_eq!((report.reason, report.signal, report.exit_status), ("stopped", Some(SIGINT), 130));
    assert_eq!(report.exit_code, None);
    host.assert_empty("after it was killed");
}

pub fn when_its_time_is_up_a_program_is_told_then_killed(subject: &impl Subject) {
    for behaviour in [Behaviour::Heeds(0), Behaviour::Ignores] {
        let mut host = subject.host(behaviour);
        // Long enough for a Windows program to get ready.
        host.spec.timeout = Some(Duration::from_secs(1));
        let began = Instant::now();
        let report = run(&host);
        // Where it cannot be told it is killed at once.
        let has_grace = behaviour == Behaviour::Ignores && subject.delivers_events();
        let least = host.spec.timeout.unwrap() + if has_grace { GRACE } else { Duration::ZERO };
        assert!(began.elapsed() >= least, "{behaviour:?}");
        assert_eq!((report.reason, report.exit_status), ("timeout", 124), "{behaviour:?}");
        host.assert_empty("after its time was up");
    }
}

pub fn a_name_is_refused_while_it_runs_and_free_afterwards(subject: &impl Subject) {
    let host = subject.host(Behaviour::Ignores);
    let launcher = host.launcher();
    let running = launcher.create(&host.id, &host.spec).unwrap().start().unwrap();
    let refused = launcher.create(&host.id, &host.spec).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(refused.one_line().contains(host.id.as_str()), "{}", refused.one_line());
    running.stop().kill().unwrap();
    let (report, removed) = running.wait().unwrap().remove();
    removed.unwrap();
    assert_eq!((report.reason, report.signal), ("signal", Some(9)), "it was killed: {report:?}");
    drop(launcher.create(&host.id, &host.spec).unwrap());
    host.assert_empty("after the second of its name");
}

pub fn a_container_that_ended_leaves_nothing(subject: &impl Subject) {
    let host = subject.host(Behaviour::Exits(0));
    for _ in 0..3 {
        run(&host);
        host.assert_empty("after it ended");
    }
}

pub fn dropping_it_at_any_phase_gives_everything_back(subject: &impl Subject) {
    let host = subject.host(Behaviour::Ignores);
    let create = || host.launcher().create(&host.id, &host.spec).unwrap();
    drop(create());
    host.assert_empty("after Created was dropped");
    let running = create().start().unwrap();
    (host.ready)();
    drop(running);
    host.assert_empty("after Running was dropped");
    let running = create().start().unwrap();
    running.stop().kill().unwrap();
    drop(running.wait().unwrap());
    host.assert_empty("after Ended was dropped");
}

pub fn a_running_container_is_not_collected(subject: &impl Subject) {
    let host = subject.host(Behaviour::Heeds(7));
    let running = host.launcher().create(&host.id, &host.spec).unwrap().start().unwrap();
    (host.ready)();
    for search in [Search::Quick, Search::Thorough] {
        let collected = collect(&*host.engine, &host.state, search).unwrap();
        assert!(collected.removed.is_empty() && collected.failed.is_empty(), "{collected:?}");
    }
    match subject.delivers_events() {
        true => running.stop().ask(SIGINT, Event::CtrlC).unwrap(),
        false => running.stop().kill().unwrap(),
    }
    let wanted = subject.delivers_events().then_some(7);
    assert_eq!(running.wait().unwrap().remove().0.exit_code, wanted);
}

pub fn containers_end_apart(subject: &impl Subject) {
    let (stays, ends) = (subject.host(Behaviour::Ignores), subject.host(Behaviour::Exits(5)));
    let running = stays.launcher().create(&stays.id, &stays.spec).unwrap().start().unwrap();
    (stays.ready)();
    assert_eq!(run(&ends).exit_code, Some(5));
    ends.assert_empty("while another runs");
    assert_eq!(stays.state.claimed().unwrap(), std::slice::from_ref(&stays.id));
    drop(running);
    stays.assert_empty("after the other was dropped");
}

pub fn the_account_that_was_asked_for_is_reported(subject: &impl Subject) {
    for name in ["ContainerUser", "ContainerAdministrator"] {
        let mut host = subject.host(Behaviour::Exits(3));
        host.spec.process.user = User::Named(UserName::parse(name).unwrap());
        let report = run(&host);
        assert_eq!((report.exit_code, report.user.unwrap().name.as_str()), (Some(3), name));
    }
}
