#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scenario::fuzz::lighting_policy(data));
