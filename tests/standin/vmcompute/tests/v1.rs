//! The DLL as the launcher calls it: layers, a system and a process by schema v1, faults, and a holder that dies.
//! The DLL is copied to the system's directory, where it alone is looked for.
#![cfg(windows)]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use hcs_sys::pipe::Pipe;
use hcs_sys::vmcompute::{Chain, Layer, Progress, System, enumerate, guid_of_name};
use hcs_sys::{Code, Error, Kind};
use serde_json::{Value, json};
use support::{
    CLOSE_INPUT, WAIT, alone, calls, code, exit_of, lines, place_of, process_document, program, read,
    read_all, wait_for,
};

const DLL: &str = "vmcompute.dll";

/// A scratch layer upon a base layer, both named by path.
struct Disk {
    layer: Layer,
    chain: Vec<(hcs_sys::Guid, String)>,
}

impl Disk {
    fn new(root: &Path) -> Self {
        let base = root.join("base");
        fs::create_dir_all(&base).unwrap();
        let layer = Layer::at(root.join("scratch").to_str().unwrap()).unwrap();
        Self { layer, chain: vec![(guid_of_name("base").unwrap(), base.to_str().unwrap().to_owned())] }
    }

    fn chain(&self) -> Chain {
        Chain::new(self.chain.iter().map(|(id, path)| (*id, path.as_str()))).unwrap()
    }
}

fn document(id: &str, root: &Path, disk: &Disk, volume: &str) -> Value {
    let layers: Vec<_> =
        disk.chain.iter().map(|(id, path)| json!({"ID": id.to_string(), "Path": path})).collect();
    json!({
        "SystemType": "Container", "Name": id, "Owner": "test", "VolumePath": volume, "Layers": layers,
        "MappedDirectories": [{"HostPath": root.join("work"), "ContainerPath": r"C:\nspawndir", "ReadOnly": false}],
        "HvPartition": false, "TerminateOnLastHandleClosed": true,
    })
}

/// A document of a system that needs no disk.
fn plain(id: &str, root: &Path) -> String {
    let volume = r"\\?\Volume{00000000-0000-0000-0000-000000000000}";
    document(id, root, &Disk::new(root), volume).to_string()
}

