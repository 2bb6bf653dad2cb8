//! Signals to processes of compute systems: Windows Server 2019 has them.

use service::memory::text_at;

use crate::process::with;
use crate::{Place, Raw, Text};

#[unsafe(no_mangle)]
unsafe extern "system" fn HcsSignalProcess(process: Raw, options: Text, result: Place) -> i32 {
    // SAFETY: the text and the place are the caller's.
    unsafe {
        let options = text_at(options);
        with("HcsSignalProcess", process, result, |process| process.signal(&options).map(|()| None))
    }
}
