//! What stage ② relies on, and what it says where it cannot.

use crate::support::{Build, Kind};
use aethel_certificate::accesses;
use aethel_ir::{Batch, PlaceId};
use aethel_ledger::{LedgerId, LedgerStore, MemoryStore, lemma_digest};
use aethel_runtime::{
    AccessProver, BatchProcessor, BatchRequest, BatchResult, Lemma, ProcessorOptions, ProvedAccess,
    SystemClock,
};
use std::sync::Arc;

const RECORD: &[u8] = b"a lemma";

/// Proves everything, or doubts everything.
#[derive(Debug)]
struct Prover {
    doubts: bool,
}

impl AccessProver for Prover {
    fn prove(&self, batch: &Batch) -> ProvedAccess {
        if self.doubts {
            return ProvedAccess {
                doubts: vec!["`pay`: the resource limit is spent".into()],
                ..ProvedAccess::default()
            };
        }
        ProvedAccess {
            access: accesses(batch),
            lemmas: vec![Lemma {
                name: "a lemma".into(),
                digest: lemma_digest(RECORD).0,
                record: RECORD.to_vec(),
            }],
            solver: "a solver".into(),
            doubts: vec![],
        }
    }
}

fn run(store: &mut MemoryStore<'static>, doubts: bool) -> BatchResult {
    let mut build = Build::new("payroll");
    build.rows(Kind::Pay, &[("company", "alice", 10), ("company", "bob", 20)]);
    let options = ProcessorOptions {
        access: Some(Arc::new(Prover { doubts })),
        ..ProcessorOptions::default()
    };
    let processor = BatchProcessor::new(options, Arc::new(SystemClock::default()));
    let mut request = BatchRequest::new(build.batch.clone(), &build.sources);
    let places = (0..build.batch.places.len() as u32).map(PlaceId);
    request.openings.balances = places.map(|place| (place, 100)).collect();
    processor.execute_batch(store, request)
}

#[test]
fn what_a_run_relies_on_is_in_the_result_and_in_the_ledger() {
    let mut store = MemoryStore::new(LedgerId([1; 16]));
    let result = run(&mut store, false);
    assert!(result.success, "{:?}", result.error_message);
    let conflicts = result.conflicts.unwrap();
    assert!(conflicts.any_order);
    assert_eq!(
        (conflicts.lemmas, conflicts.depth),
        (vec!["a lemma".to_owned()], 1)
    );
    let proof = result.linearizability_proof.unwrap();
    assert!(proof.by_sums);
    assert_eq!((proof.lemmas.len(), proof.solver.as_str()), (1, "a solver"));
    let stored = store.lemma(&lemma_digest(RECORD)).unwrap();
    assert_eq!(stored.as_deref(), Some(RECORD));
}

#[test]
fn what_is_not_proved_is_kept_in_order_and_said() {
    let mut store = MemoryStore::new(LedgerId([1; 16]));
    let result = run(&mut store, true);
    assert!(result.success, "{:?}", result.error_message);
    assert_eq!(
        result.notes,
        [
            "it is not proved that accesses commute, so they are kept in order: `pay`: the resource limit is spent"
        ]
    );
    let conflicts = result.conflicts.unwrap();
    assert_eq!((conflicts.commuting.total(), conflicts.depth), (0, 2));
    assert!(result.linearizability_proof.unwrap().lemmas.is_empty());
    assert_eq!(store.lemma(&lemma_digest(RECORD)).unwrap(), None);
}
