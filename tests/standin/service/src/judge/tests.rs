//! Documents that are taken, among them all that the launcher is known to write, and such as break one rule each.

use serde_json::json;

use super::*;
use crate::code::Family;
use crate::guid;

/// Returns the document of a system `a`.
pub(crate) fn example(family: Family) -> String {
    let volume = r"\\?\Volume{00000000-0000-0000-0000-000000000000}";
    let (base, directory) =
        (guid::of_name("base").to_string(), json!({"HostPath": r"D:\h", "ContainerPath": r"C:\c"}));
    let document = match family {
        Family::V1 => json!({
            "SystemType": "Container", "Name": "a", "Owner": "o", "VolumePath": volume,
            "Layers": [{"ID": base, "Path": r"C:\layers\base"}], "HvPartition": false,
            "MappedDirectories": [{"HostPath": r"D:\h", "ContainerPath": r"C:\c", "ReadOnly": false}],
            "ProcessorMaximum": 100, "MemoryMaximumInMB": 64, "TerminateOnLastHandleClosed": true,
        }),
        Family::V2 => json!({
            "Owner": "o", "SchemaVersion": {"Major": 2, "Minor": 1},
            "Container": {
                "Storage": {
                    "Layers": [{"Id": base, "Path": r"C:\layers\base"}], "Path": format!("{volume}\\"),
                },
                "MappedDirectories": [directory], "Memory": {"SizeInMB": 64}, "Processor": {"Maximum": 100},
                "RegistryChanges": {"AddValues": [{
                    "Key": {"Hive": "System", "Name": "ControlSet001"}, "Name": "n", "Type": "String",
                    "StringValue": "s",
                }]},
            },
            "ShouldTerminateOnLastHandleClosed": true,
        }),
    };
    document.to_string()
}

/// Judges the document of system `a`.
fn of_system(family: Family, build: u32, document: &Value) -> Result<Value> {
    let text = document.to_string();
    match family {
        Family::V1 => judge(&text, &v1::SYSTEM, &Asked { build, minor: 0, id: "a" }),
        Family::V2 => judge(&text, &v2::SYSTEM, &Asked { build, minor: v2::minor_of(&text), id: "a" }),
    }
}

/// What is changed of a document.
enum Edit {
    /// The field is this.
    Set(Value),
    /// The field is absent.
    Lost,
}
use Edit::{Lost, Set};

/// Changes a field of a document, by its pointer; makes it where it is not.
fn edited(document: &str, pointer: &str, edit: &Edit) -> Value {
    let mut document: Value = serde_json::from_str(document).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match (edit, parent) {
        (Set(value), Value::Object(object)) => drop(object.insert(name.to_owned(), value.clone())),
        (Lost, Value::Object(object)) => drop(object.remove(name).unwrap()),
        (Set(value), Value::Array(list)) => list[name.parse::<usize>().unwrap()] = value.clone(),
        _ => panic!("{pointer}"),
    }
    document
}

