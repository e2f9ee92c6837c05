//! Every fault at every operation: what was acknowledged is there, what was refused is not, and every batch is there as
//! a whole or not at all.

use super::{Disk, Fault, Random};
use crate::error::LedgerError;
use crate::places::PlaceKey;
use crate::policy::PolicyChange;
use crate::receipt::Digest;
use crate::record::{BatchKey, Body, Opening, RecordKind};
use crate::redb_store::medium::Medium;
use crate::redb_store::{GroupStore, RedbStore};
use crate::store::{CommitOutcome, CommitRequest, LedgerStore, Ticket};
use crate::verify;
use aethel_ir::AccountName;
use std::time::Duration;

/// How many batches a run commits.
const BATCHES: usize = 9;
const ACCOUNTS: [&str; 2] = ["company", "alice"];

/// How one run goes.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Whether batches are handed over without waiting for each.
    group: bool,
    /// What the store takes its file for: with or without the map of free pages at every commit.
    long: bool,
}

fn open(disk: &Disk, read_only: bool) -> Result<RedbStore, LedgerError> {
    RedbStore::open_on(
        Medium::Disk(disk.clone()),
        "disk".into(),
        Duration::ZERO,
        read_only,
    )
}

/// One payment, and whatever differs from batch to batch: length, lemmas, openings.
fn request(store: &dyn LedgerStore, number: usize) -> Result<CommitRequest, LedgerError> {
    let place = |name: &&str| PlaceKey::balance(AccountName::new(name).unwrap(), "USD");
    let places: Vec<PlaceKey> = ACCOUNTS.iter().map(place).collect();
    let read = store.read_columns(&places)?;
    let key = BatchKey::User(number.to_string().as_str().into());
    let content = Digest::of("test", &number.to_le_bytes());
    let mut body = Body::new(RecordKind::Batch, 1, "batch", key, content);
    body.policy_changes.push(PolicyChange::AssetScale {
        asset: "USD".into(),
        scale: 2,
    });
    body.places = places;
    body.values = read.values.clone();
    for place in 0..ACCOUNTS.len() {
        if read.versions[place] == 0 {
            body.values[place] = 1000;
            body.openings.push(Opening {
                place: place as u32,
                amount: 1000,
            });
        }
    }
    body.values[0] -= 1;
    body.values[1] += 1;
    body.entries.push(0, -1, 0);
    body.entries.push(1, 1, 0);
    body.transactions.push("pay");
    let lemma = vec![number as u8 / 3; 40];
    Ok(CommitRequest {
        versions: read.versions,
        expected: Vec::new(),
        certificate: vec![number as u8; 300 << (number * 5 % 9)],
        lemmas: vec![(crate::lemma_digest(&lemma), lemma)],
        body,
    })
}

/// What the caller of the ledger knows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nobody tried.
    Nothing,
    /// Acknowledged with this receipt.
    Committed(Digest),
    /// Refused with an error that says that it is not there.
    Absent,
    /// The process died, or was told that the outcome is unknown.
    Unknown,
}

/// A program that commits batches and keeps what it was told.
struct Program {
    disk: Disk,
    way: Way,
    known: [Known; BATCHES],
}

impl Program {
    fn new(disk: Disk, way: Way) -> Self {
        Self {
            disk,
            way,
            known: [Known::Nothing; BATCHES],
        }
    }

    fn open(&self) -> Result<Box<dyn LedgerStore>, LedgerError> {
        let store = open(&self.disk, false)?;
        Ok(match self.way.group {
            true => Box::new(GroupStore::new(store)),
            false => Box::new(store),
        })
    }

