use hcs_schema::{v1, v2};

use super::*;
use crate::ErrorKind;
use crate::cmdline::{parse_command_line_to_argv, parse_crt};
use crate::spec::{
    Access, ContainerName, ContainerPath, Hostname, Limits, Mount, Percent, ProcessSpec, RelativePath,
    Rootfs, StdioSpec, User, UserName,
};

const HOST_CPUS: u32 = 2;

fn id() -> ContainerId {
    ContainerId::named(&ContainerName::parse("golden").unwrap())
}

fn mount(source: &str, destination: &str, access: Access) -> Mount {
    Mount { source: source.into(), destination: ContainerPath::parse("mounts", destination).unwrap(), access }
}

/// What a config.json of the two keys that must be there comes to.
fn minimal() -> Spec {
    Spec {
        name: None,
        rootfs: Rootfs::EmbeddedBase,
        hostname: None,
        process: ProcessSpec {
            directory: "/srv/app".into(),
            executable: RelativePath::parse("process_executable", "hello.exe").unwrap(),
            arguments: Vec::new(),
            environment: Vec::new(),
            working_directory: ContainerPath::parse("working_directory", "c:/work").unwrap(),
            user: User::Default,
            stdio: StdioSpec::Inherit,
        },
        mounts: vec![mount("/srv/app", "c:/work", Access::ReadWrite)],
        limits: Limits::default(),
        services: Services::Async,
        timeout: None,
    }
}

/// The original program's own resources/config.json.
fn original() -> Spec {
    let directory = r"C:\projects\hostcompute_nspawn\build\bin";
    let mut spec = minimal();
    spec.rootfs = Rootfs::ParentLayer(r"C:\layers\base".into());
    spec.process.directory = directory.into();
    spec.process.arguments = ["foo", "bar", "baz"].map(str::to_owned).into();
    spec.process.working_directory = ContainerPath::parse("mapped_directory", "c:/nspawndir").unwrap();
    spec.process.stdio = StdioSpec::File(RelativePath::parse("stdout_filename", "nspawn_out.txt").unwrap());
    spec.mounts = vec![mount(directory, "c:/nspawndir", Access::ReadWrite)];
    spec.limits = Limits {
        memory_mb: 512.try_into().ok(),
        cpu_count: Some(1),
        cpu_percent: Percent::new(25),
        affinity: AffinityMask::new(1),
        processes: None,
        storage_iops: 1024.try_into().ok(),
        storage_bandwidth: 10_485_760.try_into().ok(),
    };
    spec
}

