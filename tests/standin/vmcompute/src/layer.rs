//! Layers.

use std::ptr::null_mut;

use serde_json::{Value, json};
use service::code::{Code, Failure, Result};
use service::guid;
use service::layer::{Layer, Parent, Step, directory};
use service::memory::{text_at, wide};
use service::session::sweep;
use uuid::Uuid;

use crate::Text;
use crate::answer::answer;

/// `DriverInfo`.
#[repr(C)]
struct Driver {
    flavour: i32,
    home: Text,
}

/// `WC_LAYER_DESCRIPTOR`.
#[repr(C)]
struct Descriptor {
    id: [u8; 16],
    flags: u32,
    path: Text,
}

/// The layer that a call means.
struct Named {
    home: String,
    id: String,
}

impl Named {
    /// # Safety
    /// Both are the caller's: null, or what the real DLL demands.
    unsafe fn read(driver: *const Driver, id: Text) -> Self {
        // SAFETY: the texts are the caller's.
        let home = unsafe { driver.as_ref() }.map(|driver| unsafe { text_at(driver.home) });
        // SAFETY: as above.
        Self { home: home.unwrap_or_default(), id: unsafe { text_at(id) } }
    }

    fn arguments(&self) -> Value {
        json!({"home": self.home, "id": self.id})
    }

    /// Does a call to the layer.
    fn call<T>(
        &self,
        name: &str,
        arguments: &Value,
        mut done: impl FnMut(&mut Layer<'_>) -> Result<T>,
        mut put: impl FnMut(T) -> Result<()>,
    ) -> i32 {
        // SAFETY: there is no place.
        unsafe {
            answer(name, arguments, null_mut(), |call| {
                let path = directory(&self.home, &self.id);
                sweep(&call.store)?;
                let state = call.store.lock()?;
                let in_use = state.layers_in_use();
                let done = state.layers(|stages| done(&mut Layer::at(path, stages, &in_use)))?;
                state.halfway(name)?;
                drop(state);
                put(done).map(|()| None)
            })
        }
    }

    fn step(&self, name: &str, step: Step) -> i32 {
        self.call(name, &self.arguments(), |layer| layer.step(step), Ok)
    }
}

/// Reads the layers below one.
///
/// # Safety
/// So many descriptors are there.
unsafe fn parents(layers: *const Descriptor, count: u32) -> Vec<Parent> {
    // SAFETY: the descriptors and the texts in them are the caller's.
    let parent = |at| unsafe {
        let descriptor = &*layers.add(at);
        Parent { id: Uuid::from_bytes_le(descriptor.id), path: text_at(descriptor.path) }
    };
    (0..count as usize).filter(|_| !layers.is_null()).map(parent).collect()
}

fn with_parents(layer: &Named, parents: &[Parent]) -> Value {
    let paths: Vec<_> = parents.iter().map(|parent| &parent.path).collect();
    json!({"home": layer.home, "id": layer.id, "parents": paths})
}

#[unsafe(no_mangle)]
unsafe extern "system" fn CreateSandboxLayer(
    driver: *const Driver,
    id: Text,
    _parent: Text,
    layers: *const Descriptor,
    count: u32,
) -> i32 {
    // SAFETY: all is the caller's.
    let (layer, parents) = unsafe { (Named::read(driver, id), parents(layers, count)) };
    let arguments = with_parents(&layer, &parents);
    layer.call("CreateSandboxLayer", &arguments, |layer| layer.create(&parents), Ok)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn PrepareLayer(
    driver: *const Driver,
    id: Text,
    layers: *const Descriptor,
    count: u32,
) -> i32 {
    // SAFETY: all is the caller's.
    let (layer, parents) = unsafe { (Named::read(driver, id), parents(layers, count)) };
    let arguments = with_parents(&layer, &parents);
    layer.call("PrepareLayer", &arguments, |layer| layer.prepare(&parents), Ok)
}

macro_rules! steps {
    ($($name:ident = $step:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "system" fn $name(driver: *const Driver, id: Text) -> i32 {
            // SAFETY: both are the caller's.
            unsafe { Named::read(driver, id) }.step(stringify!($name), $step)
        }
    )*};
}

steps! {
    ActivateLayer = Step::Activate;
    UnprepareLayer = Step::Unprepare;
    DeactivateLayer = Step::Deactivate;
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExpandSandboxSize(driver: *const Driver, id: Text, bytes: u64) -> i32 {
    // SAFETY: both are the caller's.
    let layer = unsafe { Named::read(driver, id) };
    let arguments = json!({"home": layer.home, "id": layer.id, "bytes": bytes});
    layer.call("ExpandSandboxSize", &arguments, |layer| layer.expand(), Ok)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn DestroyLayer(driver: *const Driver, id: Text) -> i32 {
    // SAFETY: both are the caller's.
    let layer = unsafe { Named::read(driver, id) };
    layer.call("DestroyLayer", &layer.arguments(), |layer| layer.destroy(), Ok)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn LayerExists(driver: *const Driver, id: Text, exists: *mut u32) -> i32 {
    // SAFETY: both are the caller's.
    let layer = unsafe { Named::read(driver, id) };
    let put = |there: bool| {
        // SAFETY: the place is the caller's.
        unsafe { *exists = there.into() };
        Ok(())
    };
    layer.call("LayerExists", &layer.arguments(), |layer| Ok(layer.exists()), put)
}

/// The first call, without a buffer, tells the length in UTF-16 units with the zero; the second one fills it.
#[unsafe(no_mangle)]
unsafe extern "system" fn GetLayerMountPath(
    driver: *const Driver,
    id: Text,
    length: *mut usize,
    buffer: *mut u16,
) -> i32 {
    // SAFETY: both are the caller's.
    let layer = unsafe { Named::read(driver, id) };
    let put = |path: String| {
        let units = if path.is_empty() { Vec::new() } else { wide(&path) };
        // SAFETY: the place and the buffer are the caller's, and the buffer is as long as it says.
        unsafe {
            let room = std::mem::replace(&mut *length, units.len());
            match buffer.is_null() {
                true => Ok(()),
                false if room < units.len() => {
                    Err(Failure::new(Code::Win32(122), format!("{room} units are too few for {path}")))
                }
                false => {
                    buffer.copy_from_nonoverlapping(units.as_ptr(), units.len());
                    Ok(())
                }
            }
        }
    };
    layer.call("GetLayerMountPath", &layer.arguments(), |layer| layer.mount_path(), put)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn NameToGuid(name: Text, id: *mut [u8; 16]) -> i32 {
    // SAFETY: the text is the caller's.
    let name = unsafe { text_at(name) };
    let put = |_: &_| {
        // SAFETY: the place is the caller's; a GUID has its first three numbers in the order of the machine.
        unsafe { *id = guid::of_name(&name).to_bytes_le() };
        Ok(None)
    };
    // SAFETY: there is no place of a result.
    unsafe { answer("NameToGuid", &json!({"name": name}), null_mut(), put) }
}
