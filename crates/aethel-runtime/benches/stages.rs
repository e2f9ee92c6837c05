//! How long each stage takes: `cargo bench -p aethel-runtime`. Minimum of several runs, a line per stage.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs)]

#[path = "../../aethel-certificate/tests/support/mod.rs"]
mod support;

use aethel_ledger::{LedgerId, MemoryStore, Policy};
use aethel_runtime::oracle::Feeds;
use aethel_runtime::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use support::{Build, Kind};

const TRANSACTIONS: usize = 100_000;
const ROUNDS: usize = 7;

fn uniform(accounts: usize) -> Build {
    let mut build = Build::new("uniform");
    let names: Vec<_> = (0..accounts).map(|i| build.account(&format!("a{i}"))).collect();
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let rows: Vec<_> = (0..TRANSACTIONS)
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

fn hot() -> Build {
    let mut build = Build::new("hot");
    let company = build.account("company");
    let rows: Vec<_> = (0..TRANSACTIONS)
        .map(|i| (company, build.account(&format!("e{i}")), 1))
        .collect();
    build.id_rows(Kind::Pay, &rows);
    build
}

/// Transfers that have nothing to do with each other.
fn pairs() -> Build {
    let mut build = Build::new("pairs");
    let rows: Vec<_> = (0..TRANSACTIONS)
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

fn main() {
    let cases = [
        ("uniform, 10 000 accounts", uniform(10_000)),
        ("one payer", hot()),
        ("independent pairs", pairs()),
    ];
    for (name, build) in cases {
        for threads in [1, 2] {
            println!("{name}, {TRANSACTIONS} transfers, {threads} thread(s)");
            measure(&build, threads);
        }
    }
}

fn measure(build: &Build, threads: u32) {
    let clock = SystemClock::default();
    let watch = Watch::new(&clock);
    let snapshot = build.snapshot(1_000_000_000, &[]);
    let policy = Policy::default();
    let mut best: BTreeMap<&str, u64> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut last = watch.now_ns();
        let mut lap = |stage| {
            let now = watch.now_ns();
            let cell = best.entry(stage).or_insert(u64::MAX);
            *cell = (*cell).min(now - last);
            last = watch.now_ns();
        };
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        lap("1 dependencies");
        let access = aethel_certificate::accesses(&build.batch);
        let plan = ConflictDetector.detect(&build.batch, &graph, &snapshot, &access);
        lap("2 conflicts");
        let options = ExecutionOptions {
            threads: Some(threads),
            ..ExecutionOptions::default()
        };
        let mut trace = ParallelExecutor
            .execute(&build.batch, &plan, &snapshot, &options, &watch)
            .unwrap();
        lap("3 execution");
        let proof = LinearizabilityProver
            .prove(
                &build.batch,
                &graph,
                &snapshot,
                &mut trace,
                &ProofOptions {
                    sums: true,
                    ..ProofOptions::default()
                },
                &watch,
            )
            .unwrap();
        lap("4 proof");
        let oracles = OracleCheck {
            proofs: &[],
            feeds: &Feeds::new(),
            policy: &policy,
            now_ms: 0,
        };
        ConservationValidator
            .validate(&build.batch, &graph, &snapshot, &proof.run, &oracles)
            .unwrap();
        lap("5 conservation");
        content_hash(&build.batch, &graph.order);
        lap("content hash");
        aethel_certificate::encode(&proof.certificate(&build.batch, &graph, &snapshot)).unwrap();
        lap("encoding");
        let clock = Arc::new(SystemClock::default());
        let processor = BatchProcessor::new(
            ProcessorOptions {
                threads: Some(threads),
                ..ProcessorOptions::default()
            },
            clock,
        );
        let mut request = BatchRequest::new(build.batch.clone(), &build.sources);
        request.openings.balances = (0..build.batch.places.len() as u32)
            .map(|p| (aethel_ir::PlaceId(p), 1_000_000_000))
            .collect();
        let mut store = MemoryStore::new(LedgerId([0; 16]));
        lap("(preparing)");
        let result = processor.execute_batch(&mut store, request);
        assert!(result.success);
        lap("all, into memory");
        let commit = best.entry("6 commit to memory").or_insert(u64::MAX);
        *commit = (*commit).min(result.stages.last().map_or(0, |stage| stage.duration_ns));
    }
    for (stage, ns) in best {
        println!("  {stage:<18}{:>10.3} ms", ns as f64 / 1e6);
    }
}
