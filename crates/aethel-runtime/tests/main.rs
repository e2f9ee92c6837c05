//! Tests of the stages and of the processor, property by property.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod columns;
mod conservation;
mod execution;
mod failures;
mod graph;
mod lemmas;
mod oracle;
mod pipeline;
mod processing;
#[path = "../../aethel-certificate/tests/support/mod.rs"]
mod support;

use aethel_runtime::*;
use support::Kind;

/// Kinds of transactions that always go through when there is money enough.
const SMOOTH: &[Kind] = &[
    Kind::Pay,
    Kind::Move,
    Kind::Mix,
    Kind::Count,
    Kind::Set,
    Kind::Look,
];

/// All kinds, many of which fail sooner or later.
const ALL: &[Kind] = &[
    Kind::Pay,
    Kind::Move,
    Kind::Mix,
    Kind::Count,
    Kind::Set,
    Kind::Look,
    Kind::Claim,
    Kind::Third,
    Kind::Divide,
    Kind::Capped,
];

/// Kinds that treat their places in every way that matters for order.
const ADDING: &[Kind] = &[
    Kind::Pay,
    Kind::Move,
    Kind::Look,
    Kind::Fee,
    Kind::Pair,
    Kind::Sweep,
    Kind::Mirror,
    Kind::Reset,
    Kind::Deposit,
    Kind::Capped,
    Kind::Count,
];

fn forced(threads: u32) -> ExecutionOptions {
    ExecutionOptions {
        threads: Some(threads),
        ..ExecutionOptions::default()
    }
}
