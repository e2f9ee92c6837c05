//! What programs mean, shown by lowering them and running them serially with the one evaluator.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop loudly"
)]

mod access;
mod calls;
mod duplicates;
mod guards;
mod hostile;
mod json;
mod limits;
mod meaning;
mod mistakes;
mod numbers;
mod same;
mod support;
