//! What a launch that goes well calls, with which documents, and what it reports.

use nspawn::document::Schema;
use nspawn::engine::{Enforcement, Verdict};
use serde_json::{Value, json};

use crate::launch::{CODE, Launched, Subject, ample};
use crate::on_both_schemas;
use crate::standin::{Call, Standin};

on_both_schemas![the_calls_are_those_of_the_reference, the_documents_say_what_the_config_asks_for];

/// What prepares each request of computecore.dll and fetches its result.
const OF_OPERATIONS: [&str; 3] = ["HcsCreateOperation", "HcsWaitForOperationResult", "HcsCloseOperation"];

fn the_calls_are_those_of_the_reference(standin: &Standin, schema: Schema) {
    let subject = Subject::new(standin, schema, &json!({}));
    let launched = subject.launch(ample(), &json!([]));
    let named = |call: &Call| call.name.clone();
    let mut calls: Vec<String> = launched.calls.iter().map(named).collect();
    calls.retain(|call| !OF_OPERATIONS.iter().any(|operation| call.starts_with(operation)));
    let (shut_down, register, unregister) = match schema {
        Schema::V1 => (
            "HcsShutdownComputeSystem",
            ["HcsRegisterComputeSystemCallback", "HcsRegisterProcessCallback"],
            true,
        ),
        Schema::V2 => {
            ("HcsShutDownComputeSystem", ["HcsSetComputeSystemCallback", "HcsSetProcessCallback"], false)
        }
    };
    let mut wanted = vec![
        "NameToGuid",
        "NameToGuid",
        "CreateSandboxLayer",
        "ActivateLayer",
        "PrepareLayer",
        "GetLayerMountPath",
        "GetLayerMountPath",
        "HcsCreateComputeSystem",
        register[0],
        "HcsStartComputeSystem",
        "HcsCreateProcess",
        register[1],
        // Its end was told; this tells its code. By schema v2 the code was told, too.
        "HcsGetProcessProperties",
        "HcsGetComputeSystemProperties",
        "HcsUnregisterProcessCallback",
        "HcsCloseProcess",
        shut_down,
        "HcsUnregisterComputeSystemCallback",
        "HcsCloseComputeSystem",
        "UnprepareLayer",
        "DeactivateLayer",
        "DestroyLayer",
    ];
    wanted.retain(|call| unregister || !(call.contains("Unregister") || *call == "HcsGetProcessProperties"));
    assert_eq!(calls, wanted);
    // Never both DLLs for one system.
    let operations = launched.calls.iter().any(|call| call.name == "HcsCreateOperation");
    assert_eq!(operations, schema == Schema::V2);
    let report = launched.report();
    assert_eq!((report.exit_code, report.schema, report.engine), (Some(CODE), schema, "hcs"));
    assert!(report.usage.memory_peak_bytes.is_some_and(|bytes| bytes > 0), "{:?}", report.usage);
    // By two pipes: which comes first is chance.
    let said = subject.place.said();
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["err word", "out word"]);
    assert_eq!(subject.left(), [""; 0]);
}

fn argument(calls: &[Call], name: &str, argument: &str) -> Value {
    calls.iter().find(|call| call.name == name).unwrap().arguments[argument].clone()
}

