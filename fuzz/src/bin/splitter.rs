//! The libFuzzer program of [`queryfleet_fuzz::splitter`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| queryfleet_fuzz::splitter(data));
