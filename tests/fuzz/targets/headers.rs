//! Blocks of headers, headers that we write, and traces. See `relais_fuzz::headers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relais_fuzz::headers::check(data));
