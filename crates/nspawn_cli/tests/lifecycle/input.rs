//! Standard input.

use std::fs::File;
use std::process::Stdio;

use crate::host::Host;
use crate::launch::{Running, feed, launcher};

/// Bytes without a pattern, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}

#[test]
fn every_byte_of_a_pipe_comes_back() {
    for host in Host::all("every_byte_of_a_pipe_comes_back") {
        let bytes = noise(100_000_000);
        let mut command = launcher(&host, &host.config(&["copy"]));
        let mut running = Running::start(command.stdin(Stdio::piped()));
        let fed = feed(running.input(), bytes.clone());
        let ended = running.end();
        fed.join().unwrap().unwrap();
        assert_eq!(ended.code(), 0, "{:?}: {}", host.kind, ended.errors);
        assert_eq!(ended.output.len(), bytes.len(), "{:?}", host.kind);
        assert!(ended.output == bytes, "{:?}: the bytes differ", host.kind);
    }
}

#[test]
fn every_byte_of_a_file_comes_back() {
    for host in Host::all("every_byte_of_a_file_comes_back") {
        let (bytes, path) = (noise(100_000), host.place.at("input"));
        std::fs::write(&path, &bytes).unwrap();
        let mut command = launcher(&host, &host.config(&["copy"]));
        let ended = Running::start(command.stdin(File::open(&path).unwrap())).end();
        assert_eq!(ended.code(), 0, "{:?}: {}", host.kind, ended.errors);
        assert!(ended.output == bytes, "{:?}: the bytes differ", host.kind);
    }
}

#[test]
fn an_empty_input_ends_at_once() {
    for host in Host::all("an_empty_input_ends_at_once") {
        for input in ["/dev/null", "a closed pipe"] {
            let mut command = launcher(&host, &host.config(&["copy"]));
            let ended = match input {
                "/dev/null" => Running::start(&mut command).end(),
                _ => {
                    let mut running = Running::start(command.stdin(Stdio::piped()));
                    drop(running.input());
                    running.end()
                }
            };
            assert_eq!((ended.code(), ended.output.len()), (0, 0), "{input}, {:?}: {ended:?}", host.kind);
        }
    }
}

#[test]
fn a_program_that_stops_reading_ends_all_the_same() {
    for host in Host::all("a_program_that_stops_reading_ends_all_the_same") {
        let bytes = noise(10_000_000);
        let mut command = launcher(&host, &host.config(&["copy", "1000"]));
        let mut running = Running::start(command.stdin(Stdio::piped()));
        let fed = feed(running.input(), bytes.clone());
        let ended = running.end();
        assert!(fed.join().unwrap().is_err(), "somebody reads what the program does not");
        assert_eq!(ended.code(), 0, "{:?}: {ended:?}", host.kind);
        assert_eq!(ended.output, bytes[..1000], "{:?}", host.kind);
        host.assert_empty("after it stopped reading");
    }
}

#[test]
fn an_input_that_never_ends_holds_nobody() {
    for host in Host::all("an_input_that_never_ends_holds_nobody") {
        let mut command = launcher(&host, &host.config(&["exit", "3"]));
        let mut running = Running::start(command.stdin(Stdio::piped()));
        let open = running.input();
        assert_eq!(running.end().code(), 3, "{:?}", host.kind);
        drop(open);
    }
}