fn the_documents_say_what_the_config_asks_for(standin: &Standin, schema: Schema) {
    let limits = json!({
        "max_ram_mb": 512, "max_cpu_percent": 25, "max_storage_iops": 1024,
        "max_storage_bandwidth_bytes_per_sec": 10_485_760, "cpu_affinity_hex": 1, "hostname": "box",
    });
    let subject = Subject::new(standin, schema, &limits);
    let Launched { result, calls, .. } = subject.launch(ample(), &json!([]));
    let (report, removed) = result.unwrap();
    removed.unwrap();
    let volume = argument(&calls, "HcsCreateComputeSystem", "configuration");
    let id = |name| argument(&calls, name, "id");
    assert_eq!(id("HcsCreateComputeSystem"), subject.id.as_str());
    let scratch = subject.place.at("root").join("data").join("scratch").join(subject.id.as_str());
    assert_eq!(id("CreateSandboxLayer"), json!(scratch));
    let layers = ["app", "base"].map(|name| subject.place.at("layers").join(name));
    assert_eq!(argument(&calls, "PrepareLayer", "parents"), json!(layers));
    let mapped = json!({"HostPath": subject.place.work(), "ContainerPath": r"C:\work", "ReadOnly": false});
    let contains = |path: &str, wanted: Value| {
        let found = volume.pointer(path).unwrap_or(&Value::Null);
        assert_eq!(*found, wanted, "{path} in {volume:#}");
    };
    let layer_paths: Vec<_> = layers.iter().map(|path| json!(path)).collect();
    match schema {
        Schema::V1 => {
            contains("/SystemType", json!("Container"));
            contains("/Name", json!(subject.id.as_str()));
            contains("/Owner", json!("hostcompute_nspawn"));
            contains("/HostName", json!("box"));
            contains("/LayerFolderPath", json!(scratch));
            contains("/Layers/0/Path", layer_paths[0].clone());
            contains("/Layers/1/Path", layer_paths[1].clone());
            contains("/MemoryMaximumInMB", json!(512));
            contains("/ProcessorMaximum", json!(2500));
            contains("/StorageIOPSMaximum", json!(1024));
            contains("/StorageBandwidthMaximum", json!(10_485_760));
            contains("/TerminateOnLastHandleClosed", json!(true));
            contains("/HvPartition", json!(false));
            for (key, value) in mapped.as_object().unwrap() {
                contains(&format!("/MappedDirectories/0/{key}"), value.clone());
            }
        }
        Schema::V2 => {
            contains("/SchemaVersion", json!({"Major": 2, "Minor": 1}));
            contains("/Owner", json!("hostcompute_nspawn"));
            contains("/ShouldTerminateOnLastHandleClosed", json!(true));
            contains("/Container/GuestOs/HostName", json!("box"));
            contains("/Container/Storage/Layers/0/Path", layer_paths[0].clone());
            contains("/Container/Storage/Layers/1/Path", layer_paths[1].clone());
            contains("/Container/Storage/QoS", json!({"IopsMaximum": 1024, "BandwidthMaximum": 10_485_760}));
            contains("/Container/Memory/SizeInMB", json!(512));
            contains("/Container/Processor", json!({"Maximum": 2500}));
            contains("/Container/MappedDirectories/0/HostPath", mapped["HostPath"].clone());
            contains("/Container/MappedDirectories/0/ContainerPath", mapped["ContainerPath"].clone());
        }
    }
    let process = argument(&calls, "HcsCreateProcess", "parameters");
    assert_eq!(process["CommandLine"], r#""C:\work\program.exe" say 7 word"#, "{process:#}");
    assert_eq!(process["WorkingDirectory"], r"C:\work");
    for pipe in ["CreateStdOutPipe", "CreateStdErrPipe"] {
        assert_eq!(process[pipe], true, "{pipe}");
    }
    let of = |limit: &str| report.limits.iter().find(|enforced| enforced.limit == limit).unwrap();
    assert_eq!(of("max_ram_mb").verdict, Verdict::Enforced);
    assert_eq!(of("max_cpu_percent").verdict, Verdict::Enforced);
    let storage = &of("max_storage_iops").verdict;
    assert_eq!(matches!(storage, Verdict::Partial(_)), schema == Schema::V2, "{storage:?}");
    // Only the SYSTEM account may open the container's job object, so it is set on the program, and the report says so.
    let Enforcement { verdict: Verdict::Partial(reason), .. } = of("cpu_affinity_hex") else {
        panic!("{:?}", report.limits);
    };
    assert!(reason.contains("the container as a whole cannot be confined"), "{reason}");
    assert_eq!(report.limits.len(), 5, "{:?}", report.limits);
}
