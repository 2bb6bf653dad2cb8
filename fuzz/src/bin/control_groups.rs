#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| linux_sandbox::fuzzing::control_groups(bytes));
