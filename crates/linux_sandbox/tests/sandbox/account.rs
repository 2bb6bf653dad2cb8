//! Who the programs of a sandbox are, and whose files are.

use std::fs;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use linux_sandbox::{
    Access, Account, Ids, Mount, Other, Owner, Ownership, Plan, Sandbox, Sources, Stdio, stage,
};

use crate::{root, shell, spawn};

const INSIDE: Ids = Ids { uid: 1000, gid: 1000 };
const HOST: Ids = Ids { uid: 0x5000_0001, gid: 0x5000_0001 };

/// A shell that is an account.
fn shell_of_account(script: &str) -> Plan {
    let account = Account { inside: INSIDE, host: HOST, system: None, ownership: Ownership::Required };
    Plan { account: Some(account), ..shell(script) }
}

fn bind(source: PathBuf, target: &str) -> Mount {
    Mount::Bind { source, target: target.to_owned(), access: Access::ReadWrite, owner: Owner::Program }
}

/// An overlay of `lower` and `scratch` in a place, and what is mounted in it.
fn overlay(place: &Path, target: &str) -> Mount {
    Mount::Overlay {
        lower: vec![place.join("lower")],
        scratch: place.join("scratch"),
        upper: "up".to_owned(),
        work: "work".to_owned(),
        target: target.to_owned(),
    }
}

fn said(plan: &Plan) -> String {
    let (sandbox, mut output) = spawn(plan);
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    sandbox.wait(None).unwrap();
    text
}

