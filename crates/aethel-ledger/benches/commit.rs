//! How long a durable commit takes, beside what the disk itself takes for the same bytes:
//! `cargo bench -p aethel-ledger`. Minima of several runs; `-- --quick` for a smoke run.
//!
//! The floor is one write and one `fdatasync` of as many bytes into a file that is already as long, on the same disk and
//! in the same run.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, clippy::panic, missing_docs)]

use aethel_ir::AccountName;
use aethel_ledger::*;
use std::collections::VecDeque;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 2 } else { 15 };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut floor = Floor::new(&directory.path().join("floor"), 32 << 20);
    println!("minima of {rounds} runs, ms     memory   redb  floor  redb/floor  bytes of a row");
    for changed in [1000, 10_000, 100_000] {
        sizes(directory.path(), changed, rounds, &mut floor);
    }
    let batches = if quick { 20 } else { 1000 };
    closed_loop(directory.path(), batches, &mut floor);
    throughput(directory.path(), batches);
    println!("opening after the writer was killed");
    for megabytes in if quick { &[4][..] } else { &[4, 24, 44, 200, 500] } {
        reopening(directory.path(), *megabytes);
    }
}

/// A commit that changes so many known accounts, each by one payment.
fn sizes(directory: &Path, changed: usize, rounds: usize, floor: &mut Floor) {
    let mut memory = MemoryStore::new(LedgerId([0; 16]));
    let mut redb = open(&directory.join(format!("{changed}.redb")));
    let accounts = Accounts::new(changed);
    let mut best = [Duration::MAX; 3];
    let mut bytes = 0;
    for round in 0..=rounds {
        let request = accounts.request(&memory, round, changed);
        let taken = [time(&mut memory, &request), time(&mut redb, &request)];
        bytes = redb.row(redb.head().sequence).unwrap().unwrap().len();
        // The first one opens the accounts.
        if round > 0 {
            best[0] = best[0].min(taken[0]);
            best[1] = best[1].min(taken[1]);
            best[2] = best[2].min(floor.write(bytes));
        }
    }
    let [memory, redb, floor] = best.map(|time| time.as_secs_f64() * 1e3);
    println!(
        "  {changed:>7} accounts changed   {memory:>7.3}{redb:>7.3}{floor:>7.3}{:>10.1}×{bytes:>16}",
        redb / floor
    );
}

/// One writer that waits for each acknowledgement of 1000 payments before it hands over the next.
fn closed_loop(directory: &Path, batches: usize, floor: &mut Floor) {
    let accounts = Accounts::new(10_000);
    let mut store = open(&directory.join("loop.redb"));
    let opening = accounts.request(&store, 0, 10_000);
    time(&mut store, &opening);
    let (mut acknowledged, mut synced, mut due) = (Vec::new(), Vec::new(), Duration::ZERO);
    for round in 1..=batches {
        let request = accounts.request(&store, round, 2000);
        acknowledged.push(time(&mut store, &request));
        let bytes = store.row(store.head().sequence).unwrap().unwrap().len();
        synced.push(floor.write(bytes));
        if store.checkpoint_due() {
            let begun = Instant::now();
            store.checkpoint().unwrap();
            due = due.max(begun.elapsed());
        }
    }
    println!("closed loop of {batches} batches of 1000 payments, ms");
    for (name, mut times) in [("acknowledged", acknowledged), ("fdatasync", synced)] {
        times.sort_unstable();
        let at =
            |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
        println!(
            "  {name:<14}minimum {:>7.3}   P50 {:>7.3}   P99 {:>7.3}",
            at(0),
            at(50),
            at(99)
        );
    }
    println!(
        "  longest checkpoint between two batches {:.1}",
        due.as_secs_f64() * 1e3
    );
}

/// Batches a second, with so many handed over before the first of them has to be durable.
fn throughput(directory: &Path, batches: usize) {
    println!("group commit, batches a second");
    for payments in [10, 1000] {
        let mut line = format!("  of {payments:>4} payments");
        for in_flight in [0, 1, 2, 4, 16, 64] {
            let accounts = Accounts::new(10_000);
            let path = directory.join(format!("group-{payments}-{in_flight}.redb"));
            let mut single = open(&path);
            let opening = accounts.request(&single, 0, 10_000);
            time(&mut single, &opening);
            let mut group;
            let store: &mut dyn LedgerStore = match in_flight {
                0 => &mut single,
                _ => {
                    group = GroupStore::new(single);
                    &mut group
                }
            };
            let mut tickets = VecDeque::new();
            let begun = Instant::now();
            for round in 1..=batches {
                let request = accounts.request(store, round, 2 * payments);
                assert!(matches!(
                    store.submit(&request),
                    Ok(CommitOutcome::Committed { .. })
                ));
                tickets.push_back(store.submitted());
                while tickets.len() >= in_flight.max(1) {
                    store.wait(tickets.pop_front().unwrap()).unwrap();
                }
            }
            store.wait(store.submitted()).unwrap();
            let rate = batches as f64 / begun.elapsed().as_secs_f64();
            let what = match in_flight {
                0 => "without".to_owned(),
                n => format!("{n} in flight"),
            };
            line += &format!("   {what} {rate:.0}");
        }
        println!("{line}");
    }
}

