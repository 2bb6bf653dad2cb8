//! Real sandboxes around programs of the host. They need root: without it each says so and counts as skipped.
#![cfg(target_os = "linux")]
#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and a skipped one says so"
)]

mod account;
mod entry;

use std::fs;
use std::io::Read as _;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::PathBuf;
use std::sync::Barrier;
use std::time::Duration;

use linux_sandbox::{
    Access, AddressLayout, Interface, Mount, Node, Owner, Plan, Program, ProgramExit, Sandbox, Sources,
    Stdio, stage,
};

/// A root in which the host's shell runs.
fn shell(script: &str) -> Plan {
    let bind = |path: &str| Mount::Bind {
        source: PathBuf::from(format!("/{path}")),
        target: path.to_owned(),
        access: Access::ReadOnly,
        owner: Owner::Host,
    };
    let libraries =
        ["usr", "bin", "lib", "lib64"].into_iter().filter(|path| fs::exists(format!("/{path}")).unwrap());
    Plan {
        hostname: "box".to_owned(),
        root: vec![
            Node::Directory { path: "tmp".to_owned(), mode: 0o1777, owner: Owner::Host },
            Node::File {
                path: "run/note".to_owned(),
                content: vec![0; 64],
                mode: 0o600,
                owner: Owner::Program,
            },
        ],
        mounts: libraries
            .map(bind)
            .chain([
                Mount::Proc { target: "proc".to_owned() },
                Mount::writable("tmp"),
                Mount::writable("run"),
                Mount::Device { source: "/dev/null".into(), target: "dev/null".to_owned() },
                Mount::Devpts { target: "dev/pts".to_owned() },
            ])
            .collect(),
        account: None,
        program: Program {
            executable: "/bin/sh".to_owned(),
            arguments: ["sh", "-c", script].map(str::to_owned).to_vec(),
            environment: vec!["PATH=/usr/bin:/bin".to_owned()],
            directory: "/tmp".to_owned(),
            layout: AddressLayout::Random,
        },
        interface: Interface::X86_64,
        note: Some("run/note".to_owned()),
    }
}

fn spawn(plan: &Plan) -> (Sandbox, fs::File) {
    let null = fs::File::open("/dev/null").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let stdio = Stdio { input: null.as_fd(), output: writer.as_fd(), error: writer.as_fd() };
    let sandbox = stage(plan, &mut Sources::default())
        .and_then(|staged| Sandbox::spawn(plan, staged, &stdio, None))
        .unwrap();
    (sandbox, fs::File::from(std::os::fd::OwnedFd::from(reader)))
}

fn run(script: &str) -> (ProgramExit, String) {
    let (sandbox, mut output) = spawn(&shell(script));
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    (sandbox.wait(None).unwrap().unwrap().program, text)
}

/// Returns whether this test can run; says so where not.
fn root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: {test}: needs root");
    }
    root
}

#[test]
fn a_program_sees_only_what_its_plan_holds() {
    if !root("a_program_sees_only_what_its_plan_holds") {
        return;
    }
    let (exit, text) =
        run("echo /*; cat /proc/sys/kernel/hostname; echo $PPID $PATH; ls /proc/self/fd; exit 7");
    assert_eq!(exit, ProgramExit::Exited(7), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("/bin /dev /lib"), "{text}");
    assert_eq!(lines[1], "box");
    assert_eq!(lines[2], "1 /usr/bin:/bin");
    assert_eq!(&lines[3..], ["0", "1", "2", "3"], "only the standard handles, and the one of ls itself");
}

#[test]
fn a_program_is_told_of_no_control_group() {
    if !root("a_program_is_told_of_no_control_group") {
        return;
    }
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let (exit, text) = run("cat /proc/self/cgroup");
    assert_eq!(exit, ProgramExit::Exited(0), "{text}");
    assert_eq!(text.lines().count(), own.lines().count(), "{text}");
    assert!(text.lines().all(|line| line.ends_with(":/")), "outside {own}, inside {text}");
}

