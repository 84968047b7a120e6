//! Subjects, filters, patterns and names. See `relais_fuzz::subjects`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relais_fuzz::subjects::check(data));
