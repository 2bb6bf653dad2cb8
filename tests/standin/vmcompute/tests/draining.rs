//! To unregister a callback returns only when it does not run and cannot come. The functions are called as they are:
//! what calls them otherwise has callbacks that are never slow.
#![cfg(windows)]
// UNSAFETY: functions that take handles and addresses.
#![expect(unsafe_code, reason = "functions of a DLL")]

// For its functions, which are then in this program.
use vmcompute as _;

#[allow(dead_code, reason = "each test binary uses its part")]
mod support;

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use service::guid;
use service::memory::wide;
use support::{WAIT, alone};

type Raw = *mut c_void;
type Callback = unsafe extern "system" fn(u32, Raw, i32, *const u16);

unsafe extern "system" {
    fn HcsCreateComputeSystem(
        id: *const u16,
        configuration: *const u16,
        identity: Raw,
        system: *mut Raw,
        result: *mut *mut u16,
    ) -> i32;
    fn HcsRegisterComputeSystemCallback(
        system: Raw,
        callback: Callback,
        context: Raw,
        registered: *mut Raw,
    ) -> i32;
    fn HcsUnregisterComputeSystemCallback(registered: Raw) -> i32;
}

/// `ERROR_VMCOMPUTE_OPERATION_PENDING`.
const PENDING: u32 = 0xC037_0103;

static BEGUN: AtomicU32 = AtomicU32::new(0);
static ENDED: AtomicU32 = AtomicU32::new(0);

unsafe extern "system" fn slow(_kind: u32, _context: Raw, _status: i32, _document: *const u16) {
    BEGUN.fetch_add(1, Ordering::SeqCst);
    thread::sleep(Duration::from_millis(500));
    ENDED.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn unregistering_waits_for_a_callback_that_runs() {
    alone("vmcompute.dll", "unregistering_waits_for_a_callback_that_runs", |_| {
        let document = json!({
            "SystemType": "Container", "Name": "a", "HvPartition": false, "TerminateOnLastHandleClosed": true,
            "VolumePath": r"\\?\Volume{00000000-0000-0000-0000-000000000000}",
            "Layers": [{"ID": guid::of_name("base").to_string(), "Path": r"C:\layers\base"}],
        });
        let (id, document) = (wide("a"), wide(&document.to_string()));
        let (mut system, mut registered) = (null_mut(), null_mut());
        // SAFETY: the texts and the places outlive the calls; the callback is a function of this program, and wants no
        // context.
        unsafe {
            let (id, document) = (id.as_ptr(), document.as_ptr());
            let made = HcsCreateComputeSystem(id, document, null_mut(), &raw mut system, null_mut());
            assert_eq!(made.cast_unsigned(), PENDING);
            assert_eq!(HcsRegisterComputeSystemCallback(system, slow, null_mut(), &raw mut registered), 0);
        }
        // That it is created was kept for the callback.
        let deadline = Instant::now() + WAIT;
        while BEGUN.load(Ordering::SeqCst) == 0 {
            assert!(Instant::now() < deadline, "no callback");
            thread::sleep(Duration::from_millis(1));
        }
        // SAFETY: the callback is registered.
        assert_eq!(unsafe { HcsUnregisterComputeSystemCallback(registered) }, 0);
        assert_eq!((BEGUN.load(Ordering::SeqCst), ENDED.load(Ordering::SeqCst)), (1, 1));
    });
}