#[test]
fn nothing_of_the_system_can_be_written() {
    if !root("nothing_of_the_system_can_be_written") {
        return;
    }
    for path in ["/x", "/usr/x", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/dev/x"] {
        let (exit, text) = run(&format!("(echo x > {path}) 2>/dev/null && echo written"));
        assert_eq!((exit, text.as_str()), (ProgramExit::Exited(2), ""), "{path}");
    }
    assert_eq!(run("echo x > /tmp/x && cat /tmp/x").1, "x\n");
}

#[test]
fn what_proc_tells_of_the_host_is_covered() {
    if !root("what_proc_tells_of_the_host_is_covered") {
        return;
    }
    for name in ["interrupts", "kcore", "keys", "timer_list", "acpi", "scsi"] {
        let host = fs::metadata(format!("/proc/{name}"));
        let (exit, text) =
            run(&format!("cd /proc; if [ -d {name} ]; then ls -A {name}; else cat {name}; fi"));
        match host {
            Ok(_) => assert_eq!((exit, text.as_str()), (ProgramExit::Exited(0), ""), "{name}"),
            Err(_) => assert_ne!(exit, ProgramExit::Exited(0), "{name}"),
        }
    }
    assert!(run("cat /proc/meminfo /proc/cpuinfo").1.len() > 100);
}

#[test]
fn no_privilege_is_left() {
    if !root("no_privilege_is_left") {
        return;
    }
    let (_, text) = run("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
    let expected =
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|c| format!("{c}:\t{:016x}\n", 0)).concat();
    assert_eq!(text, format!("{expected}NoNewPrivs:\t1\nSeccomp:\t2\n"));
    let (exit, text) = run("cp /bin/true /tmp/x; chmod 4755 /tmp/x; chmod 2755 /tmp/x; stat -c %a /tmp/x");
    assert_eq!((exit, text.lines().last()), (ProgramExit::Exited(0), Some("755")), "{text}");
    let (exit, text) = run("unshare --user true");
    assert_eq!((exit, text.contains("not permitted")), (ProgramExit::Exited(1), true), "{text}");
    let (exit, text) = run("mount -t tmpfs none /tmp; hostname other; cat /proc/1/environ");
    assert_ne!(exit, ProgramExit::Exited(0), "{text}");
}

#[test]
fn memory_lies_where_the_plan_says() {
    if !root("memory_lies_where_the_plan_says") {
        return;
    }
    let fixed = |script: &str| {
        let mut plan = shell(script);
        plan.program.layout = AddressLayout::Fixed;
        let (sandbox, mut output) = spawn(&plan);
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        assert_eq!(sandbox.wait(None).unwrap().unwrap().program, ProgramExit::Exited(0), "{text}");
        text
    };
    // What a program starts has it too.
    let maps = "cat /proc/self/maps";
    assert_eq!(fixed(maps), fixed(maps));
    let random = fs::read_to_string("/proc/sys/kernel/randomize_va_space").unwrap().trim() != "0";
    assert_eq!(run(maps).1 != run(maps).1, random);
}

#[test]
fn how_it_ended_is_told() {
    if !root("how_it_ended_is_told") {
        return;
    }
    assert_eq!(run("exit 255").0, ProgramExit::Exited(255));
    assert_eq!(run("kill -9 $$").0, ProgramExit::Signalled(9));
    let (sandbox, _output) = spawn(&shell("sleep 60"));
    assert_eq!(sandbox.wait(Some(Duration::from_millis(20))).unwrap(), None);
    sandbox.kill().unwrap();
    assert_eq!(sandbox.wait(None).unwrap().unwrap().program, ProgramExit::Signalled(9));
    let (sandbox, _output) = spawn(&shell("sleep 60"));
    sandbox.destroy().unwrap();
    assert_eq!(sandbox.wait(None).unwrap().unwrap().program, ProgramExit::Lost);
}

