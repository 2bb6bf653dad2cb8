//! Whom programs are inside, whom on the host, and whose the files are that they see and make: for both accounts, of
//! root and of a plain user with and without subordinate ids.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::launcher::machine::{NATIVE, Need, WINDOWS, has};
use crate::launcher::place::{Place, shared_root};
use crate::launcher::programs::{Target, program};
use crate::launcher::run::{Ran, run};
use crate::user::{Ids, SUBORDINATE, UID, User};

const PROBE: &str = "plain_user/account.c";

/// What of a root is the system's.
const SYSTEM: [&str; 5] = ["/", "/tmp", "/dev/shm", "/etc", "/etc/passwd"];

const EPERM: &str = "-1";
const EROFS: &str = "-30";

/// An account, its uid and gid inside, and those that the system's files have there beside a plain user's two ids.
const ACCOUNTS: [(&str, u32, u32); 2] = [("ContainerUser", 1000, 0), ("ContainerAdministrator", 0, 1)];

/// What is the same whoever starts it: `system` is whose the system's files are inside.
fn check(ran: &Ran, (name, uid, system): (&str, u32, u32), target: Target) {
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let status = ran.told("status");
    let has = |line: &str| assert!(status.iter().any(|told| told == line), "{line}: {status:?}");
    for key in ["Uid", "Gid"] {
        has(&format!("{key}:\t{uid}\t{uid}\t{uid}\t{uid}"));
    }
    for set in ["Inh", "Prm", "Eff", "Bnd", "Amb"] {
        has(&format!("Cap{set}:\t0000000000000000"));
    }
    has("NoNewPrivs:\t1");
    let owners: Vec<_> = SYSTEM.map(|path| format!("{system}:{system} {path}")).into();
    assert_eq!(ran.told("owner"), [owners, vec![format!("{uid}:{uid} /home")]].concat(), "{name}");
    assert_eq!(ran.told("made"), ["1"], "{ran:?}");
    if target == Target::Windows {
        check_profile(ran, name);
    }
}

fn check_profile(ran: &Ran, name: &str) {
    let profile = format!(r"C:\users\{name}");
    let variables = [
        format!("USERNAME={name}"),
        format!("USERPROFILE={profile}"),
        format!(r"HOMEPATH=\users\{name}"),
        format!(r"APPDATA={profile}\AppData\Roaming"),
        format!(r"LOCALAPPDATA={profile}\AppData\Local"),
        format!(r"TEMP={profile}\AppData\Local\Temp"),
        format!(r"TMP={profile}\AppData\Local\Temp"),
    ];
    assert_eq!(ran.told("variable"), variables);
    assert_eq!(ran.told("name"), [name]);
    let folders = [r"\AppData\Roaming", r"\AppData\Local", "", r"\Documents"];
    assert_eq!(ran.told("folder"), folders.map(|folder| format!("{profile}{folder}")));
    assert_eq!(ran.told("directory"), ["1"; 6], "all of them are there");
    assert_eq!(ran.told("temporary"), ["0"]);
}

/// Returns what changing the modes of the system's files came to.
fn changed(ran: &Ran) -> Vec<String> {
    let results = ran.told("change").into_iter();
    results.take(SYSTEM.len()).map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

fn arguments() -> Vec<&'static str> {
    [&SYSTEM[..], &["/home"]].concat()
}

