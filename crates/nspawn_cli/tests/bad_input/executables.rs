//! the executable is looked at before anything starts: 126 or 127, with the reason.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::launcher::machine::{NATIVE, WINDOWS, has, programs_32, skip};
use crate::launcher::place::Place;
use crate::launcher::run::run;
use crate::oracle::{NOT_EXECUTABLE, NOT_FOUND, place, refuses_text};
use crate::quoting;

fn refuses(place: &Place, program: &str, status: i32, reason: &str) {
    let config = place.config(program, json!({})).to_string();
    refuses_text(place, config, status, &["error: cannot ", reason]);
}

#[test]
fn x05_what_is_no_program() {
    if !has("x05_what_is_no_program", &[NATIVE]) {
        return;
    }
    let place = place();
    let elf = fs::read(place.work().join("hello")).unwrap();
    let patched = |offset: usize, bytes: &[u8]| {
        let mut elf = elf.clone();
        elf[offset..offset + bytes.len()].copy_from_slice(bytes);
        elf
    };
    let files: [(&str, Vec<u8>, &str); 12] = [
        ("empty", Vec::new(), "it is empty"),
        ("empty.exe", Vec::new(), "it is empty"),
        ("script", b"#!/bin/sh\r\nexit 0\r\n".to_vec(), "script"),
        ("text.exe", b"hello, world\n".to_vec(), "text"),
        ("noise.exe", (0..=255).collect(), "it is neither"),
        ("mz.exe", b"MZ".to_vec(), "cut off"),
        ("cut", elf[..40].to_vec(), "cut off"),
        ("arm64", patched(18, &[183, 0]), "ARM64"),
        ("big-endian", patched(5, &[2]), "big-endian"),
        ("x86", patched(18, &[3, 0]), "32-bit x86"),
        ("core", patched(16, &[4, 0]), "object file or core dump"),
        ("library.so", patched(24, &[0; 8]), "library"),
    ];
    for (name, content, reason) in files {
        fs::write(place.work().join(name), content).unwrap();
        refuses(&place, name, NOT_EXECUTABLE, reason);
    }
    fs::create_dir(place.work().join("directory.exe")).unwrap();
    refuses(&place, "directory.exe", NOT_EXECUTABLE, "it is no file");
    assert!(Command::new("mkfifo").arg(place.work().join("fifo.exe")).status().unwrap().success());
    refuses(&place, "fifo.exe", NOT_EXECUTABLE, "it is no file");
    refuses(&place, "absent.exe", NOT_FOUND, "\"absent.exe\" is not there");
    refuses(&place, "absent/x.exe", NOT_FOUND, "\"absent\" is not there");
    refuses(&place, "hello/x.exe", NOT_FOUND, "is no directory");
    // Executable is what can be executed, not what has the bit; a dynamic program has no libraries here.
    if Path::new("/bin/true").is_file() {
        place.put(Path::new("/bin/true"), "true");
        refuses(&place, "true", NOT_EXECUTABLE, "link it statically");
    }
}

#[test]
fn x05_what_is_no_windows_program() {
    if !has("x05_what_is_no_windows_program", &[WINDOWS]) {
        return;
    }
    let place = quoting::place();
    let program = fs::read(place.work().join("arguments.exe")).unwrap();
    let header = u32::from_le_bytes(program[0x3c..0x40].try_into().unwrap()) as usize;
    let patched = |offset: usize, bytes: &[u8]| {
        let mut program = program.clone();
        program[header + offset..header + offset + bytes.len()].copy_from_slice(bytes);
        program
    };
    let characteristics = u16::from_le_bytes(program[header + 22..header + 24].try_into().unwrap());
    // Offsets of the PE format: machine 4, characteristics 22, magic 24, subsystem 92.
    let files: [(&str, Vec<u8>, &str); 8] = [
        ("arm64.exe", patched(4, &0xaa64_u16.to_le_bytes()), "ARM64"),
        ("arm.exe", patched(4, &0x01c4_u16.to_le_bytes()), "ARM"),
        ("library.dll", patched(22, &(characteristics | 0x2000).to_le_bytes()), "library"),
        ("library.exe", patched(22, &(characteristics | 0x2000).to_le_bytes()), "library"),
        ("driver.exe", patched(92, &1_u16.to_le_bytes()), "driver"),
        ("cut.exe", program[..header + 100].to_vec(), "cut off"),
        ("dos.exe", [b"MZ".to_vec(), vec![0; 100]].concat(), "DOS"),
        ("win16.exe", patched(0, b"NE\0\0"), "16-bit"),
    ];
    for (name, content, reason) in files {
        fs::write(place.work().join(name), content).unwrap();
        refuses(&place, name, NOT_EXECUTABLE, reason);
    }
    if programs_32().is_none() {
        let mut x86 = patched(4, &0x014c_u16.to_le_bytes());
        x86[header + 24..header + 26].copy_from_slice(&0x10b_u16.to_le_bytes());
        fs::write(place.work().join("x86.exe"), x86).unwrap();
        place.configure("x86.exe", json!({}));
        // What is bad is the host: that has a cure.
        let ran = run(&mut place.launcher(&place.root()));
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert_eq!((ran.status, lines.len()), (Some(NOT_EXECUTABLE), 2), "{ran:?}");
        assert!(lines[0].contains("it is a 32-bit program"), "{ran:?}");
        assert!(lines[1].starts_with("hint: ") && lines[1].contains("wine32:i386"), "{ran:?}");
    }
}

/// What is not refused for being of 32 bits runs: Wine's own `cmd`, as a program that was brought.
#[test]
fn x05_a_32_bit_program_runs_where_wine_runs_such() {
    let name = "x05_a_32_bit_program_runs_where_wine_runs_such";
    if !has(name, &[WINDOWS]) {
        return;
    }
    let Some(programs) = programs_32() else {
        return skip(name, "Wine runs no 32-bit programs here (wine32:i386)");
    };
    let place = Place::with(&programs.join("cmd.exe"));
    place.configure("cmd.exe", json!({"process_arguments": ["/c", "exit", "42"], "services": "none"}));
    let ran = run(&mut place.launcher(&place.windows_root()));
    assert_eq!(ran.status, Some(42), "{ran:?}");
}
