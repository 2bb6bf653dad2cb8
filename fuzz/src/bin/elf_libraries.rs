#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nspawn::fuzzing::elf_libraries(bytes));
