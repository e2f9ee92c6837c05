//! How long the checks of intents take: `cargo bench -p aethel-proof`. Minimum of several runs, a line per case.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_arithmetic,
    missing_docs,
    dead_code,
    reason = "a benchmark may stop loudly, and shares a helper with tests"
)]

#[path = "../tests/support.rs"]
mod support;

use aethel_ir::{Rational, RoundMode};
use aethel_proof::LemmaCache;
use aethel_proof::check::{CheckLimits, Subject, check_intent};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::*;

const ROUNDS: usize = 5;

/// A payment of so much: one shape, whatever the amount.
fn payment(amount: i128) -> IntentBuilder {
    IntentBuilder::new("pay", 2, &[(0, USD), (1, USD)], 0)
        .bind(E::Minor(amount), true)
        .guard(E::Before(0).ge(E::Let(0)))
        .effect(0, E::Before(0).sub(E::Let(0)))
        .effect(1, E::Before(1).add(E::Let(0)))
}

/// A payment whose amount is an argument that must be so much.
fn tested(amount: i128) -> IntentBuilder {
    transfer().amounts().guard(E::Arg(0).eq(E::Minor(amount)))
}

/// A payment from the first of `n` accounts, shared by the second and the last: one shape for each number and part.
fn share(n: u16, percent: i128) -> IntentBuilder {
    let places: Vec<(u16, u16)> = (0..n).map(|slot| (slot, USD)).collect();
    let part = E::Num(Rational::Int(percent).div(&Rational::Int(100)).unwrap());
    let given = || round(E::Arg(0).mul(part.clone()), RoundMode::HalfEven);
    let intent = IntentBuilder::new("share", n, &places, 1)
        .amounts()
        .guard(E::Arg(0).gt(num("0")))
        .effect(0, E::Before(0).sub(E::Arg(0)));
    intent
        .guard(E::Before(0).ge(E::Arg(0)))
        .effect(n - 1, E::Before(n - 1).add(given()))
        .effect(1, E::Before(1).add(E::Arg(0).sub(given())))
}

fn subjects(intents: impl Iterator<Item = IntentBuilder>) -> Vec<Arc<Subject>> {
    let subject = |intent: IntentBuilder| {
        let batch = BatchBuilder::new(1, &[]).intent(intent).build();
        Arc::new(Subject::new(&batch, 0, &[]).unwrap())
    };
    intents.map(subject).collect()
}

/// The shortest of several runs, each with an empty cache, in a thread whose solver is warm.
fn measure(name: &str, subjects: &[Arc<Subject>]) {
    let mut best = Duration::MAX;
    let mut queries = 0;
    for _ in 0..ROUNDS {
        let cache = LemmaCache::in_memory();
        let start = Instant::now();
        queries = subjects
            .iter()
            .map(|subject| check_intent(subject, &CheckLimits::default(), &cache).queries)
            .sum();
        best = best.min(start.elapsed());
    }
    let each = best.as_secs_f64() * 1e6 / subjects.len() as f64;
    println!(
        "{name:<28} {:>9.2} ms {each:>9.1} us each, {queries} queries",
        best.as_secs_f64() * 1e3
    );
}

fn main() {
    measure("1 intent", &subjects(std::iter::once(payment(1))));
    measure("1 000 of one shape", &subjects((1..=1_000).map(payment)));
    measure("1 000 of one, tested", &subjects((1..=1_000).map(tested)));
    measure("10 000 of one shape", &subjects((1..=10_000).map(payment)));
    let shapes = (0..100).map(|n| share(3 + n % 2, 1 + i128::from(n)));
    measure("100 shapes with rounding", &subjects(shapes));
    let refuted = (1..=100).map(|n| transfer().amounts().guard(E::Arg(0).le(E::Minor(n))));
    measure("100 refuted of one shape", &subjects(refuted));
}
