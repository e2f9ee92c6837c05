#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::policy::PolicyChange;
use crate::receipt::LedgerId;
use crate::record::{Body, Opening, RecordKind};
use crate::{MemoryStore, verify};
use aethel_ir::AccountName;
use proptest::prelude::*;
use std::path::Path;
use std::time::Duration;

const ACCOUNTS: [&str; 4] = ["a", "b", "c", "d"];

fn place(account: &str) -> PlaceKey {
    PlaceKey::balance(AccountName::new(account).unwrap(), "USD")
}

/// Transfers between accounts, which are opened with 100 when the store does not know them.
fn request(store: &dyn LedgerStore, key: usize, transfers: &[(usize, usize, i128)]) -> CommitRequest {
    let places: Vec<PlaceKey> = ACCOUNTS.iter().map(|name| place(name)).collect();
    let read = store.read_columns(&places).unwrap();
    let content = Digest::of("test", format!("{transfers:?}").as_bytes());
    let user = BatchKey::User(key.to_string().as_str().into());
    let mut body = Body::new(RecordKind::Batch, 1, "batch", user, content);
    body.policy_changes.push(PolicyChange::AssetScale {
        asset: "USD".into(),
        scale: 2,
    });
    body.places = places;
    body.values = read.values.clone();
    for i in (0..ACCOUNTS.len()).filter(|i| read.versions[*i] == 0) {
        body.values[i] = 100;
        body.openings.push(Opening {
            place: i as u32,
            amount: 100,
        });
    }
    for (position, (from, to, amount)) in (0..).zip(transfers) {
        body.values[*from] -= amount;
        body.values[*to] += amount;
        body.entries.push(*from as u32, -amount, position);
        body.entries.push(*to as u32, *amount, position);
    }
    body.transactions.push_run("pay ", 1, transfers.len() as u32);
    CommitRequest {
        versions: read.versions,
        expected: Vec::new(),
        certificate: vec![1; 100],
        lemmas: vec![(crate::lemma_digest(b"lemma"), b"lemma".to_vec())],
        body,
    }
}

fn open(path: &Path) -> RedbStore {
    RedbStore::open_or_new(path, Duration::ZERO).unwrap()
}

fn rows(store: &dyn LedgerStore) -> Vec<(PlaceKey, Versioned)> {
    store.balances().unwrap().map(Result::unwrap).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Submit(Vec<(usize, usize, i128)>),
    /// Hand over the last request once more.
    Repeat,
    Wait,
    Checkpoint,
    /// The writer fails in so many transactions, before or after committing.
    Fail(u32, bool),
}

