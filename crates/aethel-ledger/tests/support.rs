//! Builds commit requests the way the runtime does: reads, then states values and expected versions.

use aethel_ir::AccountName;
use aethel_ledger::*;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

pub fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

pub fn usd(name: &str) -> PlaceKey {
    PlaceKey::balance(account(name), "USD")
}

pub struct Batch {
    pub request: CommitRequest,
    index: HashMap<PlaceKey, u32>,
}

impl Batch {
    pub fn new(name: &str, key: &str) -> Self {
        let key = BatchKey::User(key.into());
        let body = Body::new(RecordKind::Batch, 1_700_000_000_000, name, key, Digest([0; 32]));
        let request = CommitRequest {
            versions: Vec::new(),
            expected: Vec::new(),
            body,
            certificate: b"certificate".to_vec(),
            lemmas: Vec::new(),
        };
        Self {
            request,
            index: HashMap::new(),
        }
        .change(PolicyChange::AssetScale {
            asset: "USD".into(),
            scale: 2,
        })
    }

    pub fn change(mut self, change: PolicyChange) -> Self {
        self.request.body.policy_changes.push(change);
        self
    }

    fn place(&mut self, store: &dyn LedgerStore, place: PlaceKey) -> usize {
        let body = &mut self.request.body;
        if let Some(i) = self.index.get(&place) {
            return *i as usize;
        }
        let old = store.read(std::slice::from_ref(&place)).unwrap()[0];
        self.request
            .expected
            .push((place.clone(), old.map(|v| v.version)));
        self.index.insert(place.clone(), body.places.len() as u32);
        body.places.push(place);
        body.values.push(old.map_or(0, |v| v.value));
        body.places.len() - 1
    }

    pub fn open(mut self, store: &dyn LedgerStore, place: PlaceKey, amount: i128) -> Self {
        let i = self.place(store, place);
        self.request.body.openings.push(Opening {
            place: i as u32,
            amount,
        });
        self.request.body.values[i] = amount;
        self
    }

    pub fn entry(mut self, store: &dyn LedgerStore, place: PlaceKey, amount: i128, position: u32) -> Self {
        let balance = matches!(place.field, FieldKey::Balance { .. });
        let i = self.place(store, place);
        let body = &mut self.request.body;
        body.values[i] = if balance { body.values[i] + amount } else { amount };
        body.entries.push(i as u32, amount, position);
        self
    }

    pub fn transfer(mut self, store: &dyn LedgerStore, from: PlaceKey, to: PlaceKey, amount: i128) -> Self {
        let position = self.request.body.transactions.count();
        self.request
            .body
            .transactions
            .push_run("pay#", u64::from(position) + 1, 1);
        self.entry(store, from, -amount, position)
            .entry(store, to, amount, position)
    }

    /// The finished request, whose content hash covers what the runtime's would.
    pub fn build(mut self) -> CommitRequest {
        let body = &self.request.body;
        let what = format!("{:?} {:?} {:?}", body.places, body.entries, body.openings);
        self.request.body.content = Digest::of("test content", what.as_bytes());
        self.request
    }
}

pub fn committed(outcome: CommitOutcome) -> (u64, Digest) {
    match outcome {
        CommitOutcome::Committed { sequence, receipt } => (sequence, receipt),
        other => panic!("not committed: {other:?}"),
    }
}

/// `company` with 1000.00 and `alice` with nothing, then one payment.
pub fn first(store: &mut dyn LedgerStore) -> (u64, Digest) {
    let batch = Batch::new("first", "k1")
        .open(store, usd("company"), 100_000)
        .open(store, usd("alice"), 0);
    let request = batch.transfer(store, usd("company"), usd("alice"), 1234).build();
    committed(store.commit(&request).unwrap())
}

pub fn pay(store: &dyn LedgerStore, key: &str, amount: i128) -> CommitRequest {
    Batch::new("pay", key)
        .transfer(store, usd("company"), usd("alice"), amount)
        .build()
}

pub fn open(path: &Path) -> RedbStore {
    RedbStore::open_or_new(path, Duration::ZERO).unwrap()
}

pub fn value(store: &dyn LedgerStore, name: &str) -> Option<i128> {
    store.read(&[usd(name)]).unwrap()[0].map(|v| v.value)
}

pub fn clean(store: &dyn LedgerStore) -> VerifyReport {
    verify(store, None).unwrap_or_else(|failure| panic!("{failure}"))
}

/// A small generator of random numbers: a seed reproduces every failure.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
