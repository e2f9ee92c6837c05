//! What the parser makes of whole programs: snapshots of messages and trees, limits, and properties of any text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod again;
mod cases;
mod conditions;
mod format;
mod limits;
mod properties;
mod support;
