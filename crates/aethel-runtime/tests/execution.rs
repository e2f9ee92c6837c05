//! Stages ③ and ④.

use crate::support::{Build, Kind, Step, from_steps, reference, strategies};
use crate::{
    ADDING, ALL, Chunk, ConflictDetector, DependencyAnalyzer, DependencyGraph, ExecutionError,
    LinearizabilityProver, ParallelExecutor, ProofOptions, SMOOTH, SystemClock, Trace, Watch, forced,
};
use aethel_certificate::{Rejection, Way, accesses, decode, encode};
use aethel_ir::{Batch, BatchItem};
use proptest::prelude::*;

fn execute(
    batch: &Batch,
    graph: &DependencyGraph,
    snapshot: &[i128],
    threads: u32,
) -> Result<Trace, ExecutionError> {
    let plan = ConflictDetector.detect(batch, graph, snapshot, &[]);
    let clock = SystemClock::default();
    ParallelExecutor.execute(batch, &plan, snapshot, &forced(threads), &Watch::new(&clock))
}

/// [`execute`] when everything that can be read off the intents is taken as proved.
fn execute_commuting(
    batch: &Batch,
    graph: &DependencyGraph,
    snapshot: &[i128],
    threads: u32,
) -> Result<Trace, ExecutionError> {
    let access = accesses(batch);
    let plan = ConflictDetector.detect(batch, graph, snapshot, &access);
    let clock = SystemClock::default();
    ParallelExecutor.execute(batch, &plan, snapshot, &forced(threads), &Watch::new(&clock))
}

fn steps(kinds: &'static [Kind], max: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(strategies::step(kinds), 1..max)
}

/// For each transaction, its chunk and its place in the sequence.
fn located(trace: &Trace) -> Vec<(Chunk, usize)> {
    let mut result = vec![None; trace.sequence.len()];
    for chunk in &trace.chunks {
        for (offset, id) in trace.transactions(chunk).iter().enumerate() {
            assert!(result[*id as usize].is_none(), "run twice");
            result[*id as usize] = Some((*chunk, chunk.first as usize + offset));
        }
    }
    result
        .into_iter()
        .map(|r| r.expect("every transaction is in a chunk"))
        .collect()
}

