//! What needs no Host Compute Service: that it is missing is an ordinary error, and the rest of Windows.
#![cfg(windows)]
// UNSAFETY: makes a pipe as the service does.
#![expect(unsafe_code, reason = "CreateNamedPipeW")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroUsize;
use std::os::windows::io::OwnedHandle;
use std::time::Duration;

use hcs_sys::pipe::Pipe;
use hcs_sys::presence::{self, Presence};
use hcs_sys::{
    Code, Error, affinity, computecore, console, file_id, interrupt, memory, privilege, processors, version,
    virtdisk, vmcompute,
};

#[test]
fn a_dll_that_is_missing_is_named_by_each_first_call() {
    let wait = Duration::from_millis(1);
    // Where Windows has the service, its DLLs are there and answer otherwise.
    if let Err(Error::NoLibrary { .. }) = vmcompute::enumerate("{}") {
        let errors = [
            vmcompute::System::open("nspawn_absent").map(drop).unwrap_err(),
            vmcompute::System::create("nspawn_absent", "{}").map(drop).unwrap_err(),
            vmcompute::guid_of_name("layer").map(drop).unwrap_err(),
            vmcompute::Layer::at(r"C:\absent").unwrap().mount_path().map(drop).unwrap_err(),
            vmcompute::require_layers().unwrap_err(),
            vmcompute::require_systems().unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, Error::NoLibrary { library: "vmcompute.dll", .. }), "{error}");
        }
    }
    if let Err(Error::NoLibrary { .. }) = computecore::enumerate("{}", wait) {
        let errors = [
            computecore::System::open("nspawn_absent").map(drop).unwrap_err(),
            computecore::System::create("nspawn_absent", "{}", wait).map(drop).unwrap_err(),
            computecore::require().unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, Error::NoLibrary { library: "computecore.dll", .. }), "{error}");
        }
    }
}

#[test]
fn texts_with_a_nul_never_reach_a_dll() {
    assert!(matches!(vmcompute::System::open("a\0b"), Err(Error::Nul(_))));
    assert!(matches!(vmcompute::Layer::at("a\0b"), Err(Error::Nul(_))));
}

#[test]
fn windows_says_its_version() {
    let version = version::of_this_windows();
    assert!(version.major >= 6 && version.build >= 7600, "{version:?}");
}

#[test]
fn a_privilege_is_turned_on_or_refused_by_code() {
    for wanted in [privilege::Privilege::Backup, privilege::Privilege::Restore] {
        if let Err(error) = privilege::enable(wanted) {
            assert_eq!(error.code(), Some(Code::NOT_ALL_ASSIGNED), "{}: {error}", wanted.name());
        }
    }
}

#[test]
fn elevation_is_told() {
    privilege::is_elevated().unwrap();
}

#[test]
fn processors_and_memory_are_counted() {
    let one_group = std::thread::available_parallelism().unwrap().get();
    let (all, first) = (processors::count(), processors::in_first_group());
    assert!(all >= first && (1..=64).contains(&first), "{all} in all, {first} in the first group");
    assert!(all as usize >= one_group, "{all} in all, {one_group} for us");
    assert!(memory::commit_limit().unwrap() > 1 << 20);
}

#[test]
fn a_name_is_held_until_its_holder_is_gone() {
    let name = format!("hcs_sys_{}", std::process::id());
    assert!(!presence::is_announced(&name).unwrap());
    let held = Presence::announce(&name).unwrap().unwrap();
    assert!(presence::is_announced(&name).unwrap());
    assert!(Presence::announce(&name).unwrap().is_none());
    assert!(presence::is_announced(&name).unwrap(), "who asked in vain took it away");
    drop(held);
    assert!(!presence::is_announced(&name).unwrap());
}

