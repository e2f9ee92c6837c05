//! Tests of the public interface, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod arithmetic;
mod check;
mod check_batch;
mod check_random;
mod direct;
mod random;
mod shape;
mod support;