fn in_order(trace: &Trace, located: &[(Chunk, usize)], from: usize, to: usize) -> bool {
    let ((a, at), (b, bt)) = (located[from], located[to]);
    let same = a.first == b.first && a.thread == b.thread;
    assert!(trace.wall_ns >= b.end_ns);
    if same { at < bt } else { a.end_ns <= b.start_ns }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn p10_every_thread_count_gives_the_serial_outcome(steps in steps(ALL, 60), money in prop_oneof![Just(300_i128), Just(100_000)]) {
        let build = from_steps(&steps, 7);
        let snapshot = build.snapshot(money, &[]);
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        let expected = reference(&build.batch, &snapshot);
        for threads in 1..=16 {
            match (&expected, execute(&build.batch, &graph, &snapshot, threads)) {
                (Ok(expected), Ok(trace)) => {
                    prop_assert_eq!(&trace.run.final_values, &expected.final_values);
                    prop_assert_eq!(&trace.run.seen, &expected.seen);
                    prop_assert_eq!(&trace.run.versions, &expected.versions);
                    prop_assert_eq!(trace.run.written.wide(), &expected.written);
                }
                (Err((id, failure)), Err(ExecutionError::Failed(found))) => {
                    prop_assert_eq!(*id as u32, found.transaction.0);
                    prop_assert_eq!(failure, &found.failure);
                    prop_assert_eq!(graph.positions[*id], found.position);
                }
                (expected, found) => prop_assert!(false, "{threads} threads: {expected:?} but {:?}", found.map(|t| t.run)),
            }
        }
    }

    #[test]
    fn p10_commuting_accesses_give_the_serial_outcome(steps in steps(ADDING, 20), money in prop_oneof![Just(300_i128), Just(3_000), Just(100_000)]) {
        let build = from_steps(&steps, 7);
        let snapshot = build.snapshot(money, &[]);
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        let expected = reference(&build.batch, &snapshot);
        for threads in [1, 2, 3, 8] {
            match (&expected, execute_commuting(&build.batch, &graph, &snapshot, threads)) {
                (Ok(expected), Ok(mut trace)) => {
                    prop_assert_eq!(&trace.run.final_values, &expected.final_values);
                    let clock = SystemClock::default();
                    let proof = LinearizabilityProver.prove(&build.batch, &graph, &snapshot, &mut trace, &ProofOptions::default(), &Watch::new(&clock)).unwrap();
                    prop_assert_eq!(&proof.fallback, &None);
                    let bytes = encode(&proof.certificate(&build.batch, &graph, &snapshot)).unwrap();
                    // Some kinds create value, which is for stage 5 to find.
                    let verdict = decode(&bytes).unwrap().check(Some(&expected.final_values));
                    prop_assert!(matches!(verdict, Ok(_) | Err(Rejection::NotConserved { .. })), "{verdict:?}");
                }
                (Err((id, failure)), Err(ExecutionError::Failed(found))) => {
                    prop_assert_eq!(*id as u32, found.transaction.0);
                    prop_assert_eq!(failure, &found.failure);
                    prop_assert_eq!(graph.positions[*id], found.position);
                }
                (expected, found) => prop_assert!(false, "{threads} threads: {expected:?} but {:?}", found.map(|t| t.run)),
            }
        }
    }

    #[test]
    fn p05_dependent_pairs_run_one_after_the_other(steps in steps(SMOOTH, 200), threads in 2..6_u32) {
        let build = from_steps(&steps, 40);
        let snapshot = build.snapshot(1_000_000, &[]);
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        let trace = execute(&build.batch, &graph, &snapshot, threads).unwrap();
        let located = located(&trace);
        for from in 0..build.batch.len() {
            for to in graph.schedule(&build.batch).successors.row(from) {
                prop_assert!(in_order(&trace, &located, from, *to as usize));
            }
        }
        for item in &build.batch.items {
            for other in &item.after {
                let other = &build.batch.items[*other as usize];
                for (from, to) in (other.first..other.first + other.count).flat_map(|f| (item.first..item.first + item.count).map(move |t| (f, t))) {
                    prop_assert!(in_order(&trace, &located, from as usize, to as usize));
                }
            }
        }
    }

    #[test]
    fn p11_every_run_has_a_certificate_that_the_checker_accepts(steps in steps(SMOOTH, 60), threads in 1..5_u32) {
        let build = from_steps(&steps, 8);
        let snapshot = build.snapshot(1_000_000, &[]);
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        let mut trace = execute(&build.batch, &graph, &snapshot, threads).unwrap();
        let workers = trace.choice.workers();
        let clock = SystemClock::default();
        let proof = LinearizabilityProver
            .prove(&build.batch, &graph, &snapshot, &mut trace, &ProofOptions::default(), &Watch::new(&clock))
            .unwrap();
        prop_assert_eq!(proof.fallback.as_deref(), None);
        prop_assert_eq!(proof.way, if workers > 1 { Way::Parallel(workers) } else { Way::Serial });
        let bytes = encode(&proof.certificate(&build.batch, &graph, &snapshot)).unwrap();
        let certificate = decode(&bytes).unwrap();
        prop_assert!(certificate.check(Some(&proof.run.final_values)).is_ok());
    }

    #[test]
    fn p19_metrics_follow_from_the_trace(steps in steps(SMOOTH, 300), threads in 1..5_u32) {
        let build = from_steps(&steps, 100);
        let snapshot = build.snapshot(1_000_000, &[]);
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        let trace = execute(&build.batch, &graph, &snapshot, threads).unwrap();
        let overlaps = |a: &Chunk| trace.chunks.iter().any(|b| a.thread != b.thread && a.start_ns < b.end_ns && b.start_ns < a.end_ns && a.start_ns < a.end_ns && b.start_ns < b.end_ns);
        let parallel: usize = trace.chunks.iter().filter(|c| overlaps(c)).map(|c| c.count as usize).sum();
        prop_assert_eq!(trace.transactions_parallel(), parallel);
        let threads_used: std::collections::BTreeSet<u32> = trace.chunks.iter().map(|c| c.thread).collect();
        prop_assert_eq!(trace.thread_count(), threads_used.len());
        prop_assert_eq!(trace.chunks.iter().map(|c| c.count as usize).sum::<usize>(), build.batch.len());
        prop_assert!(trace.busy_ns() <= trace.wall_ns * u64::from(threads));
    }
}

