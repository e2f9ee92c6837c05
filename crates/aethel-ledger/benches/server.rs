//! What a commit costs on a PostgreSQL server: `AETHEL_BENCH_SERVER=postgres://.. cargo bench --bench server`, in a
//! schema that may be filled.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops where it cannot go on"
)]

use aethel_ir::AccountName;
use aethel_ledger::*;
use std::time::{Duration, Instant};

fn main() {
    let Ok(url) = std::env::var("AETHEL_BENCH_SERVER") else {
        println!("AETHEL_BENCH_SERVER names the server; nothing was measured");
        return;
    };
    let url = ServerUrl::parse(&url, None).unwrap();
    let mut store = PostgresStore::open_or_new(&url, ServerLimits::new(Duration::ZERO)).unwrap();
    println!(
        "{:>9}  {:>12}  {:>12}  {:>12}  {:>12}",
        "accounts", "open", "read", "commit", "commit again"
    );
    for (run, count) in [10, 1_000, 10_000, 100_000, 100_000].into_iter().enumerate() {
        let opening = request(&store, &format!("open {run}"), run, count, true);
        let opened = timed(|| commit(&mut store, &opening));
        store.begin(false).unwrap();
        let read = timed(|| drop(store.read_columns(&opening.body.places).unwrap()));
        let best = (0..3).map(|round| {
            store.begin(false).unwrap();
            let change = request(&store, &format!("pay {run} {round}"), run, count, false);
            timed(|| commit(&mut store, &change))
        });
        let times: Vec<Duration> = best.collect();
        println!(
            "{count:>9}  {opened:>12.1?}  {read:>12.1?}  {:>12.1?}  {:>12.1?}",
            times[0],
            times.iter().min().unwrap()
        );
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn commit(store: &mut PostgresStore, request: &CommitRequest) {
    match store.commit(request).unwrap() {
        CommitOutcome::Committed { .. } => {}
        other => panic!("{other:?}"),
    }
}

/// Opens so many accounts, or moves something between each two of them.
fn request(store: &PostgresStore, key: &str, run: usize, count: usize, open: bool) -> CommitRequest {
    let mut random = [0; 16];
    getrandom::fill(&mut random).unwrap();
    let mut body = Body::new(
        RecordKind::Batch,
        0,
        key,
        BatchKey::Unique(random),
        Digest::of("bench", key.as_bytes()),
    );
    body.policy_changes = vec![PolicyChange::AssetScale {
        asset: "USD".into(),
        scale: 2,
    }];
    body.transactions.push_run("pay row ", 1, count as u32);
    let tag = store.head().sequence / 4;
    let name = |i: usize| AccountName::new(&format!("staff {tag} {run} {i:06}")).unwrap();
    body.places = (0..count).map(|i| PlaceKey::balance(name(i), "USD")).collect();
    let now = store.read_columns(&body.places).unwrap();
    body.values = now.values;
    for i in 0..count {
        if open {
            body.openings.push(Opening {
                place: i as u32,
                amount: 1000,
            });
            body.values[i] = 1000;
        } else {
            let amount = if i % 2 == 0 { 1 } else { -1 };
            body.entries.push(i as u32, amount, i as u32);
            body.values[i] += amount;
        }
    }
    CommitRequest {
        versions: now.versions,
        expected: Vec::new(),
        body,
        certificate: vec![7; count * 20],
        lemmas: Vec::new(),
    }
}
