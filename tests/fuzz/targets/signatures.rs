//! See `survive::signatures`.
#![no_main]

#[path = "../survive.rs"]
#[allow(dead_code, reason = "each target uses one function")]
mod survive;

libfuzzer_sys::fuzz_target!(init: { let _ = std::panic::take_hook(); }, |bytes: &[u8]| survive::signatures(bytes));
