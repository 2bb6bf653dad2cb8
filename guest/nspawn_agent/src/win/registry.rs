//! The part of the machine's registry that the agent fills.

use alloc::vec::Vec;
use core::ptr::{null, null_mut};

use super::ffi::{
    KEY_ALL_ACCESS, NtCreateKey, NtSetValueKey, REG_DWORD, REG_OPTION_VOLATILE, REG_SZ, RawHandle,
};
use super::object::{attributes, unicode};
use super::{Error, Handle, Result, check_status};

/// An open key.
#[derive(Debug)]
pub struct Key(Handle);

/// How long a new key lives.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub enum Lifetime {
    /// As long as the registry's files.
    Lasting = 0,
    /// As long as the session.
    Volatile = REG_OPTION_VOLATILE,
}

impl Key {
    /// Opens the key `path`, absolute as the kernel writes it (`\Registry\Machine\...`), or creates it with what
    /// lacks of its parents. The path may be closed by NUL.
    pub fn create(path: &[u16], lifetime: Lifetime) -> Result<Self> {
        let path = path.strip_suffix(&[0]).unwrap_or(path);
        let found = open(None, path, lifetime);
        match path.iter().rposition(|unit| *unit == u16::from(b'\\')) {
            Some(end) if matches!(found, Err(Error::FILE_NOT_FOUND)) => {
                Self::create(&path[..end], lifetime)?.child(&path[end + 1..], lifetime)
            }
            _ => found,
        }
    }

    /// Opens or creates the key `name` below this one.
    pub fn child(&self, name: &[u16], lifetime: Lifetime) -> Result<Self> {
        open(Some(self.0.0), name.strip_suffix(&[0]).unwrap_or(name), lifetime)
    }

    /// Sets a value to a string, which may be closed by NUL.
    pub fn set_string(&self, name: &[u16], text: &[u16]) -> Result<()> {
        let text = text.strip_suffix(&[0]).unwrap_or(text);
        let bytes: Vec<u8> = text.iter().chain(&[0]).flat_map(|unit| unit.to_le_bytes()).collect();
        self.set(name, REG_SZ, &bytes)
    }

    /// Sets a value to a number.
    pub fn set_number(&self, name: &[u16], number: u32) -> Result<()> {
        self.set(name, REG_DWORD, &number.to_le_bytes())
    }

    fn set(&self, name: &[u16], kind: u32, bytes: &[u8]) -> Result<()> {
        let name = unicode(name.strip_suffix(&[0]).unwrap_or(name));
        // SAFETY: name and bytes are as long as is said.
        check_status(unsafe { NtSetValueKey(self.0.0, &name, 0, kind, bytes.as_ptr(), bytes.len() as u32) })
    }
}

fn open(parent: Option<RawHandle>, name: &[u16], lifetime: Lifetime) -> Result<Key> {
    let name = unicode(name);
    let attributes = attributes(parent, &name, 0);
    let mut key = null_mut();
    // SAFETY: the attributes and the name that they point to outlive the call.
    check_status(unsafe {
        NtCreateKey(&mut key, KEY_ALL_ACCESS, &attributes, 0, null(), lifetime as u32, null_mut())
    })?;
    Handle::new(key).map(Key)
}