#[test]
fn a_file_is_told_from_the_one_that_took_its_name() {
    let path = std::env::temp_dir().join(format!("hcs_sys_file_id_{}", std::process::id()));
    let moved = path.with_extension("moved");
    let first = File::create(&path).unwrap();
    let again = File::open(&path).unwrap();
    assert_eq!(file_id::of(&first).unwrap(), file_id::of(&again).unwrap());
    drop(again);
    std::fs::rename(&path, &moved).unwrap();
    let second = File::create(&path).unwrap();
    assert_ne!(file_id::of(&first).unwrap(), file_id::of(&second).unwrap());
    assert_eq!(file_id::of(&first).unwrap(), file_id::of(&File::open(&moved).unwrap()).unwrap());
    drop((first, second));
    [path, moved].iter().for_each(|path| std::fs::remove_file(path).unwrap());
}

#[test]
fn a_disk_that_is_none_is_not_detached() {
    let absent = virtdisk::detach(r"C:\absent\sandbox.vhdx").unwrap_err();
    assert!(absent.code().is_some() || matches!(absent, Error::NoFunction { .. }), "{absent}");
}

#[test]
fn a_process_is_confined_to_processors() {
    let first = NonZeroUsize::MIN;
    affinity::confine_process(std::process::id(), first).unwrap();
    let absent = affinity::confine_process(0xFFFF_FFF0, first).unwrap_err();
    assert_eq!(absent.code(), Some(Code::INVALID_ARGUMENT), "{absent}");
}

#[test]
fn a_container_that_is_not_there_has_no_job_object() {
    let error = affinity::confine_container("nspawn_absent", NonZeroUsize::MIN).unwrap_err();
    assert!([Some(Code::FILE_NOT_FOUND), Some(Code::ACCESS_DENIED)].contains(&error.code()), "{error}");
}

#[test]
fn the_console_has_one_listener() {
    let events = console::take_events().unwrap();
    assert_eq!(console::take_events().unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert!(events.try_recv().is_err());
}

/// A pipe as the service makes them: its reading end is overlapped, and ours.
fn pipe(name: &str) -> (Pipe, File) {
    use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_OVERLAPPED, PIPE_ACCESS_INBOUND};
    use windows_sys::Win32::System::Pipes::CreateNamedPipeW;
    let path = format!(r"\\.\pipe\hcs_sys_{name}_{}", std::process::id());
    let wide = hcs_sys::Wide::new(&path).unwrap();
    let access = PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED;
    // SAFETY: the name outlives the call, and the handle that it returns is ours.
    let ours = unsafe {
        let raw = CreateNamedPipeW(wide.as_ptr(), access, 0, 1, 4096, 4096, 0, std::ptr::null());
        assert_ne!(raw, windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE);
        <OwnedHandle as std::os::windows::io::FromRawHandle>::from_raw_handle(raw)
    };
    (Pipe::new(ours), File::options().write(true).open(path).unwrap())
}

#[test]
fn a_pipe_is_read_to_its_end() {
    let (ours, mut theirs) = pipe("end");
    let writer = std::thread::spawn(move || {
        for part in ["one ", "two ", "three"] {
            std::thread::sleep(Duration::from_millis(10));
            theirs.write_all(part.as_bytes()).unwrap();
        }
    });
    let (mut text, mut buffer) = (Vec::new(), [0; 4]);
    while let length @ 1.. = ours.read(&mut buffer).unwrap() {
        text.extend_from_slice(&buffer[..length]);
    }
    writer.join().unwrap();
    assert_eq!(text, b"one two three");
}

#[test]
fn a_read_that_nothing_ends_is_broken_off() {
    let (ours, _theirs) = pipe("broken_off");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| ours.read(&mut [0; 4]));
        while !reader.is_finished() {
            ours.cancel();
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(reader.join().unwrap().is_err());
    });
}

#[test]
fn a_thread_s_own_read_is_broken_off() {
    let (mut ours, _theirs) = std::io::pipe().unwrap();
    let reader = std::thread::spawn(move || ours.read(&mut [0; 4]));
    while !reader.is_finished() {
        interrupt::break_off(&reader);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(reader.join().unwrap().is_err());
}
