//! The functions of computecore.dll as computecore.h declares them.
// UNSAFETY: declares functions of a DLL.
#![expect(unsafe_code, non_snake_case, reason = "functions of a DLL, by its names")]

use crate::handle::Raw;
use crate::layout::{Event, ProcessInformation};
use crate::library::{Library, import};

type Text = *const u16;
type Place = *mut *mut u16;
type Callback = unsafe extern "system" fn(*const Event, Raw);

static COMPUTECORE: Library = Library::new("computecore.dll");

import! { COMPUTECORE as ALL;
    plain HcsCreateOperation(context: Raw, completion: Raw) -> Raw;
    plain HcsCloseOperation(operation: Raw);
    result HcsGetOperationResult(operation: Raw, document: Place);
    result HcsWaitForOperationResult(operation: Raw, milliseconds: u32, document: Place);
    result HcsWaitForOperationResultAndProcessInfo(
        operation: Raw, milliseconds: u32, information: *mut ProcessInformation, document: Place,
    );

    result HcsEnumerateComputeSystems(query: Text, operation: Raw);
    result HcsCreateComputeSystem(id: Text, configuration: Text, operation: Raw, security: Raw, system: *mut Raw);
    result HcsOpenComputeSystem(id: Text, access: u32, system: *mut Raw);
    plain HcsCloseComputeSystem(system: Raw);
    result HcsStartComputeSystem(system: Raw, operation: Raw, options: Text);
    result HcsShutDownComputeSystem(system: Raw, operation: Raw, options: Text);
    result HcsTerminateComputeSystem(system: Raw, operation: Raw, options: Text);
    result HcsGetComputeSystemProperties(system: Raw, operation: Raw, query: Text);
    result HcsSetComputeSystemCallback(system: Raw, options: u32, context: Raw, callback: Callback);

    result HcsCreateProcess(system: Raw, parameters: Text, operation: Raw, security: Raw, process: *mut Raw);
    result HcsOpenProcess(system: Raw, pid: u32, access: u32, process: *mut Raw);
    plain HcsCloseProcess(process: Raw);
    result HcsTerminateProcess(process: Raw, operation: Raw, options: Text);
    result HcsSignalProcess(process: Raw, operation: Raw, options: Text);
    result HcsGetProcessInfo(process: Raw, operation: Raw);
    result HcsGetProcessProperties(process: Raw, operation: Raw, query: Text);
    result HcsModifyProcess(process: Raw, operation: Raw, settings: Text);
    result HcsSetProcessCallback(process: Raw, options: u32, context: Raw, callback: Callback);
}
