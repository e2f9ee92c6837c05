//! Stage ③ over columns: batches of several blocks, groups and widths come to what the serial run says.

use crate::support::{Build, Kind, columns};
use crate::{
    ConflictDetector, DependencyAnalyzer, ExecutionError, ParallelExecutor, SystemClock, Watch, forced,
};
use aethel_certificate::accesses;
use aethel_ir::{Failure, MAX_MINOR_UNITS, Site, TransactionId};
use aethel_runtime::serial::{Run, SerialError, run_serially};
use aethel_runtime::{DependencyGraph, Team};
use proptest::prelude::*;
use std::sync::Arc;

/// By how much each transaction changes what it writes.
fn changes(build: &Build, graph: &DependencyGraph, run: &Run) -> Vec<i128> {
    let mut changes = run.written.clone();
    for id in (0..build.batch.len() as u32).map(TransactionId) {
        let view = build.batch.transaction(id).unwrap();
        let shape = &graph.layout.shapes[view.group.intent as usize];
        let (writes, slots) = (graph.layout.writes(id), graph.layout.slots(id));
        for (nth, slot) in shape.written_slots.iter().enumerate() {
            changes[writes.start + nth] -= run.seen[slots.start + usize::from(*slot)];
        }
    }
    changes
}

/// Runs a batch with 1, 2 and 5 workers and compares each run with the serial one.
fn compare(build: &Build, snapshot: &[i128], elsewhere: &[i128]) -> Result<bool, TestCaseError> {
    let batch = &build.batch;
    prop_assert_eq!(batch.validate().err().filter(|said| !said.contains("same")), None);
    let graph = DependencyAnalyzer.analyze(batch).unwrap();
    let access = accesses(batch);
    let plan = ConflictDetector.detect(batch, &graph, snapshot, &access);
    let clock = SystemClock::default();
    let watch = Watch::new(&clock);
    let expected = run_serially(batch, &graph, snapshot, elsewhere, &watch);
    for threads in [1, 2, 5] {
        let mut options = forced(threads);
        options.supply_elsewhere = elsewhere.to_vec();
        options.team = Some(Arc::new(Team::new(threads)));
        match (
            &expected,
            ParallelExecutor.execute(batch, &plan, snapshot, &options, &watch),
        ) {
            (Ok(expected), Ok(trace)) => {
                prop_assert_eq!(&trace.run.final_values, &expected.final_values);
                let order: Vec<u32> = graph.order.iter().map(|id| id.0).collect();
                let mut sequence = trace.sequence.clone();
                if plan.unlogged() {
                    prop_assert_eq!(&trace.run.written, &changes(build, &graph, expected));
                    prop_assert!(trace.run.seen.is_empty());
                    prop_assert_eq!(&sequence, &order);
                }
                // Every transaction is in one chunk.
                let mut chunks: Vec<_> = trace.chunks.iter().map(|one| (one.first, one.count)).collect();
                chunks.sort_unstable();
                let end = chunks
                    .iter()
                    .try_fold(0, |end, (first, count)| (*first == end).then_some(end + count));
                prop_assert_eq!(end, Some(batch.len() as u32));
                sequence.sort_unstable();
                prop_assert!(sequence.iter().copied().eq(0..batch.len() as u32));
            }
            (Err(SerialError::Failed(failure)), Err(ExecutionError::Failed(found))) => {
                prop_assert_eq!(failure, &found);
            }
            (expected, found) => {
                prop_assert!(
                    false,
                    "{threads} workers: {:?} but {:?}",
                    expected.as_ref().err(),
                    found.err()
                );
            }
        }
    }
    Ok(plan.unlogged())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn p10_hundreds_of_rows_give_the_serial_outcome(plan in columns::plans(false)) {
        let (build, snapshot) = plan.build();
        compare(&build, &snapshot, &[])?;
    }

    /// Payers that hold what they pay and no more need no order, whatever the width and the number of rows.
    #[test]
    fn p26_debits_up_to_the_last_unit_need_no_order(plan in columns::plans(true)) {
        let (build, snapshot) = plan.build();
        prop_assert_eq!(compare(&build, &snapshot, &[])?, build.batch.intents.iter().any(|intent| !intent.effects.is_empty()));
    }
}

/// The supply is at its end with exactly this transaction, wherever in a block that is, and however much comes together.
#[test]
fn too_large_a_supply_is_noticed_in_the_middle_of_a_block() {
    for (count, each) in [
        (300, MAX_MINOR_UNITS),
        (128, MAX_MINOR_UNITS),
        (200, MAX_MINOR_UNITS / 150),
        (200, 1 << 54),
    ] {
        let mut build = Build::new("supply");
        let rows: Vec<_> = (0..count)
            .map(|n| {
                (
                    build.account(&format!("world{n}")),
                    build.account(&format!("r{n}")),
                    each,
                )
            })
            .collect();
        build.id_rows(Kind::Move, &rows);
        let snapshot = build.snapshot(0, &[]);
        let elsewhere = MAX_MINOR_UNITS - each.saturating_mul(count / 2).min(MAX_MINOR_UNITS);
        assert!(compare(&build, &snapshot, &[elsewhere]).unwrap());
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        let clock = SystemClock::default();
        let failed = run_serially(&build.batch, &graph, &snapshot, &[elsewhere], &Watch::new(&clock));
        let Err(SerialError::Failed(failed)) = failed else {
            panic!("not refused");
        };
        let site = Site::Supply(1);
        assert_eq!(failed.failure, Failure::Overflow { site });
    }
}
