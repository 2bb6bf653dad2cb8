//! Layers. A layer is named by its whole path, as hcsshim does; all calls are done when they return.
// UNSAFETY: calls functions that take addresses.
#![expect(unsafe_code, reason = "functions of vmcompute.dll")]

use std::ptr::null;
use std::sync::{Mutex, PoisonError};

use super::raw;
use crate::error::Result;
use crate::layout::{DriverInfo, Guid, LayerDescriptor};
use crate::library::Answer;
use crate::wide::{self, Wide};

/// `PrepareLayer` times out when two threads are in it (hcsshim, `internal/wclayer/preparelayer.go`).
static PREPARING: Mutex<()> = Mutex::new(());

/// Returns the id of the layer whose directory has that name: a hash that only the DLL knows.
///
/// # Errors
/// The DLL's refusal.
pub fn guid_of_name(name: &str) -> Result<Guid> {
    let name = Wide::new(name)?;
    let mut guid = Guid::default();
    // SAFETY: the text outlives the call, and the GUID is ours.
    unsafe { raw::NameToGuid(name.as_ptr(), &raw mut guid) }?.check(None)?;
    Ok(guid)
}

/// The read-only layers below a layer: its parent first, the base layer last.
#[derive(Debug)]
pub struct Chain(Vec<(Guid, Wide)>);

impl Chain {
    /// Takes ids and whole paths.
    ///
    /// # Errors
    /// A path holds a NUL character.
    pub fn new<'a>(layers: impl IntoIterator<Item = (Guid, &'a str)>) -> Result<Self> {
        layers.into_iter().map(|(id, path)| Ok((id, Wide::new(path)?))).collect::<Result<_>>().map(Self)
    }

    /// Returns the array that calls take; the paths in it point into this chain.
    fn descriptors(&self) -> Vec<LayerDescriptor> {
        self.0.iter().map(|(id, path)| LayerDescriptor { id: *id, flags: 0, path: path.as_ptr() }).collect()
    }
}

/// A layer's place. Nothing is owned: layers outlive who made them.
#[derive(Debug, Clone)]
pub struct Layer {
    path: Wide,
    home: Wide,
}

type Do = unsafe fn(*const DriverInfo, *const u16) -> Result<Answer>;

impl Layer {
    /// Names the layer at `path`, a whole path; it need not be there.
    ///
    /// # Errors
    /// The path holds a NUL character.
    pub fn at(path: &str) -> Result<Self> {
        Ok(Self { path: Wide::new(path)?, home: Wide::new("")? })
    }

    fn driver(&self) -> DriverInfo {
        DriverInfo { flavour: 1, home: self.home.as_ptr() }
    }

    /// Makes a writable layer upon `chain`: its directory, with sandbox.vhdx in it.
    ///
    /// # Errors
    /// The DLL's refusal.
    pub fn create(&self, chain: &Chain) -> Result<()> {
        let (driver, layers) = (self.driver(), chain.descriptors());
        // The parent's own name is null, as hcsshim has it: the descriptors say all.
        // SAFETY: all that is pointed to outlives the call.
        let answer = unsafe {
            raw::CreateSandboxLayer(
                &raw const driver,
                self.path.as_ptr(),
                null(),
                layers.as_ptr(),
                layers.len(),
            )
        }?;
        answer.check(None)
    }

    /// Lets a writable layer grow to so many bytes.
    ///
    /// # Errors
    /// The DLL's refusal.
    pub fn expand(&self, bytes: u64) -> Result<()> {
        let driver = self.driver();
        // SAFETY: all that is pointed to outlives the call.
        unsafe { raw::ExpandSandboxSize(&raw const driver, self.path.as_ptr(), bytes) }?.check(None)
    }

    /// Attaches its disk.
    ///
    /// # Errors
    /// The DLL's refusal; `NOT_READY` or `DEVICE_NOT_CONNECTED` where trying again helps.
    pub fn activate(&self) -> Result<()> {
        self.run(raw::ActivateLayer)
    }

    /// Detaches its disk.
    ///
    /// # Errors
    /// The DLL's refusal.
    pub fn deactivate(&self) -> Result<()> {
        self.run(raw::DeactivateLayer)
    }

    /// Puts it upon `chain`, as one tree of files. One at a time in this process.
    ///
    /// # Errors
    /// As [`Layer::activate`].
    pub fn prepare(&self, chain: &Chain) -> Result<()> {
        let (driver, layers) = (self.driver(), chain.descriptors());
        let _alone = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: all that is pointed to outlives the call.
        let answer = unsafe {
            raw::PrepareLayer(&raw const driver, self.path.as_ptr(), layers.as_ptr(), layers.len())
        }?;
        answer.check(None)
    }

    /// Takes it off its chain.
    ///
    /// # Errors
    /// The DLL's refusal.
    pub fn unprepare(&self) -> Result<()> {
        self.run(raw::UnprepareLayer)
    }

    /// Removes it from the disk.
    ///
    /// # Errors
    /// The DLL's refusal.
    pub fn destroy(&self) -> Result<()> {
        self.run(raw::DestroyLayer)
    }

    fn run(&self, function: Do) -> Result<()> {
        let driver = self.driver();
        // SAFETY: all that is pointed to outlives the call.
        unsafe { function(&raw const driver, self.path.as_ptr()) }?.check(None)
    }

    /// Tells whether it is there.
    ///
    /// # Errors
    /// The DLL's refusal.
    pub fn exists(&self) -> Result<bool> {
        let (driver, mut exists) = (self.driver(), 0);
        // SAFETY: all that is pointed to outlives the call.
        unsafe { raw::LayerExists(&raw const driver, self.path.as_ptr(), &raw mut exists) }?.check(None)?;
        Ok(exists != 0)
    }

    /// Returns where its files are: for a prepared writable layer `\\?\Volume{GUID}`, with or without a separator at
    /// its end; `None` where it has no such place.
    ///
    /// # Errors
    /// The DLL's refusal.
    pub fn mount_path(&self) -> Result<Option<String>> {
        let (driver, mut length) = (self.driver(), 0);
        let path = self.path.as_ptr();
        // The first call tells the length in UTF-16 units, its zero included.
        // SAFETY: all that is pointed to outlives the call; without a buffer nothing is written but the length.
        unsafe { raw::GetLayerMountPath(&raw const driver, path, &raw mut length, std::ptr::null_mut()) }?
            .check(None)?;
        if length == 0 {
            return Ok(None);
        }
        let mut units = vec![0; length];
        // SAFETY: as above, and the buffer has the length that is told.
        unsafe { raw::GetLayerMountPath(&raw const driver, path, &raw mut length, units.as_mut_ptr()) }?
            .check(None)?;
        Ok(Some(wide::text(&units)).filter(|path| !path.is_empty()))
    }
}
