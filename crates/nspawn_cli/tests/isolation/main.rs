//! A container sees and reaches nothing of its host but what it was given: programs that look around and try to get
//! out, native ones and Windows ones, started by root and by a plain user. Windows programs under Wine can make system
//! calls of Linux, so the same probe makes them on both sides. What is promised stands in docs/security.md; ways out that
//! other programs had are in `escapes.rs`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../launcher/case.rs"]
mod case;
mod environment;
mod escapes;
mod files;
mod host;
mod known_escapes;
#[expect(dead_code, reason = "shared with tests that use more of it")]
#[path = "../launcher/mod.rs"]
mod launcher;
mod links;
mod looks;
mod mounts;
mod network;
mod part_32;
mod probe;
mod processes;
mod races;
mod root;
mod windows_paths;