/// Makes a file or, where its path ends with a slash, a directory.
fn make(path: &Path, owner: (u32, u32), mode: u32) {
    match path.to_str().unwrap().strip_suffix('/') {
        Some(directory) => fs::create_dir_all(directory).unwrap(),
        None => fs::write(path, "kept\n").unwrap(),
    }
    chown(path, Some(owner.0), Some(owner.1)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_account_is_nobody_else_on_the_host() {
    if !root("an_account_is_nobody_else_on_the_host") {
        return;
    }
    let plan = shell_of_account(
        "id -u; id -g; id -G; tr -s ' ' < /proc/self/uid_map; \
         grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status | sort -u -k2 | wc -l; \
         ls /proc/1/fd 2>&1 | grep -c denied; kill -9 1; echo end; echo again > /proc/self/fd/1",
    );
    assert_eq!(said(&plan), "1000\n1000\n1000\n 1000 1342177281 1\n1\n1\nend\nagain\n");
}

#[test]
fn what_is_mapped_is_shown_as_the_account_s_own() {
    if !root("what_is_mapped_is_shown_as_the_account_s_own") {
        return;
    }
    // Owner, group and mode; whether the account may write there, and whom it sees as the owner.
    for (owner, mode, may, seen) in [
        ((1500, 1500), 0o600, true, "1000"),
        ((1500, 33), 0o644, true, "1000"),
        ((1600, 1500), 0o660, true, "65534"),
        ((1600, 33), 0o666, true, "65534"),
        ((1600, 33), 0o644, false, "65534"),
        ((0, 0), 0o644, false, "65534"),
        ((0, 0), 0o666, true, "65534"),
        ((HOST.uid, HOST.gid), 0o644, false, "65534"),
    ] {
        let place = tempfile::tempdir().unwrap();
        make(&place.path().join("mapped/"), (1500, 1500), 0o755);
        make(&place.path().join("mapped/file"), owner, mode);
        make(&place.path().join("mapped/inner/"), owner, mode | 0o111);
        let mut plan = shell_of_account(
            "stat -c %u /work/file; (echo x >> /work/file) 2>/dev/null && echo file; \
             (echo x > /work/inner/new) 2>/dev/null && echo new; echo x > /work/own",
        );
        plan.mounts.push(bind(place.path().join("mapped"), "work"));
        let wrote = if may { "file\nnew\n" } else { "" };
        assert_eq!(said(&plan), format!("{seen}\n{wrote}"), "{owner:?} {mode:o}");
        let own = fs::metadata(place.path().join("mapped/own")).unwrap();
        assert_eq!((own.uid(), own.gid()), (1500, 1500), "what it makes belongs to the directory's owner");
        if may {
            let new = fs::metadata(place.path().join("mapped/inner/new")).unwrap();
            assert_eq!((new.uid(), new.gid()), (1500, 1500), "{owner:?} {mode:o}");
        }
    }
}

#[test]
fn what_is_not_the_account_s_can_be_another_s() {
    if !root("what_is_not_the_account_s_can_be_another_s") {
        return;
    }
    // The account, the system inside, and whom it then sees as the owner of what is not its own.
    let (zero, other) = (Ids { uid: 0, gid: 0 }, Ids { uid: 0x5000_0002, gid: 0x5000_0002 });
    for (inside, system, seen) in [
        (INSIDE, None, "65534"),
        (INSIDE, Some(zero), "0"),
        (zero, Some(Ids { uid: 1, gid: 1 }), "1"),
        (zero, None, "65534"),
    ] {
        let own = inside.uid;
        let system = system.map(|inside| Other { inside, host: other });
        let account = Account { inside, host: HOST, system, ownership: Ownership::Required };
        let script = "stat -c '%u:%g %n' / /tmp /run /dev /run/note; \
                      chmod 777 /tmp 2>&1 | grep -c permitted; rm -f /run/note 2>/dev/null; ls /run; id -u; \
                      grep ^CapEff /proc/self/status; touch /tmp/x; stat -c %u /tmp/x";
        let plan = Plan { account: Some(account), ..shell(script) };
        let seen = ["/", "/tmp", "/run", "/dev"].map(|path| format!("{seen}:{seen} {path}\n")).concat();
        let rest = format!("1\nnote\n{own}\nCapEff:\t0000000000000000\n{own}\n");
        assert_eq!(said(&plan), format!("{seen}{own}:{own} /run/note\n{rest}"));
    }
}

#[test]
fn layers_are_the_account_s_and_mount_points_too() {
    if !root("layers_are_the_account_s_and_mount_points_too") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let at = |path: &str| place.path().join(path);
    for directory in ["mapped/", "scratch/up/", "scratch/work/", "lower/sub/", "lower/sealed/"] {
        make(&at(directory), (0, 0), 0o755);
    }
    make(&at("lower/sub/file"), (0, 0), 0o644);
    make(&at("lower/sub/other"), (1600, 33), 0o666);
    make(&at("lower/sealed/"), (0, 0), 0o555);
    let mut plan = shell_of_account(
        "stat -c %u:%g /layers /layers/sub/file /layers/made; cd /layers; \
         echo more >> sub/file; echo more >> sub/other; echo x > made/new; echo x > sealed/here/new; cat sub/*",
    );
    plan.mounts.push(overlay(place.path(), "layers"));
    plan.mounts.push(bind(at("mapped"), "layers/made/here"));
    plan.mounts.push(bind(at("mapped"), "layers/sealed/here"));
    let seen = "1000:1000\n".repeat(3);
    assert_eq!(said(&plan), format!("{seen}kept\nmore\nkept\nmore\n"));
    let upper = fs::metadata(at("scratch/up/made")).unwrap();
    assert_eq!((upper.uid(), upper.gid()), (HOST.uid, HOST.gid));
    assert_eq!(fs::read_to_string(at("mapped/new")).unwrap(), "x\n");
    assert_eq!(fs::read_to_string(at("lower/sub/file")).unwrap(), "kept\n", "layers are not changed");
}

/// Whoever could write to standard input would tell a shell that reads on after the sandbox what to do.
#[test]
fn pipes_are_not_turned_around() {
    if !root("pipes_are_not_turned_around") {
        return;
    }
    let plan = shell_of_account(
        "echo in > /proc/self/fd/0; cat < /proc/self/fd/1; cat < /proc/self/fd/2; echo out > /proc/self/fd/1; id -u",
    );
    let (input, _writer) = std::io::pipe().unwrap();
    let (mut output, writer) = std::io::pipe().unwrap();
    let (mut errors, complainer) = std::io::pipe().unwrap();
    let stdio = Stdio { input: input.as_fd(), output: writer.as_fd(), error: complainer.as_fd() };
    let staged = stage(&plan, &mut Sources::default()).unwrap();
    let sandbox = Sandbox::spawn(&plan, staged, &stdio, None).unwrap();
    sandbox.wait(None).unwrap();
    for pipe in [input.as_fd(), writer.as_fd(), complainer.as_fd()] {
        assert_eq!(rustix::fs::fstat(pipe).unwrap().st_uid, 0, "the pipes stay the caller's");
    }
    drop((writer, complainer));
    let (mut said, mut complained) = (String::new(), String::new());
    output.read_to_string(&mut said).unwrap();
    errors.read_to_string(&mut complained).unwrap();
    assert_eq!(said, "out\n1000\n");
    assert_eq!(complained.matches("Permission denied").count(), 3, "{complained}");
}
