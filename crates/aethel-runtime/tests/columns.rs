//! Stage ③ over columns: batches of several blocks, groups and widths come to what the serial run says.

use crate::support::{Build, Kind, columns};
use crate::{
    ConflictDetector, DependencyAnalyzer, ExecutionError, ParallelExecutor, SystemClock, Watch, forced,
};
use aethel_certificate::accesses;
use aethel_ir::Amounts;
use aethel_ir::{Failure, MAX_MINOR_UNITS, Site, Slot, TransactionId};
use aethel_runtime::serial::{Run, SerialError, run_serially};
use aethel_runtime::{DependencyGraph, Team};
use proptest::prelude::*;
use std::sync::Arc;

/// By how much each transaction changes what it writes.
fn changes(build: &Build, graph: &DependencyGraph, run: &Run) -> Amounts {
    let mut changes = run.written.wide().to_vec();
    for id in (0..build.batch.len() as u32).map(TransactionId) {
        let view = build.batch.transaction(id).unwrap();
        let shape = &graph.layout.shapes[view.group.intent as usize];
        let (writes, slots) = (graph.layout.writes(id), graph.layout.slots(id));
        for (nth, slot) in shape.written_slots.iter().enumerate() {
            changes[writes.start + nth] -= run.seen[slots.start + usize::from(*slot)];
        }
    }
    changes.into()
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

/// The supply is too large with exactly this transaction, wherever in a block it is, however much comes together, and
/// whichever asset it is.
#[test]
fn too_large_a_supply_is_noticed_in_the_middle_of_a_block() {
    let cases = [
        (300, MAX_MINOR_UNITS),
        (128, MAX_MINOR_UNITS),
        (200, MAX_MINOR_UNITS / 150),
        (200, 1 << 54),
    ];
    for ((count, each), euros) in cases.into_iter().flat_map(|case| [(case, false), (case, true)]) {
        let mut build = Build::new("supply");
        build.rows(Kind::Move, &[("world", "alice", 1)]);
        let rows: Vec<_> = (0..count)
            .map(|n| {
                (
                    build.account(&format!("world{n}")),
                    build.account(&format!("r{n}")),
                    each,
                )
            })
            .collect();
        let group = build.id_rows(Kind::Move, &rows);
        if euros {
            build.in_euros(group);
        }
        let snapshot = build.snapshot(0, &[]);
        let most = MAX_MINOR_UNITS - each.saturating_mul(count / 2).min(MAX_MINOR_UNITS);
        let elsewhere = if euros { vec![0, most] } else { vec![most] };
        assert!(compare(&build, &snapshot, &elsewhere).unwrap());
        let site = Site::Supply(1);
        assert_eq!(
            failure(&build, &snapshot, &elsewhere),
            Some(Failure::Overflow { site })
        );
        if each < MAX_MINOR_UNITS {
            // What is held already counts too, and debts do not make up for it.
            let given = [
                ("alice", MAX_MINOR_UNITS - each * (count / 2)),
                ("world", -MAX_MINOR_UNITS / 2),
            ];
            let snapshot = build.snapshot(0, &given);
            assert!(compare(&build, &snapshot, &[]).unwrap());
            let goes = euros && each * count <= MAX_MINOR_UNITS;
            assert_eq!(failure(&build, &snapshot, &[]).is_none(), goes);
        }
    }
}

/// Why the serial run fails.
fn failure(build: &Build, snapshot: &[i128], elsewhere: &[i128]) -> Option<Failure> {
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let clock = SystemClock::default();
    match run_serially(&build.batch, &graph, snapshot, elsewhere, &Watch::new(&clock)) {
        Err(SerialError::Failed(failed)) => Some(failed.failure),
        other => {
            assert!(other.is_ok());
            None
        }
    }
}

/// A condition that counts only for bounded accounts is about the account of its own row, not of one a block before.
#[test]
fn who_may_owe_is_looked_up_row_by_row() {
    // Rows of `world` that pay nothing, and one of somebody else.
    for (owes, fails) in [
        (0..10, None),
        (10..128, None),
        (100..300, None),
        (0..300, Some(200)),
        (0..300, Some(5)),
    ] {
        let mut build = Build::new("rows");
        let rows: Vec<_> = (0..300)
            .map(|n| {
                let owes = owes.contains(&n) && fails != Some(n);
                let payer = if owes { "world" } else { "payer" };
                let amount = i128::from(!(owes || fails == Some(n)));
                (build.account(payer), build.account(&format!("r{n}")), amount)
            })
            .collect();
        build.id_rows(Kind::Pay, &rows);
        for condition in &mut build.batch.intents[0].guard {
            condition.if_bounded = Some(Slot(0));
        }
        let snapshot = build.snapshot(0, &[("payer", 300), ("world", -7)]);
        assert!(compare(&build, &snapshot, &[]).unwrap());
        assert_eq!(failure(&build, &snapshot, &[]), fails.map(|_| Failure::Guard(1)));
    }
    // Bounds on places that nobody writes.
    for (owes, fails) in [
        (0..10, None),
        (100..300, None),
        (0..300, Some(200)),
        (0..300, Some(5)),
    ] {
        let mut build = Build::new("look");
        build.rows(Kind::Move, &[("world", "alice", 1)]);
        let rows: Vec<_> = (0..300)
            .map(|n| {
                let owes = owes.contains(&n) && fails != Some(n);
                let name = if owes { "world2" } else { "bob" };
                let amount = if owes || fails == Some(n) { 101 } else { 100 };
                (build.account(name), build.account("carol"), amount)
            })
            .collect();
        build.id_rows(Kind::Look, &rows);
        build.batch.intents[1].guard[0].if_bounded = Some(Slot(0));
        let snapshot = build.snapshot(100, &[]);
        assert!(compare(&build, &snapshot, &[]).unwrap());
        assert_eq!(failure(&build, &snapshot, &[]), fails.map(|_| Failure::Guard(0)));
    }
}

/// A named value that leaves its range fails, though nothing else of its row does.
#[test]
fn values_that_leave_their_range_are_noticed() {
    for at in [0, 127, 128, 299] {
        let mut build = Build::new("range");
        let rows: Vec<_> = (0..300)
            .map(|n| {
                let amount = if n == at { MAX_MINOR_UNITS / 4 + 1 } else { 5 };
                (build.account("world"), build.account(&format!("r{n}")), amount)
            })
            .collect();
        build.id_rows(Kind::Move, &rows);
        let snapshot = build.snapshot(0, &[]);
        assert!(compare(&build, &snapshot, &[]).unwrap());
        assert_eq!(failure(&build, &snapshot, &[]), None);
        columns::fourfold(&mut build.batch.intents[0]);
        assert!(compare(&build, &snapshot, &[]).unwrap());
        let site = Site::Let(0);
        assert_eq!(failure(&build, &snapshot, &[]), Some(Failure::Overflow { site }));
    }
}

/// Of two bounds on one account each counts, whichever is written first.
#[test]
fn both_bounds_on_a_place_count() {
    for second_first in [false, true] {
        for (start, free) in [(1510, true), (1509, false)] {
            let mut build = Build::new("bounds");
            let rows: Vec<_> = (0..300)
                .map(|n| (build.account("payer"), build.account(&format!("r{n}")), 5))
                .collect();
            build.id_rows(Kind::Pay, &rows);
            let intent = &mut build.batch.intents[0];
            columns::thrice(intent);
            if second_first {
                intent.guard.swap(0, 2);
            }
            let snapshot = build.snapshot(0, &[("payer", start)]);
            assert_eq!(compare(&build, &snapshot, &[]).unwrap(), free);
        }
    }
}