#[test]
fn the_whole_sequence() {
    alone(DLL, "the_whole_sequence", |root| {
        let (work, disk) = (program(root), Disk::new(root));
        disk.layer.create(&disk.chain()).unwrap();
        disk.layer.activate().unwrap();
        disk.layer.prepare(&disk.chain()).unwrap();
        let volume = disk.layer.mount_path().unwrap().unwrap();
        assert!(root.join("scratch").join("sandbox.vhdx").is_file());

        let document = document("a", root, &disk, volume.trim_end_matches('\\')).to_string();
        let (sender, news) = channel();
        let (mut system, progress) = System::create("a", &document).unwrap();
        assert_eq!(progress, Progress::Pending);
        std::thread::sleep(Duration::from_millis(50));
        system.watch(sender).unwrap();
        wait_for(&news, Kind::CreateCompleted);
        assert_eq!(system.start().unwrap(), Progress::Pending);
        wait_for(&news, Kind::StartCompleted);

        let (mut process, started) = system.create_process(&process_document()).unwrap();
        let (sender, process_news) = channel();
        process.watch(sender).unwrap();
        assert!(started.stderr.is_none());
        Pipe::new(started.stdin.unwrap()).write_all(b"some input").unwrap();
        // Closing our end alone is not the end of its input: the service has one, too.
        process.modify(CLOSE_INPUT).unwrap();
        let output = read_all(&Pipe::new(started.stdout.unwrap()));
        assert!(output.contains(&format!("in {}", work.display())), "{output}");
        assert!(output.contains("read some input ahoy"), "{output}");
        wait_for(&process_news, Kind::ProcessExited);
        assert_eq!(exit_of(&process.properties().unwrap()), (started.pid.into(), Some(7)));
        assert_eq!(code(process.terminate()), Some(Code::PROCESS_ALREADY_STOPPED));
        drop(process);

        assert_eq!(system.shut_down().unwrap(), Progress::Pending);
        let exited = wait_for(&news, Kind::SystemExited);
        assert_eq!(exited.data.as_deref(), Some(r#"{"Status":0,"ExitType":"GracefulExit"}"#));
        assert_eq!(code(system.terminate()), Some(Code::SYSTEM_ALREADY_STOPPED));
        drop(system);
        assert!(news.recv().is_err(), "no more is told");
        disk.layer.unprepare().unwrap();
        disk.layer.deactivate().unwrap();
        disk.layer.destroy().unwrap();
        assert!(!disk.layer.exists().unwrap());
        assert_eq!(enumerate("{}").unwrap(), "[]");
        assert_eq!(
            calls(root),
            [
                "NameToGuid",
                "CreateSandboxLayer",
                "ActivateLayer",
                "PrepareLayer",
                "GetLayerMountPath",
                "GetLayerMountPath",
                "HcsCreateComputeSystem",
                "HcsRegisterComputeSystemCallback",
                "HcsStartComputeSystem",
                "HcsCreateProcess",
                "HcsRegisterProcessCallback",
                "HcsModifyProcess",
                "HcsGetProcessProperties",
                "HcsTerminateProcess",
                "HcsUnregisterProcessCallback",
                "HcsCloseProcess",
                "HcsShutdownComputeSystem",
                "HcsTerminateComputeSystem",
                "HcsUnregisterComputeSystemCallback",
                "HcsCloseComputeSystem",
                "UnprepareLayer",
                "DeactivateLayer",
                "DestroyLayer",
                "LayerExists",
                "HcsEnumerateComputeSystems",
            ]
        );
        // What each returned is noted, too: pending; ended; all well.
        let returned = |name: &str| {
            let lines = lines(root);
            lines.iter().find(|line| line["call"] == name).unwrap()["result"].as_str().unwrap().to_owned()
        };
        assert_eq!(returned("HcsCreateComputeSystem"), "0xC0370103");
        assert_eq!(returned("HcsTerminateComputeSystem"), "0xC0370110");
        assert_eq!(returned("HcsCloseComputeSystem"), "0x00000000");
        assert!(lines(root).iter().all(|line| line["result"].is_string()), "all have returned");
    });
}

/// The refusal of what is in use: ERROR_SHARING_VIOLATION.
const IN_USE: u32 = 0x8007_0020;

#[test]
fn a_layer_stays_under_its_system() {
    alone(DLL, "a_layer_stays_under_its_system", |root| {
        program(root);
        let disk = Disk::new(root);
        disk.layer.create(&disk.chain()).unwrap();
        disk.layer.activate().unwrap();
        disk.layer.prepare(&disk.chain()).unwrap();
        let volume = disk.layer.mount_path().unwrap().unwrap();
        let document = document("a", root, &disk, volume.trim_end_matches('\\')).to_string();
        let in_use = || {
            let layer = &disk.layer;
            for refused in [layer.unprepare(), layer.deactivate(), layer.destroy()] {
                assert_eq!(code(refused).map(Code::raw), Some(IN_USE));
            }
        };
        let (system, _) = System::create("a", &document).unwrap();
        in_use();
        assert_eq!(system.start().unwrap(), Progress::Pending);
        in_use();
        assert_eq!(system.terminate().unwrap(), Progress::Pending);
        disk.layer.unprepare().unwrap();
        disk.layer.prepare(&disk.chain()).unwrap();
        drop(system);
        // It ends with its last handle, and then nothing uses it either.
        let (system, _) = System::create("a", &document).unwrap();
        in_use();
        drop(system);
        disk.layer.unprepare().unwrap();
        disk.layer.deactivate().unwrap();
        disk.layer.destroy().unwrap();
    });
}

#[test]
fn refusals_have_code_and_document() {
    alone(DLL, "refusals_have_code_and_document", |root| {
        let (system, _) = System::create("a", &plain("a", root)).unwrap();
        for (refused, wanted) in [
            (code(System::create("a", &plain("a", root))), Code::SYSTEM_ALREADY_EXISTS),
            (code(System::create("b", &plain("a", root))), Code::INVALID_JSON),
            (code(System::open("b")), Code::SYSTEM_NOT_FOUND),
            (code(system.create_process(&process_document())), Code::INVALID_STATE),
            (code(system.shut_down()), Code::INVALID_STATE),
            (code(Disk::new(root).layer.activate()), Code::PATH_NOT_FOUND),
        ] {
            assert_eq!(refused, Some(wanted));
        }
        let Err(Error::Refused { code, document, .. }) = System::create("c", r#"{"IsDummy": false}"#) else {
            panic!("an unknown field is refused");
        };
        assert_eq!(code.raw(), 0xC037_010D);
        assert_eq!(place_of(&document.unwrap()), "$.IsDummy");
        let broken = plain("c", root).replace(r"C:\\nspawndir", "nspawndir");
        let Err(Error::Refused { document, .. }) = System::create("c", &broken) else {
            panic!("a path that is not absolute is refused");
        };
        assert_eq!(place_of(&document.unwrap()), "$.MappedDirectories[0].ContainerPath");
        assert_eq!(system.start().unwrap(), Progress::Pending);
        let absent = json!({"CommandLine": r"C:\nspawndir\absent.exe"}).to_string();
        assert_eq!(self::code(system.create_process(&absent)), Some(Code::FILE_NOT_FOUND));
    });
}

#[test]
fn faults_come_as_the_script_says() {
    alone(DLL, "faults_come_as_the_script_says", |root| {
        let script = json!([
            {"call": "HcsCreateComputeSystem", "notify": "twice"},
            {"call": "HcsStartComputeSystem", "n": 1, "code": "0x80070005"},
            {"call": "HcsStartComputeSystem", "n": 2, "notify": "early"},
            {"call": "HcsShutdownComputeSystem", "notify": "never"},
        ]);
        fs::write(root.join("faults.json"), script.to_string()).unwrap();
        let (sender, news) = channel();
        let (mut system, _) = System::create("a", &plain("a", root)).unwrap();
        system.watch(sender).unwrap();
        wait_for(&news, Kind::CreateCompleted);
        wait_for(&news, Kind::CreateCompleted);
        assert_eq!(code(system.start()), Some(Code::ACCESS_DENIED));
        assert_eq!(system.start().unwrap(), Progress::Pending);
        assert_eq!(news.try_recv().unwrap().kind, Kind::StartCompleted);
        assert_eq!(system.shut_down().unwrap(), Progress::Pending);
        assert_eq!(news.recv_timeout(Duration::from_millis(100)), Err(RecvTimeoutError::Timeout));
    });
}

#[test]
#[ignore = "the process that is killed"]
fn process_that_is_killed() {
    let root = PathBuf::from(std::env::var_os("NSPAWN_STANDIN").unwrap());
    let (system, _) = System::create("a", &plain("a", &root)).unwrap();
    assert_eq!(system.start().unwrap(), Progress::Pending);
    let _process = system.create_process(&process_document()).unwrap();
    std::io::stdout().write_all(b"\nready\n").unwrap();
    std::thread::sleep(WAIT);
}

#[test]
fn a_system_ends_with_its_holder() {
    alone(DLL, "a_system_ends_with_its_holder", |root| {
        program(root);
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(["process_that_is_killed", "--exact", "--ignored", "--nocapture"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let running = || {
            let systems = read(&enumerate("{}").unwrap());
            systems[0]["State"] == "Running"
        };
        let deadline = Instant::now() + WAIT;
        while !running() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let second = System::open("a").unwrap();
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(running(), "the second handle keeps it");
        drop(second);
        assert_eq!(enumerate("{}").unwrap(), "[]");
        assert_eq!(code(System::open("a")), Some(Code::SYSTEM_NOT_FOUND));
    });
}