#[test]
fn the_process_named_in_the_note_gets_the_signals() {
    if !root("the_process_named_in_the_note_gets_the_signals") {
        return;
    }
    // The inner shell is gone at once, so its child is pid 1's to reap, as the processes of a foreign loader are.
    let script = r#"pid=$(sh -c 'sleep 60 >/dev/null & echo $!')
        printf "\\$(printf %o $pid)" | dd of=/run/note conv=notrunc status=none
        echo up
        while kill -0 $pid 2>/dev/null; do sleep 0.01; done
        exit 3"#;
    let (sandbox, mut output) = spawn(&shell(script));
    let mut up = [0; 3];
    output.read_exact(&mut up).unwrap();
    sandbox.signal(9).unwrap();
    let exit = sandbox.wait(None).unwrap().unwrap();
    assert_eq!((exit.program, exit.subject_signal), (ProgramExit::Exited(3), Some(9)));
    assert_ne!(exit.note[0], 0);
}

#[test]
fn what_the_launcher_holds_is_no_directory_for_the_program() {
    if !root("what_the_launcher_holds_is_no_directory_for_the_program") {
        return;
    }
    let outside = fs::File::open("/").unwrap();
    for number in (3..40).chain([outside.as_raw_fd()]) {
        let mut plan = shell("true");
        plan.program.directory = format!("/proc/self/fd/{number}");
        let null = fs::File::open("/dev/null").unwrap();
        let stdio = Stdio { input: null.as_fd(), output: null.as_fd(), error: null.as_fd() };
        let spawned = stage(&plan, &mut Sources::default())
            .and_then(|staged| Sandbox::spawn(&plan, staged, &stdio, None));
        assert_eq!(spawned.unwrap_err().op(), "enter", "{number}");
    }
}

#[test]
fn failures_name_what_was_tried() {
    if !root("failures_name_what_was_tried") {
        return;
    }
    let failure = |change: fn(&mut Plan)| {
        let mut plan = shell("true");
        change(&mut plan);
        let null = fs::File::open("/dev/null").unwrap();
        let stdio = Stdio { input: null.as_fd(), output: null.as_fd(), error: null.as_fd() };
        let error = stage(&plan, &mut Sources::default())
            .and_then(|staged| Sandbox::spawn(&plan, staged, &stdio, None))
            .unwrap_err();
        format!("{error}: {}", error.io())
    };
    let missing = "No such file or directory (os error 2)";
    assert_eq!(
        failure(|p| p.program.executable = "/nope".into()),
        format!("cannot execute /nope: {missing}")
    );
    assert_eq!(failure(|p| p.program.directory = "/nope".into()), format!("cannot enter /nope: {missing}"));
    let bind = Mount::Bind {
        source: "/nope".into(),
        target: "x".into(),
        access: Access::ReadOnly,
        owner: Owner::Host,
    };
    let expected = format!("cannot open /nope: {missing}");
    let mut plan = shell("true");
    plan.mounts.push(bind);
    let null = fs::File::open("/dev/null").unwrap();
    let stdio = Stdio { input: null.as_fd(), output: null.as_fd(), error: null.as_fd() };
    let error = stage(&plan, &mut Sources::default())
        .and_then(|staged| Sandbox::spawn(&plan, staged, &stdio, None))
        .unwrap_err();
    assert_eq!(format!("{error}: {}", error.io()), expected);
}

#[test]
fn everything_ends_with_its_launcher() {
    if !root("everything_ends_with_its_launcher") {
        return;
    }
    let (sandbox, mut output) = spawn(&shell("sleep 60 & echo up; wait"));
    let mut up = [0; 3];
    output.read_exact(&mut up).unwrap();
    let pid = sandbox.pid();
    drop(sandbox);
    assert!(!fs::exists(format!("/proc/{pid}")).unwrap());
}

