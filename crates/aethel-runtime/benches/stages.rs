//! What each of stages ① to ⑤ costs a transaction, beside a bare loop over an array of balances in the same run:
//! `cargo bench -p aethel-runtime`. Minimum of several rounds, nanoseconds a transaction. A word after `--` picks the
//! cases whose name has it, a number the size. `once` runs a single round on one thread, for a tool that counts
//! instructions: `valgrind --tool=callgrind --toggle-collect='*Survey::new*' BINARY --bench uniform 100000 once`
//! (and `*Detector::detect_with*`, `*Executor::execute*`, `*Prover::prove*`, `*Validator::validate*`).
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs)]

#[path = "../../aethel-certificate/tests/support/mod.rs"]
mod support;

use aethel_ir::{Column, ValueColumn};
use aethel_ledger::Policy;
use aethel_runtime::oracle::Feeds;
use aethel_runtime::*;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use support::{Build, Kind};

const BEFORE: i128 = 1_000_000_000;
const STAGES: [&str; 5] = ["graph", "conflicts", "execution", "proof", "conservation"];

fn uniform(transactions: usize, accounts: usize) -> Build {
    let mut build = Build::new("uniform");
    let names: Vec<_> = (0..accounts).map(|i| build.account(&format!("a{i}"))).collect();
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let rows: Vec<_> = (0..transactions)
        .map(|_| {
            let a = next() % accounts;
            (
                names[a],
                names[(a + 1 + next() % (accounts - 1)) % accounts],
                1 + (next() % 100) as i128,
            )
        })
        .collect();
    build.id_rows(Kind::Pay, &rows);
    build
}

/// One payer, as a loop with a constant account has it.
fn hot(transactions: usize) -> Build {
    let mut build = Build::new("hot");
    let company = build.account("company");
    let rows: Vec<_> = (0..transactions)
        .map(|i| (company, build.account(&format!("e{}", i % 10_000)), 1))
        .collect();
    build.id_rows(Kind::Pay, &rows);
    let place = build.balance("company");
    build.batch.groups[0].accounts[0] = Column::Same(company);
    build.batch.groups[0].places[0] = Column::Same(place);
    build
}

/// Transfers that have nothing to do with each other.
fn pairs(transactions: usize) -> Build {
    let mut build = Build::new("pairs");
    let rows: Vec<_> = (0..transactions)
        .map(|i| {
            (
                build.account(&format!("a{i}")),
                build.account(&format!("b{i}")),
                1,
            )
        })
        .collect();
    build.id_rows(Kind::Pay, &rows);
    build
}

type Case = (&'static str, fn(usize) -> Build);

fn main() {
    memory::keep();
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() {
        vec![1000, 10_000, 100_000, 1_000_000]
    } else {
        sizes
    };
    let once = words.iter().any(|word| word == "once");
    let picked = |name: &str| {
        let mut names = words
            .iter()
            .filter(|word| *word != "once" && word.parse::<usize>().is_err())
            .peekable();
        names.peek().is_none() || names.any(|word| name.contains(word.as_str()))
    };
    println!(
        "{:<26} {:>7} {}",
        "",
        "threads",
        STAGES.map(|s| format!("{s:>13}")).concat()
    );
    for size in sizes {
        let cases: [Case; 3] = [
            ("uniform", |n| uniform(n, 10_000)),
            ("hot", hot),
            ("independent", pairs),
        ];
        for (name, build) in cases.into_iter().filter(|(name, _)| picked(name)) {
            let build = build(size);
            if once {
                measure(&build, 1, 1);
                continue;
            }
            let bare = bare_loop(&build);
            for threads in [1, 2] {
                let stages = measure(&build, threads, rounds(size));
                let total: f64 = stages.iter().sum();
                println!(
                    "{name:<14} {size:>11} {threads:>7} {}  = {total:>6.1}, a bare loop {bare:.2}: {:>5.1} times",
                    stages.map(|ns| format!("{ns:>13.2}")).concat(),
                    total / bare
                );
            }
        }
    }
}

/// The least that a guarded transfer can cost: balances in an array of machine words, no promises.
fn bare_loop(build: &Build) -> f64 {
    let group = &build.batch.groups[0];
    let place = |slot: usize, row| group.places[slot].get(row).unwrap().0;
    let rows: Vec<(u32, u32, i64)> = (0..group.rows)
        .map(|row| {
            let ValueColumn::Whole(amounts) = &group.values[0] else {
                unreachable!()
            };
            (place(0, row), place(1, row), amounts.get(row).unwrap() as i64)
        })
        .collect();
    let mut best = f64::MAX;
    for _ in 0..rounds(rows.len()) {
        let mut balances = vec![BEFORE as i64; build.batch.places.len()];
        let started = Instant::now();
        assert!(transfers(black_box(&rows), black_box(&mut balances)));
        best = best.min(started.elapsed().as_nanos() as f64);
        black_box(&balances);
    }
    best / rows.len() as f64
}

#[inline(never)]
fn transfers(rows: &[(u32, u32, i64)], balances: &mut [i64]) -> bool {
    for (from, to, amount) in rows {
        let from = &mut balances[*from as usize];
        if *from < *amount {
            return false;
        }
        *from -= amount;
        balances[*to as usize] += amount;
    }
    true
}

fn rounds(transactions: usize) -> usize {
    (4_000_000 / transactions).clamp(5, 200)
}

/// Nanoseconds a transaction, stage by stage.
fn measure(build: &Build, threads: u32, rounds: usize) -> [f64; 5] {
    let clock = SystemClock::default();
    let watch = Watch::new(&clock);
    let snapshot = build.snapshot(BEFORE, &[]);
    let policy = Policy::default();
    let team = Arc::new(Team::new(threads));
    let access = aethel_certificate::accesses(&build.batch);
    let mut best = [u64::MAX; 5];
    for _ in 0..rounds {
        let mut last = watch.now_ns();
        let mut lap = |stage: usize| {
            let now = watch.now_ns();
            best[stage] = best[stage].min(now - last);
            last = watch.now_ns();
        };
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        // As a processor has it: with helpers the numbers of a large graph are found in stage ②.
        if threads == 1 || build.batch.len() < 1 << 15 {
            graph.survey(&build.batch);
        }
        lap(0);
        let plan = ConflictDetector.detect_with(&build.batch, &graph, &snapshot, &access, &*team);
        lap(1);
        let options = ExecutionOptions {
            threads: Some(threads),
            team: Some(team.clone()),
            ..ExecutionOptions::default()
        };
        let mut trace = ParallelExecutor
            .execute(&build.batch, &plan, &snapshot, &options, &watch)
            .unwrap();
        lap(2);
        let options = ProofOptions {
            sums: true,
            team: Some(&*team),
            ..ProofOptions::default()
        };
        let proof = LinearizabilityProver
            .prove(&build.batch, &graph, &snapshot, &mut trace, &options, &watch)
            .unwrap();
        lap(3);
        let oracles = OracleCheck {
            proofs: &[],
            feeds: &Feeds::new(),
            policy: &policy,
            now_ms: 0,
        };
        ConservationValidator
            .validate(&build.batch, &graph, &snapshot, &proof.run, &oracles)
            .unwrap();
        lap(4);
    }
    best.map(|ns| ns as f64 / build.batch.len() as f64)
}
