//! Closing a handle, and taking its callback away, return only when no callback runs and none can come. The functions
//! are called as they are: what calls them otherwise has callbacks that are never slow.
#![cfg(windows)]
// UNSAFETY: functions that take handles and addresses.
#![expect(unsafe_code, reason = "functions of a DLL")]

// For its functions, which are then in this program.
use computecore as _;

#[path = "../../vmcompute/tests/support/mod.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod support;

use std::ffi::c_void;
use std::fs;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use service::guid;
use service::memory::wide;
use support::{WAIT, alone};

type Raw = *mut c_void;
type Callback = unsafe extern "system" fn(*const c_void, Raw);

unsafe extern "system" {
    fn HcsCreateOperation(context: Raw, completion: Raw) -> Raw;
    fn HcsWaitForOperationResult(operation: Raw, milliseconds: u32, document: *mut *mut u16) -> i32;
    fn HcsCreateComputeSystem(
        id: *const u16,
        configuration: *const u16,
        operation: Raw,
        security: Raw,
        system: *mut Raw,
    ) -> i32;
    fn HcsTerminateComputeSystem(system: Raw, operation: Raw, options: *const u16) -> i32;
    fn HcsSetComputeSystemCallback(
        system: Raw,
        options: u32,
        context: Raw,
        callback: Option<Callback>,
    ) -> i32;
    fn HcsCloseComputeSystem(system: Raw);
}

/// How long the callback runs: longer than a call waits for news that is told early.
const SLOW: Duration = Duration::from_millis(500);

/// How many callbacks have begun, and how many have ended.
static BEGUN: AtomicU32 = AtomicU32::new(0);
static ENDED: AtomicU32 = AtomicU32::new(0);

unsafe extern "system" fn slow(_event: *const c_void, _context: Raw) {
    BEGUN.fetch_add(1, Ordering::SeqCst);
    thread::sleep(SLOW);
    ENDED.fetch_add(1, Ordering::SeqCst);
}

fn callbacks() -> (u32, u32) {
    (BEGUN.load(Ordering::SeqCst), ENDED.load(Ordering::SeqCst))
}

/// A handle that several threads may use, as callers of the real DLL may.
#[derive(Clone, Copy)]
struct System(usize);

impl System {
    /// Makes a system and waits until it is made.
    fn create() -> Self {
        let document = json!({
            "SchemaVersion": {"Major": 2, "Minor": 1}, "ShouldTerminateOnLastHandleClosed": true,
            "Container": {"Storage": {
                "Layers": [{"Id": guid::of_name("base").to_string(), "Path": r"C:\layers\base"}],
                "Path": r"\\?\Volume{00000000-0000-0000-0000-000000000000}\",
            }},
        });
        let (id, document, mut system) = (wide("a"), wide(&document.to_string()), null_mut());
        // SAFETY: the texts and the place outlive the call, and there is no security descriptor.
        let create = |operation| unsafe {
            HcsCreateComputeSystem(id.as_ptr(), document.as_ptr(), operation, null_mut(), &raw mut system)
        };
        done(create);
        Self(system as usize)
    }

    fn raw(self) -> Raw {
        self.0 as Raw
    }

    fn call_back(self, callback: Option<Callback>) {
        // SAFETY: the callback is a function of this program, and wants no context.
        let set = unsafe { HcsSetComputeSystemCallback(self.raw(), 0, null_mut(), callback) };
        assert_eq!(set, 0);
    }

    /// Ends it, of which the callback is told.
    fn terminate(self) {
        // SAFETY: the handle is open, and there are no options.
        done(|operation| unsafe { HcsTerminateComputeSystem(self.raw(), operation, null()) });
    }

    fn close(self) {
        // SAFETY: the handle is open.
        unsafe { HcsCloseComputeSystem(self.raw()) };
    }
}

/// Makes a request, and waits until it is done.
fn done(request: impl FnOnce(Raw) -> i32) {
    // SAFETY: nobody wants the context, and there is no callback of the operation; nobody wants its document.
    unsafe {
        let operation = HcsCreateOperation(null_mut(), null_mut());
        assert_eq!(request(operation), 0);
        assert_eq!(HcsWaitForOperationResult(operation, u32::MAX, null_mut()), 0);
    }
}

fn wait_until_one_begins() {
    let deadline = Instant::now() + WAIT;
    while callbacks().0 == 0 {
        assert!(Instant::now() < deadline, "no callback");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn closing_waits_for_a_callback_that_runs() {
    alone("computecore.dll", "closing_waits_for_a_callback_that_runs", |_| {
        let system = System::create();
        system.call_back(Some(slow));
        system.terminate();
        wait_until_one_begins();
        system.close();
        assert_eq!(callbacks(), (1, 1));
    });
}

#[test]
fn taking_the_callback_away_waits_for_it_and_lets_none_come() {
    alone("computecore.dll", "taking_the_callback_away_waits_for_it_and_lets_none_come", |_| {
        let system = System::create();
        system.call_back(Some(slow));
        system.call_back(None);
        system.call_back(None);
        system.terminate();
        thread::sleep(SLOW);
        assert_eq!(callbacks(), (0, 0));
        // It is told to whoever listens next, and waited for.
        system.call_back(Some(slow));
        wait_until_one_begins();
        system.call_back(None);
        assert_eq!(callbacks(), (1, 1));
        system.close();
    });
}

/// Another call is at work with the handle, and keeps alive what it stands for.
#[test]
fn closing_waits_though_another_call_goes_on() {
    alone("computecore.dll", "closing_waits_though_another_call_goes_on", |root| {
        let early = json!([{"call": "HcsTerminateComputeSystem", "notify": "early"}]);
        fs::write(root.join("faults.json"), early.to_string()).unwrap();
        let system = System::create();
        system.call_back(Some(slow));
        let other = thread::spawn(move || system.terminate());
        wait_until_one_begins();
        system.close();
        assert_eq!(callbacks(), (1, 1));
        other.join().unwrap();
    });
}
