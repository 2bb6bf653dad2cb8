//! B-06 and B-07: paths that lead elsewhere, and directories that are not for mapping.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use crate::launcher::machine::{NATIVE, WINDOWS, has};
use crate::launcher::place::Place;
use crate::oracle::{NOT_EXECUTABLE, REFUSED, place, refuses, refuses_text, runs};
use crate::quoting;

/// Paths that must not be taken for one below a directory.
const ELSEWHERE: [&str; 26] = [
    r"..\x",
    "../x",
    "a/../../x",
    r"a\..\x",
    "a/..",
    "/abs",
    r"\x",
    r"C:\x",
    "C:/x",
    "C:x",
    "c:",
    r"\\server\share\x",
    "//server/share/x",
    r"\\?\C:\x",
    r"\\.\pipe\x",
    r"\??\C:\x",
    r"/\x",
    ".",
    "./x",
    "a//x",
    r"a\/x",
    "x/",
    "..  ",
    "...",
    "a./x",
    "",
];

#[test]
fn b06_paths_that_leave_their_directory() {
    if !has("b06_paths_that_leave_their_directory", &[NATIVE]) {
        return;
    }
    let place = place();
    for path in ELSEWHERE {
        for key in ["process_executable", "stdout_filename"] {
            refuses(&place, json!({key: path}), &[&format!("error: {key}: "), &format!(": \"{path}\"")]);
        }
    }
    // Mixed separators are one path.
    fs::create_dir_all(place.work().join("a/b")).unwrap();
    place.put(&place.work().join("hello"), "a/b/hello");
    for path in ["a/b/hello", r"a\b\hello", r"a/b\hello"] {
        runs(&place, json!({"process_executable": path}));
    }
}

#[test]
fn b06_links_that_leave_the_directory() {
    if !has("b06_links_that_leave_the_directory", &[NATIVE]) {
        return;
    }
    let place = place();
    fs::write(place.at("outside"), "kept").unwrap();
    let link = |target: &str, name: &str| symlink(target, place.work().join(name)).unwrap();
    link("../outside", "out");
    link("/bin/true", "true");
    link("..", "up");
    link("loop", "loop");
    link("hello", "inside");
    fs::create_dir(place.work().join("logs")).unwrap();
    link("logs", "linked");
    for (program, status, says) in [
        ("out", NOT_EXECUTABLE, "leads out of process_directory"),
        ("true", NOT_EXECUTABLE, "leads out of process_directory"),
        ("loop", NOT_EXECUTABLE, "leads nowhere"),
        ("up/work/hello", REFUSED, "leads out of process_directory"),
    ] {
        let config = place.config(program, json!({})).to_string();
        refuses_text(&place, config, status, &["error: ", says]);
    }
    // A link that stays inside is followed to a program, as in a JDK, and never to an output file.
    runs(&place, json!({"process_executable": "inside"}));
    for output in ["out", "up/outside", "loop", "linked/out.txt", "inside"] {
        refuses(&place, json!({"stdout_filename": output}), &["error: "]);
    }
    assert_eq!(fs::read(place.at("outside")).unwrap(), b"kept");
}

#[test]
fn b07_places_in_the_container_that_are_not_for_mapping() {
    if !has("b07_places_in_the_container_that_are_not_for_mapping", &[NATIVE]) {
        return;
    }
    let place = place();
    for path in [
        r"\\server\share",
        "//server/share",
        r"\\?\C:\x",
        "//?/C:/x",
        r"\\.\pipe\x",
        r"\??\C:\x",
        r"\\?\GLOBALROOT\Device\HarddiskVolume1",
        r"C:\",
        "C:",
        "C:x",
        "x",
        "/x",
        "D:/x",
        r"C:\Windows",
        r"c:\windows\System32",
        r"C:\WINDOWS\x",
        r"C:\Users",
        r"C:\Program Files",
        r"C:\PROGRA~1\x",
        r"C:\nspawn_x",
        r"C:\a\..\Windows",
        r"C:\x\nul",
        "C:/a\" & \"",
        "C:/a >> b",
        "",
    ] {
        let says = format!(": \"{path}\"");
        refuses(&place, json!({"mapped_directory": path}), &["error: mapped_directory: ", &says]);
        let mount = json!({"mounts": [{"source": place.work(), "destination": path}]});
        refuses(&place, mount, &["error: mounts[0].destination: ", &says]);
    }
    for path in
        [r"C:\Program Files\x", "c:/Users/ContainerUser/x", "C:/windowsx", "C:/a^b & c %OS%", "C:/é中😀"]
    {
        runs(&place, json!({"mapped_directory": path}));
    }
}

