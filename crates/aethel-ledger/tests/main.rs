//! The ledger from outside: one contract for every store, random batches against a model, damage, kills and locks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where its expectation fails"
)]

mod approvals;
mod contract;
mod damage;
mod files;
mod formats;
mod kill;
mod postgres;
mod properties;
mod support;
mod tables;
