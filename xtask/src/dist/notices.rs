//! The licences of what is built into the programs: each of them asks for its text to go along.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::shell;

/// What is linked with every program, beside the packages.
const RUNTIME: &str = "\
The standard library of Rust: MIT OR Apache-2.0 (https://github.com/rust-lang/rust).
On Linux, linked statically with the program and not with the C library: the GNU C Library, LGPL-2.1-or-later
(https://sourceware.org/glibc/). The source from which the program can be built with another version of it is all of
this project's.
On Windows: the run-time libraries of mingw-w64 (public domain, ZPL-2.1 and like licences,
https://www.mingw-w64.org) and of GCC (GPL-3.0-or-later with the GCC Runtime Library Exception).
";

/// Returns the notices for what is built for `target` from the workspace at `root`.
///
/// # Errors
/// Cargo fails, or a package has neither a licence's name nor its text.
pub fn text(mut cargo: Command, root: &Path, target: &str) -> Result<String> {
    cargo.current_dir(root).args([
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        target,
    ]);
    let metadata: Value =
        serde_json::from_str(&shell::read(&mut cargo)?).context("cargo metadata is no JSON")?;
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut notices =
        format!("What is built into the programs, besides our own code.\n\n{RUNTIME}\nPackages:\n\n");
    for package in built_in(&metadata) {
        let field = |name: &str| package[name].as_str().unwrap_or_default();
        let name = format!("{} {}", field("name"), field("version"));
        ensure!(!field("license").is_empty(), "{name} names no licence");
        let _ = writeln!(notices, "{name}: {} ({})", field("license"), field("repository"));
        for text in licence_texts(Path::new(field("manifest_path")))? {
            by_text.entry(text).or_default().push(name.clone());
        }
    }
    for (text, packages) in by_text {
        let _ = write!(notices, "\n\n---- {} ----\n\n{}\n", packages.join(", "), text.trim_end());
    }
    Ok(notices)
}

/// Returns the packages of others that our programs are made of, in the order of their names.
fn built_in(metadata: &Value) -> Vec<&Value> {
    let list = |value: &'_ Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let nodes: BTreeMap<String, Vec<String>> = list(&metadata["resolve"], "nodes")
        .iter()
        .map(|node| {
            // Not what only tests or building take: its kind is named.
            let normal = |edge: &Value| list(edge, "dep_kinds").iter().any(|kind| kind["kind"].is_null());
            let edges = list(node, "deps").into_iter().filter(normal);
            let targets = edges.filter_map(|edge| edge["pkg"].as_str().map(str::to_owned)).collect();
            (node["id"].as_str().unwrap_or_default().to_owned(), targets)
        })
        .collect();
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let id = |package: &Value| package["id"].as_str().unwrap_or_default().to_owned();
    let ours = ["nspawn_cli", "nspawn_capi"];
    let roots = packages.iter().filter(|package| ours.iter().any(|name| package["name"] == *name));
    let (mut wanted, mut reached): (Vec<String>, BTreeSet<String>) =
        (roots.map(id).collect(), BTreeSet::new());
    while let Some(next) = wanted.pop() {
        if reached.insert(next.clone()) {
            wanted.extend(nodes.get(&next).into_iter().flatten().cloned());
        }
    }
    // Packages of the workspace have no source.
    let foreign = |package: &&Value| !package["source"].is_null() && reached.contains(&id(package));
    let mut found: Vec<&Value> = packages.iter().filter(foreign).collect();
    found.sort_by_key(|package| (package["name"].as_str(), package["version"].as_str()));
    found
}

/// Returns the texts that a package brings beside its manifest.
fn licence_texts(manifest: &Path) -> Result<Vec<String>> {
    let directory = manifest.parent().context("a manifest lies in no directory")?;
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_ascii_uppercase();
        let is_one = ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|start| name.starts_with(start));
        if is_one && entry.file_type()?.is_file() {
            let text = fs::read_to_string(entry.path())
                .with_context(|| format!("cannot read {}", entry.path().display()))?;
            texts.insert(name, text.replace("\r\n", "\n"));
        }
    }
    Ok(texts.into_values().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_tests_take_is_not_built_in() {
        let package = |name: &str, source: Option<&str>| json!({ "name": name, "version": "1", "id": name, "source": source });
        let edge = |to: &str, kind: Option<&str>| json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [
                package("nspawn_cli", None),
                package("nspawn", None),
                package("z", Some("r")),
                package("a", Some("r")),
                package("tested", Some("r")),
                package("unused", Some("r")),
            ],
            "resolve": { "nodes": [
                { "id": "nspawn_cli", "deps": [edge("nspawn", None), edge("tested", Some("dev"))] },
                { "id": "nspawn", "deps": [edge("z", None)] },
                { "id": "z", "deps": [edge("a", None), edge("tested", Some("build"))] },
            ] },
        });
        let names: Vec<_> = built_in(&metadata).iter().map(|package| package["name"].clone()).collect();
        assert_eq!(names, ["a", "z"]);
    }
}
