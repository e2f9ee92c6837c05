//! What checking a certificate costs a transaction: `cargo bench -p aethel-certificate`. Minimum of several runs.
//!
//! *sums* is the check of an escrow batch from sums over columns ([`check_columns`]), and *changes* that with every change
//! that the run logged compared, as a run does it; *evaluated* is the full check of the same
//! certificate, every transaction evaluated again in batch order; *chains* that of a certificate which logs what every
//! transaction saw; *from bytes* includes reading and validating the file, as `verify-proof` does.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use aethel_certificate::escrow::{Changes, settle};
use aethel_certificate::{Certificate, Memory, Way, accesses, check, check_columns, decode, encode};
use aethel_ir::{ValueColumn, Wholes};
use std::time::Instant;
use support::{Build, Kind, reference};

/// Payments from one company account, or between accounts at random.
fn build(transactions: usize, hot: bool) -> Build {
    let mut build = Build::new("bench");
    let accounts = (transactions / 10).max(10);
    let names: Vec<_> = (0..accounts).map(|i| build.account(&format!("a{i}"))).collect();
    let mut seed = 1_u64;
    let mut next = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let rows: Vec<_> = (0..transactions)
        .map(|_| {
            let payer = if hot { 0 } else { next(accounts) };
            let paid = (payer + 1 + next(accounts - 1)) % accounts;
            (names[payer], names[paid], 1 + next(100) as i128)
        })
        .collect();
    build.id_rows(Kind::Pay, &rows);
    build
}

/// The values and the changes that a run leaves behind.
fn in_memory<'a>(values: &'a [i128], changes: &'a [i64]) -> Memory<'a> {
    Memory {
        values,
        changes: Changes::Narrow(changes),
    }
}

/// The best of several runs, in nanoseconds.
fn best(rounds: usize, mut run: impl FnMut()) -> u128 {
    let mut best = u128::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_nanos());
    }
    best
}

fn main() {
    println!(
        "{:>12} {:<8} {:>12} {:>12} {:>16} {:>16} {:>16} {:>14}",
        "transactions", "payers", "sums", "changes", "evaluated", "from bytes", "chains", "settle"
    );
    for transactions in [1_000, 100_000, 1_000_000] {
        for hot in [true, false] {
            measure(transactions, hot);
        }
    }
}

fn measure(transactions: usize, hot: bool) {
    let build = build(transactions, hot);
    let snapshot = build.snapshot(1_000_000_000_000, &[]);
    let run = reference(&build.batch, &snapshot).unwrap();
    let access = accesses(&build.batch);
    let settlement = settle(&build.batch, &access, &snapshot);
    assert!(settlement.any_order());
    let chains = Certificate {
        batch: build.batch.clone(),
        initial: snapshot.clone(),
        final_values: run.final_values,
        positions: run.positions,
        escrow: vec![],
        seen: run.seen,
        versions: run.versions,
        written: run.written,
        way: Way::Parallel(2),
        solver: String::new(),
        lemmas: vec![],
    };
    let sums = Certificate {
        escrow: settlement.escrow(),
        seen: vec![],
        versions: vec![],
        written: vec![],
        ..chains.clone()
    };
    let changes: Vec<i64> = (build.batch.groups.iter())
        .flat_map(|group| match &group.values[0] {
            ValueColumn::Whole(Wholes::Each(amounts)) => amounts.iter().collect(),
            _ => vec![],
        })
        .flat_map(|amount| [-(amount as i64), amount as i64])
        .collect();
    let bytes = encode(&sums.view()).unwrap();
    let rounds = if transactions > 100_000 { 3 } else { 15 };
    let per = |ns: u128| format!("{:.1} ns", ns as f64 / transactions as f64);
    let both = |ns: u128| format!("{:.1} ms {}", ns as f64 / 1e6, per(ns));
    let columns = best(rounds, || {
        assert!(matches!(
            check_columns(&sums.view(), in_memory(&sums.final_values, &[]), &[]),
            Ok(Some(_))
        ));
    });
    let compared = best(rounds, || {
        let memory = in_memory(&sums.final_values, &changes);
        assert!(matches!(check_columns(&sums.view(), memory, &[]), Ok(Some(_))));
    });
    let evaluated = best(rounds, || {
        assert!(check(&sums.view(), None).is_ok());
    });
    let from_bytes = best(rounds, || {
        assert!(decode(&bytes).unwrap().check(None).is_ok());
    });
    let logged = best(rounds, || {
        assert!(check(&chains.view(), None).is_ok());
    });
    let settled = best(rounds, || {
        assert!(settle(&build.batch, &access, &snapshot).any_order());
    });
    println!(
        "{transactions:>12} {:<8} {:>12} {:>12} {:>16} {:>16} {:>16} {:>14}",
        if hot { "one" } else { "many" },
        per(columns),
        per(compared),
        both(evaluated),
        both(from_bytes),
        both(logged),
        per(settled),
    );
}
