//! JWTs, creds files and keys. See `relais_fuzz::credentials`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relais_fuzz::credentials::check(data));