#[test]
fn b07_places_of_the_root_that_a_native_program_needs() {
    if !has("b07_places_of_the_root_that_a_native_program_needs", &[NATIVE]) {
        return;
    }
    let place = place();
    for path in ["C:/proc", "C:/dev/shm/x", "C:/etc", "C:/sys/x", "C:/usr/bin"] {
        refuses(&place, json!({"mapped_directory": path}), &["error: mapped_directory: ", "is taken"]);
    }
}

#[test]
fn b07_directories_of_the_host_that_are_never_mapped() {
    if !has("b07_directories_of_the_host_that_are_never_mapped", &[NATIVE]) {
        return;
    }
    let place = place();
    let own = [place.root(), place.root().join("run"), place.root().join("data/scratch/x")];
    fs::create_dir_all(&own[2]).unwrap();
    fs::create_dir_all(&own[1]).unwrap();
    let above = place.work().join("..");
    let kernel = [
        "/",
        "/.",
        "//",
        "/proc",
        "/proc/self/fd",
        "/proc/1/root",
        "/sys",
        "/sys/fs/cgroup",
        "/dev",
        "/dev/shm",
    ];
    let kernel = kernel.map(Path::new);
    for path in kernel.into_iter().chain(own.iter().map(AsRef::as_ref)).chain([above.as_path()]) {
        never_mapped(&place, path);
        // Nor behind a link.
        let link = place.at("link");
        symlink(path, &link).unwrap();
        never_mapped(&place, &link);
        fs::remove_file(link).unwrap();
    }
}

fn never_mapped(place: &Place, path: &Path) {
    refuses(place, json!({"process_directory": path}), &["error: ", "process_directory"]);
    let mounts = |source: Value| json!({"mounts": [{"source": source, "destination": "C:/x"}]});
    refuses(place, mounts(json!(path)), &["error: ", "mounts["]);
}

#[test]
fn b07_paths_of_another_sort() {
    if !has("b07_paths_of_another_sort", &[NATIVE]) {
        return;
    }
    let place = place();
    for path in [
        r"\\server\share",
        r"\\?\C:\x",
        r"\\.\pipe\x",
        r"\??\x",
        r"\\?\GLOBALROOT\Device\x",
        "//?/C:/x",
        r"C:\",
        r"C:\Windows",
        "C:/projects",
        r"a\b",
        "",
    ] {
        let says = format!(": \"{path}\"");
        for key in ["process_directory", "parent_layer_directory"] {
            refuses(&place, json!({key: path}), &[&format!("error: {key}: "), &says]);
        }
    }
    refuses(&place, json!({"process_directory": "absent"}), &["process_directory", "No such file"]);
    refuses(&place, json!({"process_directory": "work/hello"}), &["process_directory", "Not a directory"]);
    // Relative to the configuration, and `..` taken out by its letters.
    for path in ["work", "./work", "work/../work", "absent/../work"] {
        runs(&place, json!({"process_directory": path}));
    }
}

#[test]
fn b07_directories_that_are_no_layers() {
    if !has("b07_directories_that_are_no_layers", &[WINDOWS]) {
        return;
    }
    let place = quoting::place();
    fs::create_dir_all(place.at("layer/Files")).unwrap();
    for (layer, chain, says) in [
        ("absent", None, "Files"),
        ("work", None, "Files"),
        ("layer", Some("{}"), "no array of paths"),
        ("layer", Some("[1]"), "no array of paths"),
        ("layer", Some(r#"["/absent"]"#), "Files"),
        ("layer", Some(r#"[".."]"#), "names no layer"),
    ] {
        chain.inspect(|chain| fs::write(place.at("layer/layerchain.json"), chain).unwrap());
        let config = place.config("arguments.exe", json!({"parent_layer_directory": layer})).to_string();
        refuses_text(&place, config, REFUSED, &[says]);
    }
}
