//! The functions of vmcompute.dll as the DLL has them. It has no public header: they are as hcsshim declares them
//! (`internal/vmcompute`, `internal/wclayer`), which calls them on every Windows.
// UNSAFETY: declares functions of a DLL.
#![expect(unsafe_code, non_snake_case, reason = "functions of a DLL, by its names")]

use crate::handle::Raw;
use crate::layout::{DriverInfo, Guid, LayerDescriptor, ProcessInformation};
use crate::library::{Library, import};

type Text = *const u16;
type Place = *mut *mut u16;
type Callback = unsafe extern "system" fn(u32, *mut std::ffi::c_void, i32, Text);

static VMCOMPUTE: Library = Library::new("vmcompute.dll");

import! { VMCOMPUTE as SYSTEMS;
    result HcsEnumerateComputeSystems(query: Text, systems: Place, result: Place);
    result HcsCreateComputeSystem(id: Text, configuration: Text, identity: Raw, system: *mut Raw, result: Place);
    result HcsOpenComputeSystem(id: Text, system: *mut Raw, result: Place);
    result HcsCloseComputeSystem(system: Raw);
    result HcsStartComputeSystem(system: Raw, options: Text, result: Place);
    result HcsShutdownComputeSystem(system: Raw, options: Text, result: Place);
    result HcsTerminateComputeSystem(system: Raw, options: Text, result: Place);
    result HcsGetComputeSystemProperties(system: Raw, query: Text, properties: Place, result: Place);
    result HcsRegisterComputeSystemCallback(system: Raw, callback: Callback, context: Raw, registered: *mut Raw);
    result HcsUnregisterComputeSystemCallback(registered: Raw);
    result HcsCreateProcess(
        system: Raw, parameters: Text, information: *mut ProcessInformation, process: *mut Raw, result: Place,
    );
    result HcsOpenProcess(system: Raw, pid: u32, process: *mut Raw, result: Place);
    result HcsCloseProcess(process: Raw);
    result HcsTerminateProcess(process: Raw, result: Place);
    result HcsGetProcessProperties(process: Raw, properties: Place, result: Place);
    result HcsModifyProcess(process: Raw, settings: Text, result: Place);
    result HcsRegisterProcessCallback(process: Raw, callback: Callback, context: Raw, registered: *mut Raw);
    result HcsUnregisterProcessCallback(registered: Raw);
}

import! { VMCOMPUTE as LAYERS;
    result ActivateLayer(driver: *const DriverInfo, id: Text);
    result DeactivateLayer(driver: *const DriverInfo, id: Text);
    result PrepareLayer(driver: *const DriverInfo, id: Text, layers: *const LayerDescriptor, count: usize);
    result UnprepareLayer(driver: *const DriverInfo, id: Text);
    result CreateSandboxLayer(
        driver: *const DriverInfo, id: Text, parent: Text, layers: *const LayerDescriptor, count: usize,
    );
    result DestroyLayer(driver: *const DriverInfo, id: Text);
    result GetLayerMountPath(driver: *const DriverInfo, id: Text, length: *mut usize, path: *mut u16);
    result NameToGuid(name: Text, guid: *mut Guid);
}

// What not every launch takes, or not every Windows has: signals came with Windows Server 2019.
import! { VMCOMPUTE;
    result HcsSignalProcess(process: Raw, options: Text, result: Place);
    result ExpandSandboxSize(driver: *const DriverInfo, id: Text, bytes: u64);
    result LayerExists(driver: *const DriverInfo, id: Text, exists: *mut u32);
}