/// Everything that can be asked.
fn full() -> Spec {
    let mut spec = original();
    spec.hostname = Some(Hostname::parse("BUILD-1").unwrap());
    spec.process.executable = RelativePath::parse("process_executable", "my tools/run me.exe").unwrap();
    spec.process.arguments =
        ["", "a b", r"C:\dir with\", r#"say "hi""#, "*.txt", "Grüße"].map(str::to_owned).into();
    spec.process.environment = [("PATH", r"C:\work\bin;C:\Windows\system32"), ("Lang", "de")]
        .map(|(n, v)| (n.into(), v.into()))
        .into();
    spec.process.working_directory = ContainerPath::parse("working_directory", "c:/data/in").unwrap();
    spec.process.stdio = StdioSpec::Inherit;
    spec.mounts.push(mount(r"D:\data", "c:/data", Access::ReadOnly));
    spec.limits = Limits { cpu_count: Some(1), ..Limits::default() };
    spec.process.user = User::Named(UserName::parse("ContainerAdministrator").unwrap());
    spec.services = Services::Wait;
    spec
}

fn root_on_linux() -> Root {
    Root {
        volume: "/run/nspawn/root/drive_c".into(),
        scratch: "/var/lib/nspawn/scratch".into(),
        layers: vec![Layer {
            id: "00000000-0000-0000-0000-000000000000".into(),
            path: "/var/lib/nspawn/base".into(),
        }],
    }
}

fn root_on_windows() -> Root {
    Root {
        volume: r"\\?\Volume{00000000-0000-0000-0000-000000000000}".into(),
        scratch: r"C:\layers\nspawn_golden".into(),
        layers: [("1", r"C:\layers\app"), ("0", r"C:\layers\base")]
            .map(|(n, path)| Layer {
                id: format!("00000000-0000-0000-0000-00000000000{n}"),
                path: path.into(),
            })
            .into(),
    }
}

/// The document's words, whatever its schema.
fn words(process: &ProcessDocument) -> (&str, [bool; 3]) {
    match process {
        ProcessDocument::V1(p) => {
            (&p.command_line, [p.create_std_in_pipe, p.create_std_out_pipe, p.create_std_err_pipe])
        }
        ProcessDocument::V2(p) => {
            (&p.command_line, [p.create_std_in_pipe, p.create_std_out_pipe, p.create_std_err_pipe])
        }
    }
}

#[test]
fn requests_are_as_in_the_golden_files() {
    let cases = [
        (minimal(), root_on_linux(), Schema::V1, include_str!("golden/minimal_v1.json"), &[][..]),
        (minimal(), root_on_linux(), Schema::V2, include_str!("golden/minimal_v2.json"), &[]),
        (original(), root_on_windows(), Schema::V1, include_str!("golden/original_v1.json"), &["tighter"]),
        (
            original(),
            root_on_windows(),
            Schema::V2,
            include_str!("golden/original_v2.json"),
            &["tighter", "system volume only"],
        ),
        (full(), root_on_windows(), Schema::V1, include_str!("golden/full_v1.json"), &[]),
        (full(), root_on_windows(), Schema::V2, include_str!("golden/full_v2.json"), &[]),
    ];
    for (spec, root, schema, golden, said) in cases {
        let (request, remarks) = build(&id(), &spec, &root, HOST_CPUS, schema).unwrap();
        assert_eq!(serde_json::to_string_pretty(&request).unwrap() + "\n", golden);
        assert_eq!(remarks.len(), said.len(), "{remarks:?}");
        for (remark, words) in remarks.iter().zip(said) {
            assert!(remark.to_string().contains(words), "{remark}");
        }
    }
}

#[test]
fn engines_read_back_what_was_written() {
    for spec in [minimal(), original(), full()] {
        for schema in [Schema::V1, Schema::V2] {
            let (request, _) = build(&id(), &spec, &root_on_windows(), HOST_CPUS, schema).unwrap();
            let system = serde_json::to_string(&request.system).unwrap();
            let process = serde_json::to_string(&request.process).unwrap();
            let (system, process) = match schema {
                Schema::V1 => (
                    SystemDocument::V1(serde_json::from_str::<v1::ContainerConfig>(&system).unwrap()),
                    ProcessDocument::V1(serde_json::from_str::<v1::ProcessConfig>(&process).unwrap()),
                ),
                Schema::V2 => (
                    SystemDocument::V2(serde_json::from_str::<v2::ComputeSystem>(&system).unwrap()),
                    ProcessDocument::V2(serde_json::from_str::<v2::ProcessParameters>(&process).unwrap()),
                ),
            };
            assert_eq!((&system, &process), (&request.system, &request.process));

            let program = spec.mounts[0].destination.join(&spec.process.executable).to_string();
            let argv: Vec<_> =
                std::iter::once(program).chain(spec.process.arguments.iter().cloned()).collect();
            let (line, pipes) = words(&process);
            assert_eq!(parse_crt(line), argv);
            assert_eq!(parse_command_line_to_argv(line), argv);
            assert_eq!(pipes, [spec.process.stdio == StdioSpec::Inherit, true, true]);
        }
    }
}

#[test]
fn each_schema_ends_a_volume_as_it_must_and_leaves_other_paths_alone() {
    let bare = r"\\?\Volume{00000000-0000-0000-0000-000000000000}";
    let closed = r"\\?\Volume{00000000-0000-0000-0000-000000000000}\";
    // granted, as schema v1 has it, as schema v2 has it
    let cases = [
        (bare, bare, closed),
        (closed, bare, closed),
        ("/run/nspawn/root", "/run/nspawn/root", "/run/nspawn/root"),
        (r"/run/odd\", r"/run/odd\", r"/run/odd\"),
    ];
    for (volume, in_v1, in_v2) in cases {
        let root = Root { volume: volume.into(), ..root_on_windows() };
        let system = |schema| build(&id(), &minimal(), &root, HOST_CPUS, schema).unwrap().0.system;
        let SystemDocument::V1(config) = system(Schema::V1) else { unreachable!("asked for schema v1") };
        assert_eq!(config.volume_path.as_deref(), Some(in_v1));
        let SystemDocument::V2(config) = system(Schema::V2) else { unreachable!("asked for schema v2") };
        assert_eq!(config.container.storage.unwrap().path.as_deref(), Some(in_v2));
    }
}

fn changed(change: fn(&mut Spec)) -> Spec {
    let mut spec = full();
    change(&mut spec);
    spec
}

fn refuses(spec: &Spec, message: &str) {
    for schema in [Schema::V1, Schema::V2] {
        let error = build(&id(), spec, &root_on_windows(), HOST_CPUS, schema).expect_err(message);
        assert_eq!(error.kind(), ErrorKind::InvalidSpec);
        assert!(error.one_line().starts_with(message), "{}", error.one_line());
    }
}

#[test]
fn refuses_what_a_document_cannot_say() {
    let huge = changed(|s| s.limits.memory_mb = u64::MAX.try_into().ok());
    refuses(&huge, "max_ram_mb: 18446744073709551615 is more than");
    let nul = changed(|s| s.process.arguments.push("a\0".into()));
    refuses(&nul, "process_arguments: \"a\\0\" holds a NUL");
    let long = changed(|s| s.process.arguments.push("a".repeat(40_000)));
    refuses(&long, "process_arguments: the command line has 40");
    let unmapped = changed(|s| s.mounts.clear());
    refuses(&unmapped, "process_directory: \"C:\\\\projects");
}

#[cfg(unix)]
#[test]
fn refuses_host_paths_that_are_not_utf8() {
    use std::os::unix::ffi::OsStringExt;

    fn raw() -> std::path::PathBuf {
        std::ffi::OsString::from_vec(b"/srv/\xff".to_vec()).into()
    }
    let process = changed(|s| {
        s.process.directory = raw();
        s.mounts[0].source = raw();
    });
    refuses(&process, "process_directory: \"/srv/\\xFF\" is not UTF-8");
    refuses(&changed(|s| s.mounts[1].source = raw()), "mounts: \"/srv/\\xFF\" is not UTF-8");
}
