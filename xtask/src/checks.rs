//! What holds for the repository as a whole: links of documents lead to files, the reference of config.json names
//! every key, and crates depend on each other in one direction. Tests only: `cargo test --package xtask`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::shell;

/// The crates that depend on none of ours.
const LEAVES: [&str; 3] = ["hcs_schema", "hcs_sys", "linux_sandbox"];

/// Whether a crate may depend on another of ours: front ends on the library, the library on the leaves.
fn may_depend((from, to): (&str, &str)) -> bool {
    match to {
        "nspawn" => from.starts_with("nspawn_"),
        _ => from == "nspawn" && LEAVES.contains(&to),
    }
}

/// Returns who depends on whom, tests included, in what `cargo metadata` prints. Dependencies of ours have a path.
fn arrows(metadata: &Value) -> Vec<(&str, &str)> {
    let of_package = |package| {
        let ours = array(package, "dependencies").iter().filter(|dependency| dependency["path"].is_string());
        ours.filter_map(|dependency| Some((package["name"].as_str()?, dependency["name"].as_str()?)))
    };
    array(metadata, "packages").iter().flat_map(of_package).collect()
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Returns the files that a document links to: links elsewhere, to places in the document itself, and what stands in
/// code are left out.
fn linked_files(markdown: &str) -> Vec<String> {
    let (mut files, mut in_code) = (Vec::new(), false);
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            let prose: String = line.split('`').step_by(2).collect();
            let inline = prose.split("](").skip(1).map(|rest| rest.split([')', ' ']).next());
            let defined = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
            let targets = inline.flatten().chain(defined.map(|(_, target)| target.trim()));
            let local = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
            let files_of =
                local.filter_map(|target| target.split('#').next()).filter(|file| !file.is_empty());
            files.extend(files_of.map(str::to_owned));
        }
    }
    files
}

/// Returns the Markdown files below `directory`, without what is built there or hidden.
fn documents(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let seen = entries.filter(|entry| {
        let name = entry.file_name();
        name != "target" && !name.as_encoded_bytes().starts_with(b".")
    });
    seen.flat_map(|entry| match entry.file_type().unwrap().is_dir() {
        true => documents(&entry.path()),
        false => {
            vec![entry.path()].into_iter().filter(|p| p.extension().is_some_and(|e| e == "md")).collect()
        }
    })
    .collect()
}

fn root() -> &'static Path {
    shell::repository().unwrap()
}

/// Returns what cargo tells of the workspace in a directory of the repository.
fn metadata(workspace: &str) -> Value {
    let mut cargo = shell::cargo();
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(root().join(workspace));
    serde_json::from_str(&shell::read(&mut cargo).unwrap()).unwrap()
}

#[test]
fn links_lead_to_files() {
    let documents = documents(root());
    assert!(documents.contains(&root().join("README.md")), "{documents:?}");
    let dead: Vec<String> = documents
        .iter()
        .flat_map(|document| {
            let text = fs::read_to_string(document).unwrap();
            let leads = |file: &String| document.with_file_name("").join(file).exists();
            let dead = linked_files(&text).into_iter().filter(|file| !leads(file)).collect::<Vec<_>>();
            dead.into_iter().map(move |file| format!("{}: {file}", document.display()))
        })
        .collect();
    assert!(dead.is_empty(), "links that lead nowhere: {dead:#?}");
}

#[test]
fn links_are_told_from_what_looks_like_them() {
    let markdown = "\
See [one](docs/one.md) and [two](two.md#part \"Two\"), not [there](https://example.org/x.md),\n\
nor [here](#part), [by post](mailto:a@example.org) or `[code](no.md)`.\n\
[`named`](src/lib.rs) ![picture](p.png)\n\
[three]: three.md\n\
```text\n\
[block](no.md)\n\
```\n\
[after](after.md)\n";
    let wanted = ["docs/one.md", "two.md", "src/lib.rs", "p.png", "three.md", "after.md"];
    assert_eq!(linked_files(markdown), wanted);
}

#[test]
fn the_reference_of_config_json_names_every_key() {
    let schema = fs::read_to_string(root().join("docs/config.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let keys = |properties: &Value| properties.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let top = keys(&schema["properties"]);
    let mount = keys(&schema["properties"]["mounts"]["items"]["properties"]);
    let reference = fs::read_to_string(root().join("docs/config.md")).unwrap();
    // The first cell of a row is the key.
    let rows = reference.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let named: BTreeSet<String> = rows.map(|(key, _)| key.to_owned()).collect();
    assert_eq!(named, top.union(&mount).cloned().collect());
}

#[test]
fn crates_depend_in_one_direction() {
    let workspace = metadata(".");
    let arrows_here = arrows(&workspace);
    assert!(arrows_here.contains(&("nspawn_cli", "nspawn")), "{arrows_here:?}");
    let wrong: Vec<_> = arrows_here.into_iter().filter(|arrow| !may_depend(*arrow)).collect();
    assert!(wrong.is_empty(), "front ends -> nspawn -> leaves, and not: {wrong:?}");
    // What runs in a container shares no code with what makes it.
    assert_eq!(arrows(&metadata("guest")), []);
}

#[test]
fn an_arrow_in_another_direction_is_seen() {
    for (from, to, allowed) in [
        ("nspawn_cli", "nspawn", true),
        ("nspawn", "hcs_schema", true),
        ("nspawn", "linux_sandbox", true),
        ("nspawn", "nspawn_cli", false),
        ("nspawn_cli", "linux_sandbox", false),
        ("linux_sandbox", "hcs_schema", false),
        ("hcs_schema", "nspawn", false),
        ("xtask", "nspawn", false),
    ] {
        assert_eq!(may_depend((from, to)), allowed, "{from} -> {to}");
    }
    let metadata = json!({"packages": [
        {"name": "a", "dependencies": [{"name": "b", "path": "/b"}, {"name": "serde", "source": "registry"}]},
        {"name": "b", "dependencies": [{"name": "a", "path": "/a", "kind": "dev"}]},
    ]});
    assert_eq!(arrows(&metadata), [("a", "b"), ("b", "a")]);
}