fn steps(faults: bool) -> impl Strategy<Value = Vec<Step>> {
    let transfers = prop::collection::vec((0usize..4, 0usize..4, 0i128..60), 1..6);
    let step = prop_oneof![
        10 => transfers.prop_map(Step::Submit),
        1 => Just(Step::Repeat),
        2 => Just(Step::Wait),
        1 => Just(Step::Checkpoint),
        u32::from(faults) * 2 => (1u32..4, any::<bool>()).prop_map(|(after, late)| Step::Fail(after, late)),
    ];
    prop::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Handed over without waiting, batches end as they do one by one.
    #[test]
    fn in_flight_as_one_by_one(steps in steps(false)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.redb");
        let mut group = GroupStore::new(open(&path));
        let mut single: Option<MemoryStore<'static>> = None;
        let mut last = None;
        for (key, step) in steps.iter().enumerate() {
            // The identity of the file is drawn when it is made; the other one gets the same.
            let single = single.get_or_insert_with(|| MemoryStore::new(group.head().ledger_id));
            match step {
                Step::Submit(transfers) => {
                    let request = request(&group, key, transfers);
                    prop_assert_eq!(group.submit(&request), single.commit(&request));
                    last = Some(request);
                }
                Step::Repeat => if let Some(request) = &last {
                    prop_assert_eq!(group.submit(request), single.commit(request));
                },
                Step::Wait => prop_assert_eq!(group.wait(group.submitted()), Ok(())),
                Step::Checkpoint => group.checkpoint().unwrap(),
                Step::Fail(..) => {}
            }
            prop_assert_eq!(group.head(), single.head());
            prop_assert_eq!(rows(&group), rows(single));
            for sequence in 1..=group.head().sequence {
                prop_assert_eq!(group.row(sequence).unwrap(), single.row(sequence).unwrap());
            }
        }
        let Some(single) = single else { return Ok(()) };
        prop_assert_eq!(verify(&group, None).unwrap().records, single.head().sequence);
        Box::new(group).close().unwrap();
        let reopened = open(&path);
        if single.head().sequence > 0 {
            prop_assert_eq!(reopened.head(), single.head());
        }
        prop_assert_eq!(rows(&reopened), rows(&single));
    }

    /// Whenever the writer fails, what was acknowledged is in the file, and what was refused is not.
    #[test]
    fn a_failing_writer_loses_nothing_acknowledged(steps in steps(true)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.redb");
        let mut group = GroupStore::new(open(&path));
        let mut waiting: Vec<(Ticket, u64, Digest)> = Vec::new();
        let (mut kept, mut gone, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for (key, step) in steps.iter().chain([&Step::Wait]).enumerate() {
            match step {
                Step::Submit(transfers) => {
                    let request = request(&group, key, transfers);
                    // A conflict tells that the state was read before a failure was noticed.
                    if let Ok(CommitOutcome::Committed { sequence, receipt }) = group.submit(&request) {
                        waiting.push((group.submitted(), sequence, receipt));
                    }
                }
                Step::Fail(after, late) => *group.faults.0.lock().unwrap() = Some((*after, *late)),
                Step::Checkpoint | Step::Repeat => {}
                Step::Wait => for (ticket, sequence, receipt) in waiting.drain(..) {
                    match group.wait(ticket) {
                        Ok(()) => kept.push((sequence, receipt)),
                        Err(LedgerError::OutcomeUnknown { .. }) => unknown.push((sequence, receipt)),
                        Err(_) => gone.push((sequence, receipt)),
                    }
                },
            }
        }
        prop_assert!(kept.is_sorted());
        let report = verify(&group, None).unwrap();
        drop(group);
        let store = open(&path);
        if store.is_created() {
            prop_assert_eq!(verify(&store, None).unwrap().head, report.head);
        }
        let receipt = |sequence: u64| store.summary(sequence).unwrap().map(|summary| summary.receipt);
        for (sequence, kept) in kept.iter().chain(&unknown) {
            prop_assert_eq!(receipt(*sequence), Some(*kept));
        }
        for (sequence, gone) in gone {
            prop_assert_ne!(receipt(sequence), Some(gone));
        }
        prop_assert_eq!(store.head().sequence, (kept.len() + unknown.len()) as u64);
    }
}

#[test]
fn every_kind_of_failure_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let mut group = GroupStore::new(open(&directory.path().join("ledger.redb")));
    let first = request(&group, 0, &[(0, 1, 5)]);
    group.commit(&first).unwrap();
    for late in [false, true] {
        let head = group.head();
        *group.faults.0.lock().unwrap() = Some((1, late));
        let mut tickets = Vec::new();
        for key in 1..4 {
            let request = request(&group, key + 10 * usize::from(late), &[(1, 2, 1)]);
            let outcome = group.submit(&request);
            if matches!(outcome, Ok(CommitOutcome::Committed { .. })) {
                tickets.push(group.submitted());
            }
        }
        let errors: Vec<_> = tickets.into_iter().map(|ticket| group.wait(ticket)).collect();
        let unknown = matches!(&errors[0], Err(LedgerError::OutcomeUnknown { .. }));
        assert!(errors[0].is_err() && unknown == late, "{errors:?}");
        assert_eq!(group.head() == head, !late);
        let again = request(&group, 5 + 10 * usize::from(late), &[(2, 0, 1)]);
        assert!(matches!(
            group.commit(&again),
            Ok(CommitOutcome::Committed { .. })
        ));
    }
    verify(&group, None).unwrap();
    assert_ne!(group.head().ledger_id, LedgerId([0; 16]));
}