fn map(ran: &Ran, which: &str) -> Vec<String> {
    let lines = ran.told(which).into_iter();
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn of_root(test: &str, target: Target) {
    let needs = if target == Target::Windows { WINDOWS } else { NATIVE };
    if !has(test, &[needs]) {
        return;
    }
    let place = Place::with(&program(target, PROBE));
    let file = if target == Target::Windows { "account.exe" } else { "account" };
    let mut hosts = Vec::new();
    for (name, uid, _) in ACCOUNTS {
        let changes =
            json!({"user": name, "name": "of_root", "process_arguments": arguments(), "services": "none"});
        place.configure(file, changes);
        let ran = run(&mut place.launcher(&shared_root()));
        // The host's root's, whom the programs do not know.
        check(&ran, (name, uid, 65534), target);
        assert_eq!(changed(&ran), [EROFS, EPERM, EPERM, EROFS, EROFS]);
        let [line] = &map(&ran, "uids")[..] else { panic!("one id and no other: {ran:?}") };
        let numbers: Vec<u32> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        assert!(numbers[0] == uid && numbers[1] >= 0x5000_0000 && numbers[2] == 1, "{line}");
        hosts.push(numbers[1]);
        assert_eq!(place.report()["user"], json!({"name": name, "ids": "own"}));
        assert_eq!(
            fs::metadata(place.work().join("made")).unwrap().uid(),
            0,
            "it is the directory's owner's"
        );
        fs::remove_file(place.work().join("made")).unwrap();
    }
    assert_eq!(hosts[0], hosts[1], "both are the container's own");
}

#[test]
fn root_s_native_programs_are_their_account() {
    of_root("accounts::root_s_native_programs_are_their_account", Target::Native);
}

#[test]
fn root_s_windows_programs_are_their_account() {
    of_root("accounts::root_s_windows_programs_are_their_account", Target::Windows);
}

fn of_a_plain_user(test: &str, target: Target, ids: Ids) {
    let Some(user) = User::with_ids(test, target, PROBE, ids) else { return };
    for (name, uid, system) in ACCOUNTS {
        let changes = |name: &str| json!({"user": name, "services": "none"});
        let ran = user.run(&arguments(), changes(name));
        // In a namespace within his own, where he is 0 and the subordinate id is 1.
        let (own, other) = (format!("{uid} 0 1"), format!("{system} 1 1"));
        let (ids, system, maps, refused) = match ids {
            Ids::Two => ("two", system, vec![own, other], EPERM),
            Ids::One => ("one", uid, vec![own], "0"),
        };
        check(&ran, (name, uid, system), target);
        assert_eq!((map(&ran, "uids"), map(&ran, "gids")), (maps.clone(), maps));
        assert_eq!(changed(&ran), [EROFS, refused, refused, EROFS, EROFS], "{name}");
        assert_eq!(user.report()["user"], json!({"name": name, "ids": ids}));
        fs::remove_file(user.at("work/made")).unwrap();
    }
    assert_eq!(user.left(), [""; 0]);
    [".local", "work"].iter().for_each(|made| assert_all_his(&user.at(made)));
}

/// Asserts that all below a directory is the plain user's own: what is a subordinate id's, he could not remove.
fn assert_all_his(path: &Path) {
    let metadata = fs::symlink_metadata(path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (UID, UID), "{}", path.display());
    if metadata.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| assert_all_his(&entry.unwrap().path()));
    }
}

#[test]
fn a_plain_user_s_native_programs_are_their_account() {
    of_a_plain_user("accounts::a_plain_user_s_native_programs_are_their_account", Target::Native, Ids::One);
}

#[test]
fn native_programs_leave_the_system_to_a_subordinate_id() {
    of_a_plain_user(
        "accounts::native_programs_leave_the_system_to_a_subordinate_id",
        Target::Native,
        Ids::Two,
    );
}

#[test]
fn a_plain_user_s_windows_programs_are_their_account() {
    of_a_plain_user("accounts::a_plain_user_s_windows_programs_are_their_account", Target::Windows, Ids::One);
}

#[test]
fn windows_programs_leave_the_system_to_a_subordinate_id() {
    of_a_plain_user(
        "accounts::windows_programs_leave_the_system_to_a_subordinate_id",
        Target::Windows,
        Ids::Two,
    );
}

