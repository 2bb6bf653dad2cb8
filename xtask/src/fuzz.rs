//! `cargo xtask fuzz`: runs the fuzz targets, each for a while, with a fuzzer that is guided by coverage (libFuzzer). It
//! takes a C++ compiler, and of Rust the stable toolchain.
//!
//! ```text
//! fuzz/src/bin/<target>.rs           what is run
//! fuzz/seeds/<target>/               what it begins with; `cargo test` runs it over these, too
//! <target directory>/fuzz/found/     what makes a target fail
//! <target directory>/fuzz/corpus/    what else was tried that reaches new code; the next run begins with it, too
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Where the fuzz targets are, in the repository.
const WORKSPACE: &str = "fuzz";

/// What makes the compiler count which code was run, and note what was compared.
const FLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    // What is for Windows is here for its parsers alone.
    "-Adead_code",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// How long one input may take, in seconds, and how much memory, in MiB.
const BOUNDS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// Runs these targets, or all, one after the other, for so many seconds each.
///
/// # Errors
/// There is no such target, none can be built, or one failed: what made it fail is named.
pub fn run(wanted: &[String], seconds: u64) -> Result<()> {
    let all = targets()?;
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        bail!("there is no fuzz target {unknown}, only {}", all.join(", "));
    }
    let place = shell::target_directory()?.join("fuzz");
    let built = build(&place)?;
    let mut failed = Vec::new();
    for target in if wanted.is_empty() { &all } else { wanted } {
        let (corpus, found) = (place.join("corpus").join(target), place.join("found"));
        for directory in [&corpus, &found] {
            fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let mut command = Command::new(built.join(target));
        command
            .arg(&corpus)
            .arg(shell::repository()?.join(WORKSPACE).join("seeds").join(target))
            .args(BOUNDS);
        command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
        command.arg(format!("-artifact_prefix={}/{target}-", found.display()));
        let output = command.output().with_context(|| format!("cannot run {}", shell::spelled(&command)))?;
        let told = String::from_utf8_lossy(&output.stderr);
        println!("{target}: {}", summary(&told));
        if !output.status.success() {
            println!("{told}");
            failed.push(target.as_str());
        }
    }
    if !failed.is_empty() {
        bail!(
            "{} failed; when mended, what made it fail goes into fuzz/seeds, named after what was wrong",
            failed.join(", ")
        );
    }
    Ok(())
}

/// Returns the names of all targets.
fn targets() -> Result<Vec<String>> {
    let place = shell::repository()?.join(WORKSPACE).join("src/bin");
    let entries = fs::read_dir(&place).with_context(|| format!("cannot read {}", place.display()))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

/// Builds all targets below `place`, and returns where they are.
fn build(place: &Path) -> Result<PathBuf> {
    let host = shell::host()?;
    let mut cargo = shell::cargo();
    cargo
        .args(["build", "--release", "--bins", "--manifest-path"])
        .arg(shell::repository()?.join("fuzz/Cargo.toml"));
    // With a target named, the flags are not those of build scripts.
    cargo.args(["--target", &host]).arg("--target-dir").arg(place);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    shell::run(&mut cargo)?;
    Ok(place.join(host).join("release"))
}

/// Says how much was tried, from what libFuzzer prints at its end and, for coverage, while it goes on.
fn summary(told: &str) -> String {
    let number = |key: &str| {
        let line = told.lines().rev().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(key));
        line.map_or("?", |rest| rest.trim_start_matches([':', ' ']))
    };
    let covered = told.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split(' ').next());
    format!("{} runs, {} branches reached", number("number_of_executed_units"), covered.unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_found_in_what_is_printed() {
        let told = "#2\tINITED cov: 7 ft: 7\n#9\tDONE   cov: 12 ft: 9 corp: 2/12b\nDone 9 runs in 1 second(s)\n\
                    stat::number_of_executed_units: 9\nstat::average_exec_per_sec:     9\n";
        assert_eq!(summary(told), "9 runs, 12 branches reached");
        assert_eq!(summary(""), "? runs, ? branches reached");
    }

    #[test]
    fn every_target_has_seeds_and_all_seeds_have_a_target() {
        let seeds = fs::read_dir(shell::repository().unwrap().join(WORKSPACE).join("seeds")).unwrap();
        let mut names: Vec<String> =
            seeds.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, targets().unwrap());
        // And is a test of its crate.
        let crates = ["linux_sandbox", "nspawn"].map(|name| {
            let file = shell::repository().unwrap().join("crates").join(name).join("src/fuzzing.rs");
            fs::read_to_string(file).unwrap().split_once("replayed!(").unwrap().1.to_owned()
        });
        let words = |text: &String| {
            text.split(|c: char| c != '_' && !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>()
        };
        let tested: Vec<String> = crates.iter().flat_map(words).filter(|word| !word.is_empty()).collect();
        assert!(names.iter().all(|name| tested.contains(name)), "{names:?} {tested:?}");
    }
}
