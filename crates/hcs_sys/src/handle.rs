//! Handles of the service.
// UNSAFETY: says that handles may be used from any thread.
#![expect(unsafe_code, reason = "Send and Sync of a raw handle")]

use std::ffi::c_void;

/// A handle of the service as its DLLs take it: an opaque value of a pointer's size.
pub(crate) type Raw = *mut c_void;

/// An open handle; dropping it closes it. The close waits for callbacks that run, which take no lock of ours. What a
/// close answers cannot be acted on, and is dropped.
#[derive(Debug)]
pub(crate) struct Handle {
    raw: Raw,
    close: fn(Raw),
}

// SAFETY: the service takes its handles from any thread, and from several at once.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// Owns `raw`, which `close` closes; `None` where it is null.
    pub(crate) fn own(raw: Raw, close: fn(Raw)) -> Option<Self> {
        (!raw.is_null()).then(|| Self { raw, close })
    }

    pub(crate) fn raw(&self) -> Raw {
        self.raw
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        (self.close)(self.raw);
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::{null_mut, without_provenance_mut};
    use std::sync::Mutex;

    use super::*;

    static CLOSED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

    #[test]
    fn is_closed_once_and_only_where_there_is_one() {
        let close: fn(Raw) = |raw| CLOSED.lock().unwrap().push(raw.addr());
        assert!(Handle::own(null_mut(), close).is_none());
        let handle = Handle::own(without_provenance_mut(8), close).unwrap();
        assert_eq!(*CLOSED.lock().unwrap(), Vec::<usize>::new());
        drop(handle);
        assert_eq!(*CLOSED.lock().unwrap(), [8]);
    }
}