/// 100 times the same batch: a schedule that misses a dependency shows sooner or later.
#[test]
fn p06_p14_a_hundred_runs_on_every_number_of_threads() {
    let mut build = Build::new("contended");
    let names: Vec<_> = (0..12).map(|i| build.account(&format!("c{i}"))).collect();
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize
    };
    for _ in 0..6 {
        let rows: Vec<_> = (0..50)
            .map(|_| {
                let a = next() % 12;
                (
                    names[a],
                    names[(a + 1 + next() % 11) % 12],
                    (next() % 100) as i128,
                )
            })
            .collect();
        build.id_rows(Kind::Mix, &rows);
    }
    build.after(1, 4);
    build.after(2, 5);
    let snapshot = build.snapshot(0, &[]);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let expected = reference(&build.batch, &snapshot).unwrap();
    for round in 0..100 {
        let trace = execute(&build.batch, &graph, &snapshot, 2 + round % 7).unwrap();
        assert_eq!(trace.run.final_values, expected.final_values);
        assert_eq!(trace.run.seen, expected.seen);
    }
}

#[test]
fn p04_independent_work_overlaps() {
    let mut build = Build::new("wide");
    let rows: Vec<_> = (0..20_000)
        .map(|i| {
            (
                build.account(&format!("a{i}")),
                build.account(&format!("b{i}")),
                1,
            )
        })
        .collect();
    build.id_rows(Kind::Pay, &rows);
    let snapshot = build.snapshot(10, &[]);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    // A busy machine may run one thread after the other; not ten times in a row.
    let overlapped = (0..10).any(|_| {
        let trace = execute(&build.batch, &graph, &snapshot, 2).unwrap();
        trace.transactions_parallel() > 1_000 && trace.thread_count() == 2
    });
    assert!(overlapped);
}

#[test]
fn items_without_transactions_pass_the_turn_on() {
    let mut build = Build::new("empty");
    let late = build.one(Kind::Mix, "a", "b", 1);
    let empty = build.rows(Kind::Mix, &[]);
    let early = build.one(Kind::Mix, "b", "a", 2);
    build.after(late, empty);
    build.after(empty, early);
    let snapshot = build.snapshot(0, &[]);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    assert_eq!(graph.order[0].0, 1);
    let expected = reference(&build.batch, &snapshot).unwrap();
    for threads in 1..4 {
        assert_eq!(
            execute(&build.batch, &graph, &snapshot, threads)
                .unwrap()
                .run
                .final_values,
            expected.final_values
        );
    }
}

#[test]
fn an_empty_batch_runs() {
    let build = Build::new("nothing");
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    for threads in [1, 4] {
        let trace = execute(&build.batch, &graph, &[], threads).unwrap();
        assert_eq!((trace.thread_count(), trace.chunks.len()), (0, 0));
    }
}

/// As in a list of transactions that depend on each other: rows of one group, each an item.
#[test]
fn chunks_lie_within_items_that_wait() {
    let mut build = Build::new("items");
    build.rows(
        Kind::Pay,
        &[("a", "b", 1), ("a", "c", 2), ("a", "d", 3), ("a", "e", 4)],
    );
    let whole = build.batch.items.remove(0);
    build.batch.items = (0..4)
        .map(|first| BatchItem {
            name: whole.name.clone(),
            first,
            count: 1,
            after: if first == 0 { vec![2] } else { vec![] },
            origin: None,
        })
        .collect();
    build.batch.validate().unwrap();
    let snapshot = build.snapshot(100, &[]);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    assert_eq!(
        graph.order.iter().map(|id| id.0).collect::<Vec<_>>(),
        [1, 2, 0, 3]
    );
    for threads in [1, 3] {
        let trace = execute_commuting(&build.batch, &graph, &snapshot, threads).unwrap();
        assert!(trace.run.seen.is_empty(), "by columns");
        let located = located(&trace);
        assert!(in_order(&trace, &located, 2, 0));
        for (position, id) in graph.order.iter().enumerate() {
            assert_eq!(located[id.0 as usize].1, position);
        }
        let paid: Vec<i128> = ["b", "c", "d", "e"]
            .map(|name| trace.run.final_values[build.balance(name).0 as usize])
            .into();
        assert_eq!(paid, [101, 102, 103, 104]);
    }
}