#[test]
fn what_is_another_s_is_mapped_as_it_is() {
    let test = "accounts::what_is_another_s_is_mapped_as_it_is";
    let Some(user) = User::with_ids(test, Target::Native, PROBE, Ids::One) else { return };
    let other = tempfile::tempdir().unwrap();
    fs::set_permissions(other.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(other.path().join("file"), "").unwrap();
    for read_only in [true, false] {
        let mounts = json!([{"source": other.path(), "destination": "C:/other", "read_only": read_only}]);
        let ran = user.run(&["/other", "/other/file"], json!({"mounts": mounts}));
        assert_eq!(ran.told("owner"), ["65534:65534 /other", "65534:65534 /other/file"], "{ran:?}");
        let refused = if read_only { EROFS } else { EPERM };
        assert_eq!(changed(&ran), [refused, refused]);
    }
}

#[test]
fn what_was_made_with_two_ids_is_removed_with_one() {
    let test = "accounts::what_was_made_with_two_ids_is_removed_with_one";
    let Some(mut user) = User::with_ids(test, Target::Windows, crate::PROGRAM, Ids::Two) else { return };
    user.run_and_kill_the_launcher(json!({"user": "ContainerAdministrator"}));
    assert_eq!(user.left().len(), 2, "the claim and the scratch layer");
    [".local", "work"].iter().for_each(|made| assert_all_his(&user.at(made)));
    user.ids = Ids::One;
    let collected = user.collect();
    assert_eq!(collected.status, Some(0), "{collected:?}");
    assert_eq!(user.left(), [""; 0]);
}

/// The doctor's finding about ids.
fn ids_found(user: &User) -> Value {
    let findings: Vec<Value> = serde_json::from_str(&user.examine().text()).unwrap();
    findings.into_iter().find(|finding| finding["subject"] == "user ids").unwrap()
}

#[test]
fn what_keeps_subordinate_ids_away_leaves_one_id_and_is_told() {
    let test = "accounts::what_keeps_subordinate_ids_away_leaves_one_id_and_is_told";
    let Some(mut user) = User::with_ids(test, Target::Native, crate::PROGRAM, Ids::Two) else { return };
    assert_eq!(ids_found(&user)["ability"], "ok");
    let good = format!("plain:{SUBORDINATE}:65536\n");
    let by_number = format!("{UID}:{SUBORDINATE}:65536\n");
    let bad = "other:1:1\nplain:x:1\n";
    for (subuid, subgid, before, told, cure) in [
        ("other:1:1\n", good.as_str(), "", "/etc/subuid has no line of plain", "usermod"),
        (&good, "", "", "/etc/subgid has no line of plain", "usermod"),
        (bad, &good, "", "/etc/subuid gives plain no id that can be taken in line 2", "usermod"),
        ("plain:0:1\n", &good, "", "it is root's, or the user's own", "usermod"),
        (&good, &good, "env PATH=/nonexistent", "cannot run newuidmap", "uidmap"),
        (&good, &good, "setpriv --no-new-privs", "cannot map ids by newuidmap", "set-user-id"),
    ] {
        user.files = [subuid, subgid].map(str::to_owned);
        user.before = before.split_whitespace().map(str::to_owned).collect();
        let ran = user.run(&["said", "7"], json!({}));
        assert_eq!(ran.status, Some(7), "{told}: {ran:?}");
        assert_eq!(user.report()["user"]["ids"], "one", "{told}");
        let found = ids_found(&user);
        assert_eq!(found["ability"], "partial", "{told}: {found}");
        assert!(found["detail"].as_str().unwrap().contains(told), "{told}: {found}");
        assert!(found["cure"].as_str().unwrap().contains(cure), "{told}: {found}");
    }
    (user.files, user.before) = ([by_number.clone(), by_number], Vec::new());
    assert_eq!(ids_found(&user)["ability"], "ok", "the files may know him by his number");
}

#[test]
fn an_account_that_is_not_there_is_refused_before_anything_is_made() {
    let test = "accounts::an_account_that_is_not_there_is_refused_before_anything_is_made";
    if !has(test, &[NATIVE, &[Need::Root]]) {
        return;
    }
    let place = Place::with(&program(Target::Native, PROBE));
    for name in ["Administrator", r"NT AUTHORITY\SYSTEM", r"BOX\ContainerUser", "root", "0"] {
        place.configure("account", json!({"user": name, "stdout_filename": "out.txt"}));
        let ran = run(place.launcher(&place.root()).arg("--quiet"));
        assert_eq!(ran.status, Some(125), "{ran:?}");
        let line = "error: user: no account of this engine, which has ContainerUser and ContainerAdministrator; the nearest is";
        assert!(ran.stderr.starts_with(line) && ran.stderr.contains(name), "{ran:?}");
        assert!(!place.at("work/out.txt").exists() && !place.root().join("data").exists());
    }
    for name in [r".\containeruser", r"USER MANAGER\ContainerAdministrator"] {
        place.configure("account", json!({"user": name}));
        let ran = run(&mut place.launcher(&place.root()));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let reported = place.report()["user"]["name"].clone();
        assert!(ACCOUNTS.iter().any(|(known, ..)| reported == *known), "{reported}");
    }
}
