//! What the broker hands on from a user, through the wire and the checks, to a Router and back. See `relais_fuzz::envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relais_fuzz::envelope::check(data));
