//! Layers of a Windows host over the embedded base layer: parent_layer_directory and its layerchain.json, on Linux.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "shared with tests that use more of it")]
#[path = "../launcher/mod.rs"]
mod launcher;

use std::fs;

use launcher::machine::{WINDOWS, has};
use launcher::place::{Place, shared_root};
use launcher::programs::{Target, program};
use launcher::run::run;
use serde_json::json;

const READER: &str = "layers/reader.c";

/// Makes a layer with `files`, below `layers` in the place.
fn layer(place: &Place, name: &str, files: &[(&str, &str)], chain: Option<serde_json::Value>) {
    for (path, text) in files {
        let path = place.at("layers").join(name).join("Files").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    if let Some(chain) = chain {
        fs::write(place.at("layers").join(name).join("layerchain.json"), chain.to_string()).unwrap();
    }
}

/// A chain of an application, a runtime, and Microsoft's base, which is known by its system files.
fn chain(place: &Place) {
    let chain = json!([place.at("layers/runtime"), r"C:\ProgramData\docker\windowsfilter\base"]);
    layer(place, "app", &[("tools/both.txt", "app")], Some(chain));
    layer(place, "runtime", &[("tools/both.txt", "runtime"), ("tools/one.txt", "runtime")], None);
    layer(place, "base", &[("Windows/System32/ntdll.dll", ""), ("tools/base.txt", "base")], None);
}

#[test]
fn layers_lie_over_the_embedded_base_and_are_not_changed() {
    if !has("layers_lie_over_the_embedded_base_and_are_not_changed", &[WINDOWS]) {
        return;
    }
    let place = Place::with(&program(Target::Windows, READER));
    chain(&place);
    let files = [r"C:\tools\both.txt", r"C:\TOOLS\one.txt", r"C:\tools\base.txt", r"C:\tools\new.txt"];
    let changes = json!({"process_arguments": files, "parent_layer_directory": place.at("layers/app")});
    place.configure("reader.exe", changes);
    for _ in 0..2 {
        let ran = run(&mut place.launcher(&shared_root())).succeeded();
        assert_eq!(
            ran.text(),
            "app\nruntime\nabsent\nabsent\nwrote\n",
            "what is written is gone with its container"
        );
        assert!(ran.stderr.contains("replaced by the embedded one"), "{}", ran.stderr);
    }
    assert!(!place.at("layers/app/Files/tools/new.txt").exists());
}

#[test]
fn layers_merge_by_names_as_windows_compares_them() {
    if !has("layers_merge_by_names_as_windows_compares_them", &[WINDOWS]) {
        return;
    }
    let place = Place::with(&program(Target::Windows, READER));
    let app = [
        ("Windows/System32/Extra.txt", "app"),
        ("Windows/System32/drivers/ETC/more.txt", "app"),
        ("Tools/Bin/both.txt", "app"),
        ("PROGRAM FILES/App/app.txt", "app"),
    ];
    let runtime = [
        ("TOOLS/bin/BOTH.txt", "runtime"),
        ("TOOLS/bin/one.txt", "runtime"),
        ("Program Files/App", "a file"),
    ];
    layer(&place, "app", &app, Some(json!([place.at("layers/runtime")])));
    layer(&place, "runtime", &runtime, None);
    let files = [
        r"C:\windows\system32\extra.txt",
        r"C:\WINDOWS\System32\Drivers\etc\more.txt",
        r"C:\tools\bin\both.txt",
        r"C:\tools\bin\one.txt",
        r"C:\Program Files\App\app.txt",
        r"C:\Win*",
        r"C:\Windows\Sys*32",
        r"C:\Windows\System32\kernel32.*",
        r"C:\tool*",
        r"C:\tools\*in",
        r"C:\tools\bin\bo*",
        r"C:\work\*.exe",
        r"C:\DATA\*e",
    ];
    let mounts = ["one", "two"].map(|name| {
        fs::create_dir_all(place.at(name).join("here")).unwrap();
        let spelled = if name == "one" { "Data" } else { "data" };
        json!({"source": place.at(name), "destination": format!(r"C:\{spelled}\{name}")})
    });
    place.configure(
        "reader.exe",
        json!({"process_arguments": files, "parent_layer_directory": place.at("layers/app"), "mounts": mounts}),
    );
    let ran = run(&mut place.launcher(&shared_root())).succeeded();
    let expected =
        "app\napp\napp\nruntime\napp\nwindows;\nsystem32;\nkernel32.dll;\nTOOLS;\nbin;\nboth.txt;\n";
    let rest = "reader.exe;\none;\nwrote\n";
    assert_eq!(ran.text(), format!("{expected}{rest}"));
    assert_eq!(
        fs::read_dir(place.at("layers/app/Files/Tools")).unwrap().count(),
        1,
        "layers are not changed"
    );
}

#[test]
fn both_accounts_profiles_merge_with_those_of_layers() {
    if !has("both_accounts_profiles_merge_with_those_of_layers", &[WINDOWS]) {
        return;
    }
    let place = Place::with(&program(Target::Windows, READER));
    let accounts = ["ContainerUser", "ContainerAdministrator"];
    let files = accounts.map(|name| format!("Users/{}/Documents/theirs.txt", name.to_lowercase()));
    layer(&place, "app", &[(&files[0], "app"), (&files[1], "app"), ("tools/x", "")], None);
    for name in accounts {
        let files = [r"Documents\theirs.txt", r"AppData\Lo*l", r"AppData\Local\Tem*"];
        let files = files.map(|file| format!(r"C:\users\{name}\{file}"));
        let layer = place.at("layers/app");
        let changes = json!({"process_arguments": files, "parent_layer_directory": layer, "user": name});
        place.configure("reader.exe", changes);
        let ran = run(&mut place.launcher(&shared_root())).succeeded();
        assert_eq!(ran.text(), "app\nLocal;\nTemp;\nwrote\n", "{name}");
    }
}

#[test]
fn layers_that_are_none_are_refused() {
    if !has("layers_that_are_none_are_refused", &[WINDOWS]) {
        return;
    }
    let place = Place::with(&program(Target::Windows, READER));
    chain(&place);
    layer(&place, "torn", &[("a", "")], Some(json!(["/nowhere/at/all"])));
    layer(&place, "broken", &[("a", "")], Some(json!({"not": "a chain"})));
    fs::create_dir_all(place.at("layers/linked")).unwrap();
    std::os::unix::fs::symlink("/etc", place.at("layers/linked/Files")).unwrap();
    for (name, says) in [
        ("absent", "it has no directory Files"),
        ("torn", "/nowhere/at/all"),
        ("broken", "is no array of paths"),
        ("linked", "its Files is no directory"),
    ] {
        place.configure("reader.exe", json!({"parent_layer_directory": place.at("layers").join(name)}));
        let ran = run(&mut place.launcher(&shared_root()));
        assert_eq!(ran.status, Some(125), "{name}: {ran:?}");
        assert!(ran.stderr.contains(says), "{name}: {}", ran.stderr);
    }
}