    /// Commits every batch that is not known to be there, with checkpoints and with the ledger closed and opened again
    /// in the middle. A failing step is passed over, as long as the process lives.
    fn run(&mut self) {
        let mut store = None;
        let mut waiting: Vec<(usize, Ticket, Digest)> = Vec::new();
        for number in 0..BATCHES {
            if number == 5 {
                self.settle(&mut store, &mut waiting);
                store = None;
            }
            if store.is_none() {
                store = self.open().ok();
            }
            if matches!(self.known[number], Known::Committed(_)) {
                continue;
            }
            let Some(ledger) = store.as_deref_mut() else {
                continue;
            };
            let outcome = match request(ledger, number) {
                Ok(request) => ledger.submit(&request),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(CommitOutcome::Committed { receipt, .. }) => {
                    waiting.push((number, ledger.submitted(), receipt));
                }
                Ok(CommitOutcome::AlreadyCommitted(found)) => {
                    waiting.push((number, ledger.submitted(), found.receipt));
                }
                // Read before a failure of an earlier one was noticed, so it was never written.
                Ok(CommitOutcome::Conflict { .. }) => self.learn(number, Known::Absent),
                Ok(other) => panic!("batch {number}: {other:?}"),
                Err(error) => self.refused(number, &error),
            }
            if number % 3 == 2 {
                self.settle(&mut store, &mut waiting);
            }
            if number % 4 == 3
                && let Some(ledger) = &mut store
            {
                let _ = ledger.checkpoint();
            }
        }
        self.settle(&mut store, &mut waiting);
    }

    /// Waits for what was handed over.
    fn settle(
        &mut self,
        store: &mut Option<Box<dyn LedgerStore>>,
        waiting: &mut Vec<(usize, Ticket, Digest)>,
    ) {
        for (number, ticket, receipt) in waiting.drain(..) {
            let Some(ledger) = store.as_deref_mut() else {
                continue;
            };
            match ledger.wait(ticket) {
                Ok(()) => self.learn(number, Known::Committed(receipt)),
                Err(error) => self.refused(number, &error),
            }
        }
    }

    fn refused(&mut self, number: usize, error: &LedgerError) {
        let unknown = matches!(error, LedgerError::OutcomeUnknown { .. });
        self.learn(number, if unknown { Known::Unknown } else { Known::Absent });
    }

    fn learn(&mut self, number: usize, what: Known) {
        // The dead are told nothing; what they were in the middle of may be there or not.
        let dead = self.disk.is_dead() && what == Known::Absent;
        self.known[number] = if dead { Known::Unknown } else { what };
    }

    /// Compares the ledger with what the program was told; gives how many batches are there.
    fn check(&self, store: &dyn LedgerStore) -> usize {
        let head = store.head().sequence;
        assert_eq!(verify(store, None).unwrap().records, head);
        let mut there = 0;
        for (number, known) in self.known.iter().enumerate() {
            let key = BatchKey::User(number.to_string().as_str().into());
            let found = store.find("batch", &key).unwrap().map(|found| found.receipt);
            there += usize::from(found.is_some());
            match known {
                Known::Committed(receipt) => assert_eq!(found, Some(*receipt), "batch {number} is lost"),
                Known::Absent | Known::Nothing => assert_eq!(found, None, "batch {number} was refused"),
                Known::Unknown => {}
            }
        }
        assert_eq!(there as u64, head);
        there
    }
}

/// One fault at one operation: a run, what the next process finds, and a run that finishes the work.
fn strike(seed: u64, way: Way, at: usize, fault: Fault) -> Strike {
    let mut random = Random(seed << 32 | at as u64);
    random.below(1);
    let mut program = Program::new(Disk::new(random.0, Some((at, fault)), way.long), way);
    program.run();
    let operations = program.disk.operations();
    let mut next = match (fault, random.below(2)) {
        (Fault::Power, _) => program.disk.after_power_loss(),
        (Fault::Death, _) | (_, 0) => program.disk.after_death(),
        // The process ended with its batches acknowledged or refused, and then the power went.
        (_, _) => program.disk.after_power_loss(),
    };
    // Or the same process tries again what was refused.
    if !program.disk.is_dead() && random.below(3) == 0 {
        program.disk.repair();
        program.run();
        assert!(
            program
                .known
                .iter()
                .all(|known| matches!(known, Known::Committed(_)))
        );
        next = program.disk.after_power_loss();
    }
    let reader = open(&next, true).unwrap();
    let there = program.check(&reader);
    drop(reader);
    program.disk = next;
    let store = open(&program.disk, false).unwrap();
    assert_eq!(program.check(&store), there);
    drop(store);
    program.run();
    let store = open(&program.disk.after_power_loss(), false).unwrap();
    assert_eq!(program.check(&store), BATCHES);
    let alice = PlaceKey::balance(AccountName::new("alice").unwrap(), "USD");
    assert_eq!(
        store.read(&[alice]).unwrap()[0].unwrap().value,
        1000 + BATCHES as i128
    );
    Strike { operations, there }
}