#[test]
fn broken_documents_of_schema_v1_are_refused_by_place() {
    let brief = |value: &str| Set(json!(value));
    for (pointer, edit, place) in [
        ("/IsDummy", Set(json!(false)), "IsDummy"),
        ("/Layers/0/Size", Set(json!(1)), "Layers[0].Size"),
        ("/SystemType", brief("VirtualMachine"), "SystemType"),
        ("/Name", brief("b"), "Name"),
        ("/Name", Lost, "Name"),
        ("/Owner", Set(Value::Null), "Owner"),
        ("/VolumePath", Lost, "VolumePath"),
        ("/VolumePath", brief(r"\\?\Volume{00000000-0000-0000-0000-000000000000}\"), "VolumePath"),
        ("/LayerFolderPath", brief("scratch"), "LayerFolderPath"),
        ("/Layers", Lost, "Layers"),
        ("/Layers", Set(json!([])), "Layers"),
        ("/Layers/0/Path", brief("base"), "Layers[0].Path"),
        ("/Layers/0/Path", brief(r"C:\layers\other"), "Layers[0].ID"),
        ("/Layers/0/ID", brief("base"), "Layers[0].ID"),
        ("/ProcessorMaximum", Set(json!(0)), "ProcessorMaximum"),
        ("/ProcessorMaximum", Set(json!(10_001)), "ProcessorMaximum"),
        ("/ProcessorMaximum", Set(json!("100")), "ProcessorMaximum"),
        ("/ProcessorMaximum", Set(json!(1.5)), "ProcessorMaximum"),
        ("/ProcessorCount", Set(json!(1)), "ProcessorMaximum"),
        ("/ProcessorWeight", Set(json!(1)), "ProcessorMaximum"),
        ("/MemoryMaximumInMB", Set(json!(0)), "MemoryMaximumInMB"),
        ("/MemoryMaximumInMB", Set(json!(u64::MAX)), "MemoryMaximumInMB"),
        ("/StorageIOPSMaximum", Set(json!(-1)), "StorageIOPSMaximum"),
        ("/MappedDirectories/0/HostPath", brief("h"), "MappedDirectories[0].HostPath"),
        ("/MappedDirectories/0/ContainerPath", brief(r"\c"), "MappedDirectories[0].ContainerPath"),
        ("/MappedDirectories/0/ReadOnly", Lost, "MappedDirectories[0].ReadOnly"),
        ("/MappedDirectories", Set(json!({})), "MappedDirectories"),
        ("/EndpointList", Set(json!(["e"])), "EndpointList[0]"),
        ("/HvPartition", Lost, "HvPartition"),
        ("/TerminateOnLastHandleClosed", Set(json!("true")), "TerminateOnLastHandleClosed"),
    ] {
        expect(Family::V1, pointer, &edit, place);
    }
}

#[test]
fn broken_documents_of_schema_v2_are_refused_by_place() {
    let brief = |value: &str| Set(json!(value));
    for (pointer, edit, place) in [
        ("/Name", brief("a"), "Name"),
        ("/SchemaVersion", Lost, "SchemaVersion"),
        ("/SchemaVersion/Major", Set(json!(1)), "SchemaVersion.Major"),
        ("/SchemaVersion/Minor", Set(json!(7)), "SchemaVersion.Minor"),
        ("/SchemaVersion/Minor", Lost, "SchemaVersion.Minor"),
        ("/Container", Lost, "Container"),
        ("/Container/Affinity", Set(json!(1)), "Container.Affinity"),
        ("/Container/Storage", Lost, "Container.Storage"),
        ("/Container/Storage/Layers", Set(json!([])), "Container.Storage.Layers"),
        ("/Container/Storage/Layers/0/ID", brief("x"), "Container.Storage.Layers[0].ID"),
        ("/Container/Storage/Layers/0/Id", brief("{x}"), "Container.Storage.Layers[0].Id"),
        ("/Container/Storage/Layers/0/Path", brief("base"), "Container.Storage.Layers[0].Path"),
        ("/Container/Storage/Layers/0/Path", brief(r"C:\x\other"), "Container.Storage.Layers[0].Id"),
        ("/Container/Storage/Layers/0/Cache", brief("Some"), "Container.Storage.Layers[0].Cache"),
        (
            "/Container/Storage/Path",
            brief(r"\\?\Volume{00000000-0000-0000-0000-000000000000}"),
            "Container.Storage.Path",
        ),
        ("/Container/Storage/QoS", Set(json!({"Iops": 1})), "Container.Storage.QoS.Iops"),
        ("/Container/MappedDirectories/0/HostPath", Lost, "Container.MappedDirectories[0].HostPath"),
        ("/Container/MappedDirectories/0/HostPath", brief("h"), "Container.MappedDirectories[0].HostPath"),
        (
            "/Container/MappedDirectories/0/ContainerPath",
            brief(r"C:\"),
            "Container.MappedDirectories[0].ContainerPath",
        ),
        (
            "/Container/MappedDirectories/0/IOPSMaximum",
            Set(json!(1)),
            "Container.MappedDirectories[0].IOPSMaximum",
        ),
        // It came with version 2.3, and the document says 2.1.
        (
            "/Container/MappedDirectories/0/SupportCloudFiles",
            Set(json!(true)),
            "Container.MappedDirectories[0].SupportCloudFiles",
        ),
        ("/Container/Memory/SizeInMB", Set(json!(0)), "Container.Memory.SizeInMB"),
        ("/Container/Processor/Maximum", Set(json!(0)), "Container.Processor.Maximum"),
        ("/Container/Processor/Count", Set(json!(1)), "Container.Processor.Maximum"),
        ("/Container/Processor", Set(json!({"Count": 1, "Weight": 1})), "Container.Processor.Weight"),
        ("/Container/Networking", Set(json!({"Namespace": "n"})), "Container.Networking.Namespace"),
        (
            "/Container/RegistryChanges/AddValues/0/Key/Hive",
            brief("User"),
            "Container.RegistryChanges.AddValues[0].Key.Hive",
        ),
        (
            "/Container/RegistryChanges/AddValues/0/StringValue",
            Lost,
            "Container.RegistryChanges.AddValues[0].StringValue",
        ),
        (
            "/Container/RegistryChanges/AddValues/0/DWordValue",
            Set(json!(1)),
            "Container.RegistryChanges.AddValues[0].DWordValue",
        ),
        (
            "/Container/RegistryChanges/AddValues/0/CustomType",
            Set(json!(1)),
            "Container.RegistryChanges.AddValues[0].CustomType",
        ),
        ("/ShouldTerminateOnLastHandleClosed", Set(json!(1)), "ShouldTerminateOnLastHandleClosed"),
    ] {
        expect(Family::V2, pointer, &edit, place);
    }
}

fn expect(family: Family, pointer: &str, edit: &Edit, place: &str) {
    let whole = example(family);
    of_system(family, 26_100, &serde_json::from_str(&whole).unwrap()).unwrap();
    let document = edited(&whole, pointer, edit);
    let failure = of_system(family, 26_100, &document).expect_err(&document.to_string());
    let told = (failure.code, failure.place.as_deref());
    assert_eq!(told, (Code::INVALID_JSON, Some(format!("$.{place}").as_str())), "{document}");
}

#[test]
fn fields_and_versions_come_with_their_builds() {
    let pipe = json!([{"HostPath": r"\\.\pipe\p", "ContainerPipeName": "p"}]);
    let pipes = edited(&example(Family::V1), "/MappedPipes", &Set(pipe));
    let of_minor = |minor: u64| {
        let text = edited(&example(Family::V2), "/SchemaVersion/Minor", &Set(json!(minor))).to_string();
        edited(&text, "/Container/MappedDirectories/0/SupportCloudFiles", &Set(json!(true)))
    };
    for (family, build, document, place) in [
        (Family::V1, 14_393, &pipes, Some("$.MappedPipes")),
        (Family::V1, 16_299, &pipes, None),
        (Family::V2, 17_763, &of_minor(3), Some("$.SchemaVersion.Minor")),
        (Family::V2, 19_041, &of_minor(3), None),
        (Family::V2, 20_348, &of_minor(5), None),
        (Family::V2, 20_348, &of_minor(6), Some("$.SchemaVersion.Minor")),
    ] {
        let refused = of_system(family, build, document).err().and_then(|failure| failure.place);
        assert_eq!(refused.as_deref(), place, "{build}: {document}");
    }
}

#[test]
fn what_other_systems_have_is_refused_with_another_code() {
    let path = r"C:\base\UtilityVM";
    for (family, pointer, value, code) in [
        (Family::V1, "/HvPartition", json!(true), Code::HYPERV_NOT_INSTALLED),
        (Family::V1, "/HvRuntime", json!({"ImagePath": path}), Code::NOT_SUPPORTED),
        (Family::V1, "/ContainerType", json!("Linux"), Code::NOT_SUPPORTED),
        (Family::V2, "/VirtualMachine", json!({}), Code::NOT_SUPPORTED),
        (Family::V2, "/Container/HvSocket", json!({}), Code::NOT_SUPPORTED),
    ] {
        let document = edited(&example(family), pointer, &Set(value));
        let failure = of_system(family, 26_100, &document).unwrap_err();
        assert_eq!((failure.code, failure.place), (code, None), "{document}");
        let name = pointer.rsplit('/').next().unwrap();
        assert!(failure.message.contains(name), "{}", failure.message);
    }
}

#[test]
fn requests_are_judged_by_place() {
    for (object, text, place) in [
        (&v1::PROCESS, r#"{"CommandLine": "a"}"#, None),
        (&v1::PROCESS, r#"{"CommandLine": ""}"#, Some("$.CommandLine")),
        (&v1::PROCESS, r#"{"CommandLine": "a", "RestrictedToken": true}"#, Some("$.RestrictedToken")),
        (&v1::PROCESS, r#"{"CommandLine": "a", "ConsoleSize": [25, 80]}"#, None),
        (&v1::PROCESS, r#"{"CommandLine": "a", "ConsoleSize": []}"#, Some("$.ConsoleSize")),
        (&v2::PROCESS, r#"{"CommandLine": "a", "RestrictedToken": true}"#, None),
        (&v2::PROCESS, r#"{"CommandLine": "a", "Environment": {"A": 1}}"#, Some("$.Environment.A")),
        (&v2::PROCESS, r#"{"CommandLine": "a", "ConsoleSize": [25, 65536]}"#, Some("$.ConsoleSize[1]")),
        (&requests::SYSTEMS, "{}", None),
        (&requests::SYSTEMS, r#"{"Owners": "o"}"#, Some("$.Owners")),
        (&requests::SYSTEMS, r#"{"Types": ["Silo"]}"#, Some("$.Types[0]")),
        (&requests::PROPERTIES_V1, r#"{"PropertyTypes": ["MappedVirtualDisk"]}"#, None),
        (&requests::PROPERTIES_V2, r#"{"PropertyTypes": ["MappedVirtualDisk"]}"#, Some("$.PropertyTypes[0]")),
        (&requests::PROPERTIES_V2, r#"{"PropertyTypes": ["Statistics"], "More": 1}"#, Some("$.More")),
        (&requests::PROPERTIES_V2, "", Some("$")),
        (&requests::PROPERTIES_V2, "[]", Some("$")),
        (&requests::SIGNAL, r#"{"Signal": "CtrlC"}"#, None),
        (&requests::SIGNAL, r#"{"Signal": "SIGTERM"}"#, Some("$.Signal")),
        (
            &requests::CHANGE,
            r#"{"Operation": "ConsoleSize", "ConsoleSize": {"Height": 25, "Width": 80}}"#,
            None,
        ),
        (&requests::CHANGE, r#"{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}"#, None),
        (
            &requests::CHANGE,
            r#"{"Operation": "CloseHandle", "CloseHandle": {"Handle": "0"}}"#,
            Some("$.CloseHandle.Handle"),
        ),
        (&requests::CHANGE, r#"{"Operation": "CloseHandle"}"#, Some("$.CloseHandle")),
        (&requests::CHANGE, "{}", Some("$.Operation")),
    ] {
        let refused = judge(text, object, &Asked::of_build(26_100)).err();
        assert_eq!(refused.and_then(|failure| failure.place).as_deref(), place, "{text}");
    }
}

/// Documents that the launcher is known to write: the golden ones of its own tests.
const WRITTEN: [(Family, &str); 6] = [
    (Family::V1, include_str!("../../../../../crates/nspawn/src/document/golden/minimal_v1.json")),
    (Family::V1, include_str!("../../../../../crates/nspawn/src/document/golden/full_v1.json")),
    (Family::V1, include_str!("../../../../../crates/nspawn/src/document/golden/original_v1.json")),
    (Family::V2, include_str!("../../../../../crates/nspawn/src/document/golden/minimal_v2.json")),
    (Family::V2, include_str!("../../../../../crates/nspawn/src/document/golden/full_v2.json")),
    (Family::V2, include_str!("../../../../../crates/nspawn/src/document/golden/original_v2.json")),
];

/// Returns a document as it is on Windows. Some are of a Linux host, whose paths Windows does not take; and the ids of
/// layers are made up, as no launcher makes them.
fn on_windows(document: &str, family: Family) -> Value {
    let of_linux = |path: &str| path.starts_with('/');
    let mut document: Value = serde_json::from_str(document).unwrap();
    let volume = match family {
        Family::V1 => ("/system/VolumePath", r"\\?\Volume{00000000-0000-0000-0000-000000000000}"),
        Family::V2 => {
            ("/system/Container/Storage/Path", r"\\?\Volume{00000000-0000-0000-0000-000000000000}\")
        }
    };
    let path = document.pointer_mut(volume.0).unwrap();
    if of_linux(path.as_str().unwrap()) {
        *path = json!(volume.1);
    }
    windows_paths(&mut document);
    let (layers, id) = match family {
        Family::V1 => ("/system/Layers", "ID"),
        Family::V2 => ("/system/Container/Storage/Layers", "Id"),
    };
    for layer in document.pointer_mut(layers).unwrap().as_array_mut().unwrap() {
        layer[id] = json!(guid::of_path(layer["Path"].as_str().unwrap()).to_string());
    }
    document
}

/// Puts drive Z before each path of Linux.
fn windows_paths(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with('/') => *text = format!("Z:{text}").replace('/', "\\"),
        Value::Array(list) => list.iter_mut().for_each(windows_paths),
        Value::Object(object) => object.values_mut().for_each(windows_paths),
        _ => {}
    }
}

#[test]
fn what_the_launcher_writes_is_taken_by_every_build() {
    for (family, text) in WRITTEN {
        let document = on_windows(text, family);
        let mut system = document["system"].clone();
        if family == Family::V1 {
            system["Name"] = json!("a");
        }
        let builds: &[u32] = match family {
            Family::V1 => &[14_393, 17_763],
            Family::V2 => &[17_763, 20_348, 26_100],
        };
        for build in builds {
            of_system(family, *build, &system).unwrap();
            let object = if family == Family::V1 { &v1::PROCESS } else { &v2::PROCESS };
            judge(&document["process"].to_string(), object, &Asked::of_build(*build)).unwrap();
        }
    }
}

/// Every field that is there can be wrong, and is then refused at its place: none is let through unseen.
#[test]
fn a_wrong_value_anywhere_is_refused_where_it_is() {
    for family in [Family::V1, Family::V2] {
        let whole: Value = serde_json::from_str(&example(family)).unwrap();
        let mut seen = 0;
        for pointer in pointers(&whole, "") {
            let mut document = whole.clone();
            *document.pointer_mut(&pointer).unwrap() = json!([[]]);
            let failure = of_system(family, 26_100, &document).expect_err(&pointer);
            let place = failure.place.expect(&pointer);
            assert!(place.starts_with(&place_of(&pointer)), "{pointer}: {place}");
            seen += 1;
        }
        assert!(seen >= 15, "{seen}");
    }
}

/// Returns the pointers of all values in an object.
fn pointers(value: &Value, to: &str) -> Vec<String> {
    let below = |name: String, value: &Value| {
        let pointer = format!("{to}/{name}");
        let mut all = pointers(value, &pointer);
        all.push(pointer);
        all
    };
    match value {
        Value::Object(object) => object.iter().flat_map(|(name, value)| below(name.clone(), value)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().flat_map(|(at, value)| below(at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns a pointer as the service names the place.
fn place_of(pointer: &str) -> String {
    let names = pointer.split('/').skip(1).map(|name| match name.parse::<usize>() {
        Ok(at) => format!("[{at}]"),
        Err(_) => format!(".{name}"),
    });
    names.fold("$".to_owned(), |place, name| place + &name)
}
