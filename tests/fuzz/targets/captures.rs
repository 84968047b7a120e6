//! What stands for the names of a pattern, as text and as values. See `relais_fuzz::captures`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relais_fuzz::captures::check(data));
