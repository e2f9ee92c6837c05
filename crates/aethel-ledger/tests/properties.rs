//! Random batches against a model.

use crate::support::*;
use aethel_ledger::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "unbounded"];

#[derive(Clone, Debug)]
enum Step {
    Batch(Vec<(usize, usize, i128)>),
    Repeat,
    Checkpoint,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let transfers = prop::collection::vec((0usize..6, 0usize..6, 0i128..60), 1..8);
    let step = prop_oneof![
        6 => transfers.prop_map(Step::Batch),
        1 => Just(Step::Repeat),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..14)
}

/// What the transfers of a batch make of the balances, or nothing if one goes below zero at the end.
fn model(
    balances: &BTreeMap<String, i128>,
    transfers: &[(usize, usize, i128)],
) -> Option<BTreeMap<String, i128>> {
    let mut next = balances.clone();
    for (from, to, amount) in transfers {
        for (name, delta) in [(from, -amount), (to, *amount)] {
            *next.entry(NAMES[*name].to_owned()).or_insert(100) += delta;
        }
    }
    let fits = next
        .iter()
        .all(|(name, value)| *value >= 0 || name == "unbounded");
    fits.then_some(next)
}

fn request(store: &dyn LedgerStore, key: usize, transfers: &[(usize, usize, i128)]) -> CommitRequest {
    let mut batch =
        Batch::new("random", &key.to_string()).change(PolicyChange::Unbounded(account("unbounded")));
    let mut opened = Vec::new();
    for (from, to, _) in transfers {
        for name in [NAMES[*from], NAMES[*to]] {
            if value(store, name).is_none() && !opened.contains(&name) {
                opened.push(name);
                batch = batch.open(store, usd(name), 100);
            }
        }
    }
    for (from, to, amount) in transfers {
        batch = batch.transfer(store, usd(NAMES[*from]), usd(NAMES[*to]), *amount);
    }
    batch.build()
}

fn check(store: &dyn LedgerStore, balances: &BTreeMap<String, i128>) {
    let stored: BTreeMap<String, i128> = store
        .balances()
        .unwrap()
        .map(Result::unwrap)
        .filter(|(place, _)| place.account.as_str() != "equity:opening")
        .map(|(place, value)| (place.account.to_string(), value.value))
        .collect();
    assert_eq!(&stored, balances);
    clean(store);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn p07_stores_follow_the_model(steps in steps()) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.redb");
        let mut file = Some(open(&path));
        let mut memory = MemoryStore::new(LedgerId([1; 16]));
        let mut balances = BTreeMap::new();
        let mut last: Option<CommitRequest> = None;
        for (key, step) in steps.iter().enumerate() {
            let redb = file.as_mut().unwrap();
            match step {
                Step::Batch(transfers) => {
                    let request = request(redb, key, transfers);
                    let (a, b) = (redb.commit(&request), memory.commit(&request));
                    match model(&balances, transfers) {
                        Some(next) => {
                            committed(a.unwrap());
                            committed(b.unwrap());
                            balances = next;
                            last = Some(request);
                        }
                        None => {
                            let refused = |e| matches!(e, Err(LedgerError::Refused(Refusal::BelowZero { .. })));
                            prop_assert!(refused(a) && refused(b));
                        }
                    }
                }
                Step::Repeat => {
                    if let Some(request) = &last {
                        prop_assert!(matches!(redb.commit(request), Ok(CommitOutcome::AlreadyCommitted(_))));
                        prop_assert!(matches!(memory.commit(request), Ok(CommitOutcome::AlreadyCommitted(_))));
                    }
                }
                Step::Checkpoint => redb.checkpoint().unwrap(),
                Step::Reopen => {
                    let head = redb.head();
                    let created = redb.is_created();
                    Box::new(file.take().unwrap()).close().unwrap();
                    file = Some(open(&path));
                    if created {
                        prop_assert_eq!(file.as_ref().unwrap().head(), head);
                    }
                }
            }
            check(file.as_ref().unwrap(), &balances);
            check(&memory, &balances);
        }
    }
}

#[test]
fn checkpoints_are_due_by_length_and_keep_everything() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = open(&path);
    first(&mut store);
    let request = pay(&store, "big", 5);
    let big = CommitRequest {
        certificate: vec![3; 9 << 20],
        ..request
    };
    assert!(!store.checkpoint_due());
    committed(store.commit(&big).unwrap());
    assert!(store.checkpoint_due());
    store.checkpoint().unwrap();
    assert!(!store.checkpoint_due());
    for i in 0..257 {
        assert!(!store.checkpoint_due());
        let request = pay(&store, &i.to_string(), 1);
        committed(store.commit(&request).unwrap());
    }
    assert!(store.checkpoint_due());
    store.checkpoint().unwrap();
    let request = pay(&store, "after", 1);
    committed(store.commit(&request).unwrap());
    assert_eq!(clean(&store).records, 260);
    let before = (store.head(), store.policy().clone(), value(&store, "alice"));
    drop(store);
    let store = open(&path);
    assert_eq!(
        (store.head(), store.policy().clone(), value(&store, "alice")),
        before
    );
    assert_eq!(clean(&store).records, 260);
}
