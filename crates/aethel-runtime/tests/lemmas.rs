//! What stage ② relies on, and what it says where it cannot.

use crate::support::{Build, Kind};
use aethel_certificate::accesses;
use aethel_ir::{Batch, PlaceId};
use aethel_ledger::{LedgerId, LedgerStore, MemoryStore, lemma_digest};
use aethel_runtime::{
    AccessProver, BatchProcessor, BatchRequest, BatchResult, Lemma, ProcessorOptions, ProvedAccess,
    StageThreads, SystemClock,
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

/// Says of each stage that has two ways which it took, and why.
fn ways(rows: usize, kind: Kind, doubts: bool, threads: Option<u32>, available_threads: u32) -> String {
    let mut build = Build::new("wide");
    let places: Vec<_> = (0..100).map(|i| build.account(&format!("a{i}"))).collect();
    let rows: Vec<_> = (0..rows)
        .map(|i| (places[i % 50], places[50 + i % 50], 3))
        .collect();
    build.id_rows(kind, &rows);
    let options = ProcessorOptions {
        threads,
        available_threads,
        access: Some(Arc::new(Prover { doubts })),
        ..ProcessorOptions::default()
    };
    let processor = BatchProcessor::new(options, Arc::new(SystemClock::default()));
    let mut request = BatchRequest::new(build.batch.clone(), &build.sources);
    let places = (0..build.batch.places.len() as u32).map(PlaceId);
    request.openings.balances = places.map(|place| (place, 1_000_000)).collect();
    let mut store = MemoryStore::new(LedgerId([1; 16]));
    let result = processor.execute_batch(&mut store, request);
    assert!(result.success, "{:?}", result.error_message);
    let shared = result
        .stages
        .iter()
        .filter_map(|stage| Some((stage.number, stage.threads.clone()?)));
    let said = |(stage, threads): (u8, StageThreads)| {
        // Which of two threads comes first to a chunk is not decided by anybody.
        match stage {
            3 => format!("③ {}", threads.why),
            _ => format!("{stage} {}: {}", threads.count, threads.why),
        }
    };
    shared.map(said).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_stage_says_which_way_it_took_and_why() {
    let little = "1: too little work for more";
    let asked = "1: 1 asked for";
    let only = "1: no more are allowed";
    let all = "2: there is work for all";
    let beside = "2: its numbers are found beside the sums of stage ②";
    let divided = "2: one finds the sums, one the numbers of stage ①";
    let later = "1: its numbers are found after stage ②, which may take all threads";
    let ordered = "1: there are no sums to find";
    for (rows, kind, doubts, threads, available, expected) in [
        (
            300,
            Kind::Pay,
            false,
            None,
            2,
            [little, little, &little[3..], little],
        ),
        (
            60_000,
            Kind::Pay,
            false,
            None,
            2,
            [beside, divided, "2, there is work for all", all],
        ),
        (
            40_000,
            Kind::Pay,
            false,
            Some(8),
            2,
            [beside, divided, "8 asked for", "2: too little work for more"],
        ),
        (
            60_000,
            Kind::Pay,
            false,
            Some(1),
            2,
            [asked, asked, "1 asked for", asked],
        ),
        (60_000, Kind::Pay, false, None, 1, [only, only, &only[3..], only]),
        (
            33_000,
            Kind::Third,
            false,
            None,
            2,
            [later, all, "2, there is work for all", all],
        ),
        (
            33_000,
            Kind::Mix,
            false,
            None,
            2,
            [later, ordered, "2, there is work for all", all],
        ),
        (
            300,
            Kind::Pay,
            true,
            None,
            2,
            [little, ordered, &little[3..], little],
        ),
    ] {
        let [one, two, three, four] = expected;
        let expected = format!("1 {one}\n2 {two}\n③ {three}\n4 {four}");
        assert_eq!(
            ways(rows, kind, doubts, threads, available),
            expected,
            "{rows} {threads:?} {available}"
        );
    }
}
