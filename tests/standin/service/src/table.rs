//! Handles as numbers: one that was closed, or never opened, is found out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::code::{Code, Failure, Result};

/// What a DLL's handles of one kind stand for.
#[derive(Debug)]
pub struct Table<T>(Mutex<Entries<T>>);

#[derive(Debug)]
struct Entries<T> {
    last: usize,
    open: BTreeMap<usize, Arc<T>>,
}

/// Where the handles of vmcompute.dll begin: no two tables have a handle in common, so that one of another kind, or of
/// the other DLL, is not open.
pub const OF_VMCOMPUTE: usize = 0x1_0000_0000;
/// Where the handles of computecore.dll begin.
pub const OF_COMPUTECORE: usize = 0x2_0000_0000;
/// How far two tables are apart.
pub const NEXT_TABLE: usize = 0x1000_0000;

impl<T> Table<T> {
    /// Makes one without handles. They will be above `first`.
    pub const fn new(first: usize) -> Self {
        Self(Mutex::new(Entries { last: first, open: BTreeMap::new() }))
    }

    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a new handle; none is ever used twice.
    pub fn open(&self, value: T) -> usize {
        let mut entries = self.entries();
        entries.last += 4;
        let handle = entries.last;
        entries.open.insert(handle, Arc::new(value));
        handle
    }

    /// Returns what a handle stands for.
    ///
    /// # Errors
    /// It is not open.
    pub fn get(&self, handle: usize) -> Result<Arc<T>> {
        self.entries().open.get(&handle).cloned().ok_or_else(not_open)
    }

    /// Closes a handle. What it stood for is returned, so that no lock is held while it is dropped.
    ///
    /// # Errors
    /// It is not open.
    pub fn close(&self, handle: usize) -> Result<Arc<T>> {
        self.entries().open.remove(&handle).ok_or_else(not_open)
    }
}

fn not_open() -> Failure {
    Failure::new(Code::INVALID_HANDLE, "the handle is not open")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_handle_is_not_open() {
        let table = Table::new(OF_VMCOMPUTE);
        let (one, two) = (table.open("one"), table.open("two"));
        assert_eq!(*table.get(one).unwrap(), "one");
        assert_eq!(*table.close(one).unwrap(), "one");
        for handle in [one, 0, 1] {
            assert_eq!(table.get(handle).unwrap_err().code, Code::INVALID_HANDLE);
            assert_eq!(table.close(handle).unwrap_err().code, Code::INVALID_HANDLE);
        }
        assert_ne!(table.open("three"), two);
        assert_eq!(Table::<&str>::new(OF_COMPUTECORE).get(two).unwrap_err().code, Code::INVALID_HANDLE);
    }
}