#[test]
fn the_first_process_holds_nothing_of_its_launcher() {
    if !root("the_first_process_holds_nothing_of_its_launcher") {
        return;
    }
    // As others of the same launcher do: a lock, the pipes of another sandbox, a file being written.
    let secret = tempfile::NamedTempFile::new().unwrap();
    let (sandbox, mut output) = spawn(&shell("echo up; sleep 60"));
    let mut up = [0; 3];
    output.read_exact(&mut up).unwrap();
    let held: Vec<PathBuf> = fs::read_dir(format!("/proc/{}/fd", sandbox.pid()))
        .unwrap()
        .map(|entry| fs::read_link(entry.unwrap().path()).unwrap())
        .collect();
    let others = held.iter().filter(|path| {
        let text = path.to_string_lossy();
        !["pipe:", "anon_inode:[signalfd]"].iter().any(|known| text.starts_with(known))
            && !path.ends_with("run/note")
    });
    assert_eq!(others.count(), 0, "{held:?}, among them {}", secret.path().display());
    assert!(held.len() <= 4, "status, control, children and the note: {held:?}");
}

#[test]
fn sandboxes_that_are_made_at_once_end_apart() {
    if !root("sandboxes_that_are_made_at_once_end_apart") {
        return;
    }
    let all_ended = Barrier::new(16);
    let round = &|lives: bool| {
        let (sandbox, _output) = spawn(&shell("sleep 60"));
        let exit = if lives {
            Some(ProgramExit::Signalled(9))
        } else {
            sandbox.kill().unwrap();
            sandbox.wait(Some(Duration::from_secs(5))).unwrap().map(|exit| exit.program)
        };
        all_ended.wait();
        exit
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|index| scope.spawn(move || (0..10).map(|_| round(index % 2 == 0)).collect::<Vec<_>>()))
            .collect();
        for exit in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
            assert_eq!(exit, Some(ProgramExit::Signalled(9)), "its end is seen only when another's comes");
        }
    });
}

#[test]
fn what_is_mounted_inside_does_not_show_on_the_host() {
    if !root("what_is_mounted_inside_does_not_show_on_the_host") {
        return;
    }
    let shared = tempfile::tempdir().unwrap();
    let path = shared.path().to_str().unwrap().to_owned();
    let mount = |arguments: &[&str]| {
        assert!(
            std::process::Command::new("mount").args(arguments).status().unwrap().success(),
            "{arguments:?}"
        );
    };
    mount(&["-t", "tmpfs", "nspawn_test", &path]);
    mount(&["--make-shared", &path]);
    fs::write(shared.path().join("file"), "host").unwrap();
    let mut plan = shell("cat /x/file; echo up; read wait");
    plan.root.push(Node::File {
        path: "inner".to_owned(),
        content: b"inside\n".to_vec(),
        mode: 0o444,
        owner: Owner::Host,
    });
    let (access, own) = (Access::ReadOnly, "inner".to_owned());
    plan.mounts.push(Mount::Bind {
        source: path.clone().into(),
        target: "x".to_owned(),
        access,
        owner: Owner::Host,
    });
    plan.mounts.push(Mount::Own { source: own, target: "x/file".to_owned(), access });
    let (reader, _writer) = std::io::pipe().unwrap();
    let (mut output, stdout) = std::io::pipe().unwrap();
    let stdio = Stdio { input: reader.as_fd(), output: stdout.as_fd(), error: stdout.as_fd() };
    let staged = stage(&plan, &mut Sources::default()).unwrap();
    let sandbox = Sandbox::spawn(&plan, staged, &stdio, None).unwrap();
    let mut text = [0; 10];
    output.read_exact(&mut text).unwrap();
    let seen = fs::read_to_string(shared.path().join("file")).unwrap();
    drop(sandbox);
    // A sandbox of another test may just be copying the mounts, and until its copies are its own, this one is in use.
    let unmount = || std::process::Command::new("umount").arg(&path).output().unwrap().status.success();
    let unmounted = (0..100).any(|attempt| {
        std::thread::sleep(Duration::from_millis(20).min(Duration::from_millis(attempt)));
        unmount()
    });
    assert_eq!((&text, seen.as_str()), (b"inside\nup\n", "host"));
    assert!(unmounted);
}