struct Strike {
    operations: usize,
    there: usize,
}

/// Every operation of a run, with one kind of fault. `AETHEL_TEST_SEEDS` says with how many seeds each;
/// `AETHEL_TEST_SEED` repeats one of them.
fn storm(way: Way, fault: Fault) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("AETHEL_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("AETHEL_TEST_SEEDS").unwrap_or(1),
    };
    let (mut strikes, mut kept, mut at) = (0, [0; BATCHES + 1], 0);
    loop {
        at += 1;
        let mut beyond = true;
        for seed in seeds.clone() {
            let struck = std::panic::catch_unwind(|| strike(seed, way, at, fault));
            let Ok(struck) = struck else {
                panic!("{fault:?} at operation {at}, {way:?}, AETHEL_TEST_SEED={seed}");
            };
            strikes += 1;
            kept[struck.there] += 1;
            beyond &= struck.operations < at;
        }
        if beyond {
            break;
        }
    }
    println!("{way:?}, {fault:?}: {strikes} faults; by batches kept: {kept:?}");
    // Faults that all came too early or too late would show nothing.
    let dies = matches!(fault, Fault::Death | Fault::Power);
    assert!(
        at > 50 && kept[BATCHES] > 0 && (kept[0] > 0 || !dies) && kept[1..BATCHES].iter().any(|n| *n > 0)
    );
}

/// The last operation of making a ledger is the sync of its name. Where it failed, or the process died before, whoever
/// goes on with the ledger syncs the name first.
#[test]
fn p07_a_name_is_synced_before_anything_is_built_on_it() {
    let way = Way {
        group: false,
        long: false,
    };
    for seed in 0..16 {
        let disk = Disk::new(seed, None, way.long);
        let mut store = open(&disk, false).unwrap();
        let first = request(&store, 0).unwrap();
        store.commit(&first).unwrap();
        let naming = disk.operations();
        for fault in [Fault::Error, Fault::Death] {
            let mut program = Program::new(Disk::new(seed, Some((naming, fault)), way.long), way);
            program.run();
            assert_eq!(program.known[0], Known::Unknown);
            if program.disk.is_dead() {
                program.disk = program.disk.after_death();
                program.run();
            }
            let next = program.disk.after_power_loss();
            assert!(
                program.check(&open(&next, false).unwrap()) > 0,
                "seed {seed}, {fault:?}"
            );
        }
    }
}

macro_rules! storms {
    ($($name:ident: $fault:ident, $group:literal, $long:literal;)*) => {
        $(#[test] fn $name() { storm(Way { group: $group, long: $long }, Fault::$fault); })*
    };
}

storms! {
    p07_an_error_at_every_operation: Error, false, false;
    p07_an_error_at_every_operation_of_a_long_file: Error, false, true;
    p07_an_error_at_every_operation_in_flight: Error, true, false;
    p07_death_at_every_operation: Death, false, false;
    p07_death_at_every_operation_of_a_long_file: Death, false, true;
    p07_death_at_every_operation_in_flight: Death, true, false;
    p07_power_loss_at_every_operation: Power, false, false;
    p07_power_loss_at_every_operation_of_a_long_file: Power, false, true;
    p07_power_loss_at_every_operation_in_flight: Power, true, false;
    p07_no_room_from_every_operation_on: Full, false, false;
    p07_no_room_from_every_operation_on_in_a_long_file: Full, false, true;
    p07_no_room_from_every_operation_on_in_flight: Full, true, false;
}
