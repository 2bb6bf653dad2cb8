//! Stands in for virtdisk.dll: takes from this computer the disk of a layer that somebody attached and left.
#![cfg(windows)]
// UNSAFETY: functions that a caller finds by name and gives addresses.
#![expect(unsafe_code, reason = "functions of a DLL")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fs::File;
use std::os::windows::io::IntoRawHandle as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use service::call::{Call, answered};
use service::code::{Code, Failure, Family, Result};
use service::layer::Layer;
use service::memory::text_at;

/// A handle.
type Raw = *mut c_void;

/// The disks that were opened and are not detached yet, by handle: that is one of the file, for the caller to close.
static DISKS: Mutex<BTreeMap<usize, PathBuf>> = Mutex::new(BTreeMap::new());

/// Does a call, and returns its error of Win32: 0 for none.
fn answer(name: &str, arguments: &Value, done: impl FnOnce(&Call) -> Result<()>) -> u32 {
    answered(name, arguments, |call| {
        let failure = call.and_then(|call| done(&call)).err();
        let code = failure.map_or(0, |failure| failure.code.hresult(Family::V1) & 0xFFFF);
        (code, Some(code))
    })
}

#[unsafe(no_mangle)]
unsafe extern "system" fn OpenVirtualDisk(
    _storage: *const c_void,
    path: *const u16,
    _access: u32,
    _flags: u32,
    _parameters: *const c_void,
    handle: *mut Raw,
) -> u32 {
    // SAFETY: the text is the caller's.
    let path = PathBuf::from(unsafe { text_at(path) });
    answer("OpenVirtualDisk", &json!({"path": path}), |_| {
        let opened = File::open(&path);
        let file = opened.map_err(|error| Failure::io(format!("open disk {}", path.display()), &error))?;
        let raw = file.into_raw_handle();
        DISKS.lock().unwrap_or_else(PoisonError::into_inner).insert(raw as usize, path.clone());
        // SAFETY: the place is the caller's.
        unsafe { *handle = raw };
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "system" fn DetachVirtualDisk(disk: Raw, _flags: u32, _provider: u32) -> u32 {
    let path = DISKS.lock().unwrap_or_else(PoisonError::into_inner).remove(&(disk as usize));
    answer("DetachVirtualDisk", &json!({"path": path}), |call| {
        let unknown = || Failure::new(Code::INVALID_ARGUMENT, "no disk has this handle");
        let layer = path.as_deref().and_then(Path::parent).ok_or_else(unknown)?;
        call.store.lock()?.layers(|stages| Layer::at(layer.to_owned(), stages, &[]).detach())
    })
}