/// A killed writer leaves its file as it stands, and so does a copy of a file that is open.
fn reopening(directory: &Path, megabytes: u64) {
    let (path, copy) = (directory.join("open.redb"), directory.join("killed.redb"));
    let accounts = Accounts::new(2000);
    let mut store = open(&path);
    for round in 0.. {
        let mut request = accounts.request(&store, round, 2000);
        request.certificate = vec![7; 220_000];
        time(&mut store, &request);
        if store.checkpoint_due() {
            store.checkpoint().unwrap();
        }
        if std::fs::metadata(&path).unwrap().len() > megabytes << 20 {
            break;
        }
    }
    // So that the last commit is an ordinary one.
    for round in 1..3 {
        let mut request = accounts.request(&store, 1_000_000 + round, 2000);
        request.certificate = vec![7; 220_000];
        time(&mut store, &request);
    }
    let mut best = Duration::MAX;
    for _ in 0..3 {
        std::fs::copy(&path, &copy).unwrap();
        let begun = Instant::now();
        let reopened = open(&copy);
        best = best.min(begun.elapsed());
        assert_eq!(reopened.head(), store.head());
        drop(reopened);
    }
    let length = std::fs::metadata(&path).unwrap().len() >> 20;
    println!("  {length:>4} MB   {:>7.1} ms", best.as_secs_f64() * 1e3);
    drop(store);
    std::fs::remove_file(path).unwrap();
}

fn time(store: &mut dyn LedgerStore, request: &CommitRequest) -> Duration {
    let begun = Instant::now();
    match store.commit(request).unwrap() {
        CommitOutcome::Committed { .. } => begun.elapsed(),
        other => panic!("not committed: {other:?}"),
    }
}

fn open(path: &Path) -> RedbStore {
    RedbStore::open_or_new(path, Duration::ZERO).unwrap()
}

/// What the disk needs at least.
struct Floor {
    file: std::fs::File,
    bytes: Vec<u8>,
    at: u64,
}

impl Floor {
    fn new(path: &Path, length: usize) -> Self {
        let mut file = std::fs::File::create(path).unwrap();
        let bytes = vec![0x5a; length];
        file.write_all(&bytes).unwrap();
        file.sync_all().unwrap();
        Self { file, bytes, at: 0 }
    }

    fn write(&mut self, length: usize) -> Duration {
        if self.at as usize + length > self.bytes.len() {
            self.at = 0;
        }
        let begun = Instant::now();
        self.file.seek(SeekFrom::Start(self.at)).unwrap();
        self.file.write_all(&self.bytes[..length]).unwrap();
        self.file.sync_data().unwrap();
        let taken = begun.elapsed();
        self.at += length as u64;
        taken
    }
}

/// Accounts that pay each other.
struct Accounts {
    places: Vec<PlaceKey>,
}

impl Accounts {
    fn new(count: usize) -> Self {
        let place = |i| PlaceKey::balance(AccountName::new(&format!("account:{i}")).unwrap(), "USD");
        Self {
            places: (0..count).map(place).collect(),
        }
    }

    /// Payments between pairs of `changed` of the accounts; round 0 opens them all.
    fn request(&self, store: &dyn LedgerStore, round: usize, changed: usize) -> CommitRequest {
        let key = BatchKey::User(format!("{round}").as_str().into());
        let content = Digest::of("bench", &round.to_le_bytes());
        let mut body = Body::new(RecordKind::Batch, 1_700_000_000_000, "bench", key, content);
        if round == 0 {
            body.policy_changes.push(PolicyChange::AssetScale {
                asset: "USD".into(),
                scale: 2,
            });
        }
        let count = self.places.len();
        let step = if changed == count { 0 } else { round * 7919 };
        body.places = (0..changed)
            .map(|i| self.places[(i + step) % count].clone())
            .collect();
        let read = store.read_columns(&body.places).unwrap();
        for (i, (value, version)) in (0..).zip(read.values.iter().zip(&read.versions)) {
            body.values.push(if *version == 0 { 1_000_000 } else { *value });
            if *version == 0 {
                body.openings.push(Opening {
                    place: i,
                    amount: 1_000_000,
                });
            }
        }
        for pair in 0..changed / 2 {
            let (from, to, amount) = (2 * pair, 2 * pair + 1, 1 + (pair % 100) as i128);
            body.entries.push(from as u32, -amount, pair as u32);
            body.entries.push(to as u32, amount, pair as u32);
            body.values[from] -= amount;
            body.values[to] += amount;
        }
        body.transactions.push_run("pay row ", 1, (changed / 2) as u32);
        CommitRequest {
            versions: read.versions,
            expected: Vec::new(),
            // About as long as one is.
            certificate: vec![7; 12 * changed],
            lemmas: Vec::new(),
            body,
        }
    }
}
