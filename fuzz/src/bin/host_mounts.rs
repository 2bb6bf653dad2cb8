#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nspawn::fuzzing::host_mounts(bytes));
