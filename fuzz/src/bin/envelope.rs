//! The libFuzzer program of [`queryfleet_fuzz::envelope`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| queryfleet_fuzz::envelope(data));
