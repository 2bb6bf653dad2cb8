use super::*;

const MESSAGES: &str = r#"
{"reason":"compiler-artifact","manifest_path":"/w/crates/nspawn_cli/Cargo.toml","target":{"name":"limits"},"profile":{"test":true},"executable":"/t/debug/deps/limits-1"}
{"reason":"compiler-artifact","manifest_path":"/w/crates/nspawn_cli/Cargo.toml","target":{"name":"hostcompute_nspawn"},"profile":{"test":true},"executable":"/t/debug/deps/hostcompute_nspawn-2"}
{"reason":"compiler-artifact","manifest_path":"/w/crates/nspawn_cli/Cargo.toml","target":{"name":"hostcompute_nspawn"},"profile":{"test":false},"executable":"/t/debug/hostcompute_nspawn"}
{"reason":"compiler-artifact","manifest_path":"/w/crates/nspawn/Cargo.toml","target":{"name":"nspawn"},"profile":{"test":false},"executable":null}
{"reason":"build-finished","success":true}
"#;

#[test]
fn programs_are_found_in_what_cargo_tells() {
    let built = built(MESSAGES).unwrap();
    assert_eq!(built.launcher, Path::new("/t/debug/hostcompute_nspawn"));
    let suites = [suite("x", LIMITS, &["native"], (Needs::Compiler, Place::Service))];
    assert_eq!(built.programs(&suites), [Path::new("/t/debug/deps/limits-1")]);
    let scripts = scripts(&suites.iter().collect::<Vec<_>>(), &built, Path::new("/p")).unwrap();
    assert_eq!(
        scripts[0],
        "export NSPAWN_TEST_PROGRAMS='/p' NSPAWN_TEST_AWAY_MS=150 NSPAWN_TEST_MACHINE=yes\n\
         suite 'x' root 'system.slice/tests.service' '/t/debug/deps/limits-1' --show-output native\n"
    );
    assert_eq!(scripts[1], "");
}

#[test]
fn what_keeps_to_one_processor_runs_beside_what_keeps_to_the_other() {
    let built = built(MESSAGES).unwrap();
    let takes = (Needs::Nothing, Place::Root);
    let suites =
        [first("a", LIMITS, &[], takes), second("b", LIMITS, &[], takes), suite("c", LIMITS, &[], takes)];
    let [script, _] = scripts(&suites.iter().collect::<Vec<_>>(), &built, Path::new("/p")).unwrap();
    let lines: Vec<&str> = script.lines().skip(1).collect();
    let suite = |name| format!("suite '{name}' root '' '/t/debug/deps/limits-1' --show-output ");
    let wanted = [
        &suite("c"),
        "(",
        "processors=1 stderr=/tmp/stderr1",
        &suite("a"),
        ") &",
        "first=$!",
        "(",
        "processors=2 stderr=/tmp/stderr2",
        &suite("b"),
        ") > /tmp/second",
        "wait $first",
        "cat /tmp/second",
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn what_the_host_lacks_skips_a_suite() {
    let none = Provided { native: false, windows: false, systemd: false };
    let native = Provided { native: true, systemd: true, ..none };
    let count = |provided| SUITES.iter().filter(|suite| suite.missing(provided).is_some()).count();
    assert_eq!((count(none), count(native)), (17, 6));
}
