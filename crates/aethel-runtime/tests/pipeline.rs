//! Batches that are executed while earlier ones are being synced.

use crate::support::{Build, from_steps, strategies};
use crate::{ALL, BatchProcessor, BatchRequest, BatchResult, ProcessorOptions, SystemClock};
use aethel_ir::PlaceId;
use aethel_ledger::{
    BatchKey, BatchSummary, Columns, CommitOutcome, CommitRequest, Digest, GroupStore, Head, LedgerError,
    LedgerId, LedgerStore, LemmaRow, MemoryStore, PlaceKey, Policy, RedbStore, Rows, Ticket, Versioned,
    verify,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

fn processor() -> BatchProcessor {
    BatchProcessor::new(ProcessorOptions::default(), Arc::new(SystemClock::default()))
}

fn request(build: &Build) -> BatchRequest<'_> {
    let mut request = BatchRequest::new(build.batch.clone(), &build.sources);
    request.openings.balances = (0..build.batch.places.len() as u32)
        .map(PlaceId)
        .filter(|place| build.batch.is_bounded(*place))
        .map(|place| (place, 200))
        .collect();
    request
}

fn values(store: &dyn LedgerStore) -> Vec<(PlaceKey, i128)> {
    let rows = store.balances().unwrap().map(Result::unwrap);
    rows.map(|(place, value)| (place, value.value)).collect()
}

/// What does not depend on the ledger's identity.
fn essence(result: &BatchResult) -> (bool, bool, Option<&'static str>, Option<u64>, Option<String>) {
    (
        result.success,
        result.already_committed,
        result.error_code,
        result.sequence,
        result.error_message.clone(),
    )
}

fn group(path: &std::path::Path) -> GroupStore {
    GroupStore::new(RedbStore::open_or_new(path, Duration::ZERO).unwrap())
}

/// A ledger in memory whose disk fails from the second sync on.
struct Failing {
    inner: MemoryStore<'static>,
    syncs: u32,
}

impl LedgerStore for Failing {
    fn name(&self) -> &Arc<str> {
        self.inner.name()
    }
    fn head(&self) -> Head {
        self.inner.head()
    }
    fn policy(&self) -> &Policy {
        self.inner.policy()
    }
    fn read_columns(&self, places: &[PlaceKey]) -> Result<Columns, LedgerError> {
        self.inner.read_columns(places)
    }
    fn balances(&self) -> Result<Rows<'_, (PlaceKey, Versioned)>, LedgerError> {
        self.inner.balances()
    }
    fn find(&self, batch: &str, key: &BatchKey) -> Result<Option<BatchSummary>, LedgerError> {
        self.inner.find(batch, key)
    }
    fn commit(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        self.inner.commit(request)
    }
    fn is_durable(&self, _: Ticket) -> bool {
        false
    }
    fn wait(&mut self, _: Ticket) -> Result<(), LedgerError> {
        self.syncs += 1;
        match self.syncs {
            1 => Ok(()),
            2 => Err(LedgerError::OutcomeUnknown {
                ledger: self.name().clone(),
                batch: "random".into(),
                reason: "no answer".into(),
            }),
            _ => Err(LedgerError::DiskFull {
                ledger: self.name().clone(),
            }),
        }
    }
    fn row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        self.inner.row(sequence)
    }
    fn lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        self.inner.lemma(digest)
    }
    fn lemma_rows(&self) -> Result<Rows<'_, LemmaRow>, LedgerError> {
        self.inner.lemma_rows()
    }
    fn key_rows(&self) -> Result<Rows<'_, (Vec<u8>, u64)>, LedgerError> {
        self.inner.key_rows()
    }
    fn checkpoint_rows(&self) -> Result<(u64, Rows<'_, (PlaceKey, Versioned)>), LedgerError> {
        self.inner.checkpoint_rows()
    }
    fn checkpoint_due(&self) -> bool {
        false
    }
    fn checkpoint(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }
    fn close(self: Box<Self>) -> Result<(), LedgerError> {
        Ok(())
    }
}

#[test]
fn what_is_not_durable_has_failed() {
    let mut build = Build::new("payroll");
    build.rows(crate::Kind::Pay, &[("company", "alice", 1)]);
    let mut store = Failing {
        inner: MemoryStore::new(LedgerId([1; 16])),
        syncs: 0,
    };
    let key = |n: u32| Some(BatchKey::User(n.to_string().as_str().into()));
    // The last one is the first again, which was committed before, as far as its state is to be believed.
    let requests = [0, 1, 2, 0].map(|n| BatchRequest {
        key: key(n),
        ..request(&build)
    });
    let mut results = Vec::new();
    processor().execute_batches(&mut store, requests, |result| {
        results.push(result);
        true
    });
    let told: Vec<_> = results
        .iter()
        .map(|r| {
            (
                r.success,
                r.error_code,
                r.outcome_unknown,
                r.already_committed,
                r.receipt.is_some(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (true, None, false, false, true),
            (false, Some("AE0811"), true, false, false),
            (false, Some("AE0809"), false, false, false),
            (false, Some("AE0809"), false, false, false),
        ]
    );
    assert!(
        results[1..]
            .iter()
            .all(|r| r.balances.is_empty() && r.headline.is_none())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Results come in order, and as if each batch had been waited for. Some batches occur twice, many fail.
    #[test]
    fn in_flight_as_one_by_one(batches in prop::collection::vec(prop::collection::vec(strategies::step(ALL), 1..6), 1..12)) {
        let builds: Vec<Build> = batches.iter().map(|steps| from_steps(steps, 4)).collect();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.redb");
        let mut store = group(&path);
        let mut single = MemoryStore::new(LedgerId([1; 16]));
        let mut results = Vec::new();
        let requests = builds.iter().chain(&builds[..1]).map(request);
        processor().execute_batches(&mut store, requests, |result| {
            results.push(result);
            true
        });
        prop_assert_eq!(results.len(), builds.len() + 1);
        for (build, result) in builds.iter().chain(&builds[..1]).zip(&results) {
            let expected = processor().execute_batch(&mut single, request(build));
            prop_assert_eq!(essence(result), essence(&expected));
        }
        prop_assert_eq!(values(&store), values(&single));
        verify(&store, None).unwrap();
        Box::new(store).close().unwrap();
        prop_assert_eq!(values(&group(&path)), values(&single));
    }
}

#[test]
fn no_batch_is_begun_after_a_stop() {
    let mut build = Build::new("payroll");
    build.rows(crate::Kind::Pay, &[("company", "alice", 1)]);
    let directory = tempfile::tempdir().unwrap();
    let mut store = group(&directory.path().join("ledger.redb"));
    let mut told = 0;
    let requests = (0..200_u32).map(|n| BatchRequest {
        key: Some(BatchKey::User(n.to_string().as_str().into())),
        ..request(&build)
    });
    processor().execute_batches(&mut store, requests, |result| {
        assert!(result.success, "{:?}", result.error_message);
        told += 1;
        told < 3
    });
    // Everything that was begun is there, and was told.
    assert_eq!(store.head().sequence, told);
    assert!((3..100).contains(&told), "{told}");
}
