//! B-02: numbers are whole, in range, and never wrap; 0 is unset.

use serde_json::json;

use crate::launcher::machine::{NATIVE, has, processors};
use crate::launcher::run::run;
use crate::oracle::{REFUSED, place, refuses, refuses_text, said_hello};

const MAXIMA: [(&str, u64); 8] = [
    ("max_ram_mb", u32::MAX as u64),
    ("cpus_count", u16::MAX as u64),
    ("cpu_affinity_hex", u64::MAX),
    ("max_cpu_percent", 100),
    ("max_processes", 4_194_304),
    ("max_storage_iops", u32::MAX as u64),
    ("max_storage_bandwidth_bytes_per_sec", u64::MAX),
    ("timeout_seconds", u32::MAX as u64),
];

/// Written by hand: what is no number of JSON, or none that a reader could hold, must get there too.
fn config(place: &crate::launcher::place::Place, key: &str, number: &str) -> String {
    let config = place.config("hello", json!({key: "@"})).to_string();
    config.replace("\"@\"", number)
}

#[test]
fn b02_numbers_that_are_never_right() {
    if !has("b02_numbers_that_are_never_right", &[NATIVE]) {
        return;
    }
    let place = place();
    let huge = "9".repeat(100_000);
    for (key, max) in MAXIMA {
        for number in
            ["-1", "-0", "1.5", "1.0", "1e3", "1E0", "18446744073709551616", "1e400", "-1e400", &huge]
        {
            let says = format!("error: {key}: must be a whole number from 0 to {max}, in plain digits: ");
            refuses_text(
                &place,
                config(&place, key, number),
                REFUSED,
                &[&says, &number[..number.len().min(20)]],
            );
        }
        let says = format!("error: {key}: must be a number, not a string: \"512\"");
        refuses(&place, json!({key: "512"}), &[&says]);
    }
}

#[test]
fn b02_numbers_beyond_the_bound_are_refused_and_those_below_run() {
    if !has("b02_numbers_beyond_the_bound_are_refused_and_those_below_run", &[NATIVE]) {
        return;
    }
    let place = place();
    for (key, max) in MAXIMA.into_iter().filter(|(key, _)| *key != "cpu_affinity_hex") {
        for number in
            [0, 1, 100, 101, 65_535, 65_536, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 53) + 1, u64::MAX]
        {
            // A megabyte is less than any program needs: that it is held is another test's matter.
            if number > max {
                let says = format!("error: {key}: must be a whole number from 0 to {max}");
                refuses(&place, json!({key: number}), &[&says, &number.to_string()]);
            } else if (key, number) != ("max_ram_mb", 1) {
                place.configure("hello", json!({key: number}));
                // Whether this host has the controllers is no matter here.
                let ran = run(place.launcher(&place.root()).arg("--allow-unenforced"));
                assert_eq!(ran.status, Some(0), "{key} {number}: {ran:?}");
                said_hello(ran);
            }
        }
    }
}

#[test]
fn b02_processors_that_are_not_there_are_refused() {
    if !has("b02_processors_that_are_not_there_are_refused", &[NATIVE]) {
        return;
    }
    let place = place();
    if processors() < 64 {
        let beyond = 1_u64 << processors();
        for mask in [beyond, beyond | 1, u64::MAX] {
            let says = ["error: cpu_affinity_hex: ", "stands for processor"];
            refuses(&place, json!({"cpu_affinity_hex": mask}), &says);
        }
    }
    for mask in [0, 1, (1 << processors().min(63)) - 1] {
        place.configure("hello", json!({"cpu_affinity_hex": mask}));
        said_hello(run(place.launcher(&place.root()).arg("--allow-unenforced")));
    }
}
