//! A whole batch, from lowered to acknowledged, on a ledger file: `cargo bench -p aethel-runtime --bench durable`. Minima
//! and medians of several batches beside the floor: a loop over an array, then one write and `fdatasync` of as many
//! bytes as the batch's row has into a file that is already as long, on the same disk and in the same run.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs)]

#[path = "../../aethel-certificate/tests/support/mod.rs"]
mod support;

use aethel_ir::{AccountId, AccountName, Batch, PlaceId};
use aethel_ledger::{BatchKey, LedgerId, LedgerStore, MemoryStore, RedbStore};
use aethel_runtime::*;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Build, Kind};

const ACCOUNTS: usize = 10_000;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    println!(
        "transfers    all: minimum  median   floor: minimum  median   ratios      ①–⑤      ⑥   rest   in memory   bytes, certificate"
    );
    let asked: Vec<usize> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let sizes: &[usize] = match (asked.as_slice(), quick) {
        ([], true) => &[1000],
        ([], false) => &[1000, 10_000, 100_000, 1_000_000],
        (asked, _) => asked,
    };
    for size in sizes {
        let rounds = match size {
            _ if quick => 3,
            1_000_000 => 4,
            100_000 => 12,
            _ => 60,
        };
        measure(*size, rounds, &directory.path().join(format!("{size}.redb")));
    }
}

fn batch(transfers: usize) -> Build {
    let mut build = Build::new("uniform");
    // Only the accounts that are touched are of the batch.
    let mut names: Vec<Option<AccountId>> = vec![None; ACCOUNTS];
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let rows: Vec<_> = (0..transfers)
        .map(|_| {
            let from = next() % ACCOUNTS;
            let to = (from + 1 + next() % (ACCOUNTS - 1)) % ACCOUNTS;
            let [from, to] = [from, to].map(|i| {
                *names[i].get_or_insert_with(|| {
                    build
                        .batch
                        .accounts
                        .push(AccountName::new(&format!("account {i}")).unwrap());
                    build.batch.unbounded.push(false);
                    AccountId(build.batch.accounts.len() as u32 - 1)
                })
            });
            (from, to, 1 + (next() % 100) as i128)
        })
        .collect();
    build.id_rows(Kind::Pay, &rows);
    build
}

/// Says what a solver would say of transfers, with something in the place of its lemma.
#[derive(Debug)]
struct Believer;

impl AccessProver for Believer {
    fn prove(&self, batch: &Batch) -> ProvedAccess {
        let record = vec![7; 2000];
        ProvedAccess {
            access: aethel_certificate::accesses(batch),
            lemmas: vec![Lemma {
                name: "transfers".into(),
                digest: aethel_ledger::lemma_digest(&record).0,
                record,
            }],
            ..ProvedAccess::default()
        }
    }
}

fn measure(transfers: usize, rounds: usize, path: &std::path::Path) {
    let build = batch(transfers);
    let options = ProcessorOptions {
        access: Some(Arc::new(Believer)),
        ..ProcessorOptions {
            available_threads: 2,
            ..ProcessorOptions::default()
        }
    };
    let processor = BatchProcessor::new(options, Arc::new(SystemClock::default()));
    let mut store = RedbStore::open_or_new(path, Duration::ZERO).unwrap();
    let mut memory = MemoryStore::new(LedgerId([0; 16]));
    let mut floor = std::fs::File::create(path.with_extension("floor")).unwrap();
    let bytes = vec![0x5a_u8; 64 << 20];
    floor.write_all(&bytes).unwrap();
    floor.sync_all().unwrap();
    let (mut all, mut least, mut stages) = (Vec::new(), Vec::new(), vec![[u64::MAX; 2]]);
    let (mut in_memory, mut row) = (Duration::MAX, 0);
    for round in 0..=rounds {
        let request = || {
            let mut request = BatchRequest::new(build.batch.clone(), &build.sources);
            request.key = Some(BatchKey::User(round.to_string().as_str().into()));
            if round == 0 {
                let places = 0..request.batch.places.len() as u32;
                request.openings.balances = places.map(|place| (PlaceId(place), 1_000_000_000)).collect();
            }
            request
        };
        let (first, second) = (request(), request());
        let begun = Instant::now();
        let result = processor.execute_batch(&mut memory, first);
        // The first batch opens the accounts.
        if round > 0 {
            in_memory = in_memory.min(begun.elapsed());
        }
        assert!(result.success, "{:?}", result.error_message);
        let begun = Instant::now();
        let result = processor.execute_batch(&mut store, second);
        let taken = begun.elapsed();
        assert!(result.success, "{:?}", result.error_message);
        row = store.row(store.head().sequence).unwrap().unwrap().len();
        let begun = Instant::now();
        let mut balances = vec![1_i128 << 40; ACCOUNTS];
        transfer(&build, &mut balances);
        floor
            .seek(SeekFrom::Start(((round * row) % (bytes.len() - row)) as u64))
            .unwrap();
        floor.write_all(&bytes[..row]).unwrap();
        floor.sync_data().unwrap();
        let bare = begun.elapsed();
        assert!(balances.iter().sum::<i128>() == (1 << 40) * ACCOUNTS as i128);
        if round > 0 {
            all.push(taken);
            least.push(bare);
            let duration = |number: u8| {
                result
                    .stages
                    .iter()
                    .filter(move |s| s.number == number)
                    .map(|s| s.duration_ns)
            };
            stages.push([(1..6).flat_map(duration).sum(), duration(6).sum()]);
        }
        if store.checkpoint_due() {
            store.checkpoint().unwrap();
        }
    }
    all.sort_unstable();
    least.sort_unstable();
    let certificate = store.certificate(store.head().sequence).unwrap().unwrap().len();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let [first, sixth] = [0, 1].map(|i| stages.iter().map(|s| s[i]).min().unwrap_or(0) as f64 / 1e6);
    println!(
        "{transfers:>9} {:>17.3}{:>8.3}{:>17.3}{:>8.3}{:>7.1}{:>6.1}{first:>9.3}{sixth:>7.3}{:>7.3}{:>12.3}{row:>9}{certificate:>9}",
        ms(all[0]),
        ms(all[rounds / 2]),
        ms(least[0]),
        ms(least[rounds / 2]),
        ms(all[0]) / ms(least[0]),
        ms(all[rounds / 2]) / ms(least[rounds / 2]),
        ms(all[0]) - first - sixth,
        ms(in_memory),
    );
}

/// What the batch does, without asking anything.
fn transfer(build: &Build, balances: &mut [i128]) {
    for group in &build.batch.groups {
        let (from, to) = (&group.places[0], &group.places[1]);
        for row in 0..group.rows {
            let amount = match &group.values[0] {
                aethel_ir::ValueColumn::Whole(column) => column.get(row).unwrap(),
                _ => 0,
            };
            balances[from.get(row).unwrap().0 as usize] -= amount;
            balances[to.get(row).unwrap().0 as usize] += amount;
        }
    }
}
