#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::clock::SystemClock;
use crate::support::{Build, Kind};
use crate::{ConflictDetector, DependencyAnalyzer};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn execute(build: &Build, snapshot: &[i128], options: &ExecutionOptions) -> Result<Trace, ExecutionError> {
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let plan = ConflictDetector.detect(&build.batch, &graph, snapshot, &[]);
    let clock = SystemClock::default();
    ParallelExecutor.execute(&build.batch, &plan, snapshot, options, &Watch::new(&clock))
}

fn forced(threads: u32) -> ExecutionOptions {
    ExecutionOptions {
        threads: Some(threads),
        ..ExecutionOptions::default()
    }
}

fn pairs(count: usize) -> Build {
    let mut build = Build::new("pairs");
    let rows: Vec<_> = (0..count)
        .map(|i| {
            (
                build.account(&format!("a{i}")),
                build.account(&format!("b{i}")),
                1,
            )
        })
        .collect();
    build.id_rows(Kind::Pay, &rows);
    build
}

#[test]
fn a_panicking_worker_is_an_error_and_no_hang() {
    let build = pairs(100);
    for threads in [2, 8] {
        let mut options = forced(threads);
        options.faults.panic_at = Some(57);
        let result = execute(&build, &build.snapshot(10, &[]), &options);
        assert_eq!(result.unwrap_err(), ExecutionError::Panicked("planted".into()));
    }
}

#[test]
fn the_default_says_why_it_uses_one_thread() {
    let few = pairs(10);
    let trace = execute(&few, &few.snapshot(10, &[]), &ExecutionOptions::default()).unwrap();
    assert_eq!(trace.choice.to_string(), "too little work for more");

    let mut hot = Build::new("hot");
    let company = hot.account("company");
    let rows: Vec<_> = (0..3000)
        .map(|i| (company, hot.account(&format!("e{i}")), 1))
        .collect();
    hot.id_rows(Kind::Pay, &rows);
    let trace = execute(&hot, &hot.snapshot(10_000, &[]), &ExecutionOptions::default()).unwrap();
    assert_eq!(
        trace.choice.to_string(),
        "3000 transactions wait for each other in a row"
    );

    // Everybody pays the next but one, all round a ring, three times.
    let mut ring = Build::new("ring");
    let names: Vec<_> = (0..1000).map(|i| ring.account(&format!("r{i}"))).collect();
    let rows: Vec<_> = (0..3000)
        .map(|i| (names[i * 7 % 1000], names[(i * 7 + 2) % 1000], 1))
        .collect();
    ring.id_rows(Kind::Pay, &rows);
    let trace = execute(&ring, &ring.snapshot(10, &[]), &ExecutionOptions::default()).unwrap();
    assert!(
        matches!(trace.choice, ThreadChoice::CostlyHandOffs(_)),
        "{}",
        trace.choice
    );

    let many = pairs(3000);
    let trace = execute(&many, &many.snapshot(10, &[]), &ExecutionOptions::default()).unwrap();
    assert_eq!(trace.choice, ThreadChoice::Adaptive(8));
}

#[test]
fn a_chain_is_one_chunk_even_on_many_threads() {
    let mut hot = Build::new("hot");
    let company = hot.account("company");
    let rows: Vec<_> = (0..500)
        .map(|i| (company, hot.account(&format!("e{i}")), 1))
        .collect();
    hot.id_rows(Kind::Pay, &rows);
    let trace = execute(&hot, &hot.snapshot(10_000, &[]), &forced(4)).unwrap();
    assert_eq!(trace.chunks.len(), 1);
    assert_eq!(trace.chunks[0].count, 500);
    assert_eq!(trace.transactions_parallel(), 0);
    assert_eq!(trace.thread_count(), 1);
}

#[test]
fn timeout_and_cancel_stop_in_time() {
    let build = pairs(2000);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let plan = ConflictDetector.detect(&build.batch, &graph, &[], &[]);
    let clock = SystemClock::default();
    let snapshot = build.snapshot(10, &[]);
    let cancel = AtomicBool::new(true);
    let watch = Watch {
        cancel: Some(&cancel),
        ..Watch::new(&clock)
    };
    let stopped = |watch: &Watch<'_>| {
        let result = ParallelExecutor.execute(&build.batch, &plan, &snapshot, &forced(3), watch);
        result.unwrap_err()
    };
    assert_eq!(stopped(&watch), ExecutionError::Stopped(Stop::Cancelled));
    let watch = Watch {
        deadline: Some(Duration::ZERO),
        ..Watch::new(&clock)
    };
    assert_eq!(stopped(&watch), ExecutionError::Stopped(Stop::Timeout));
}

#[test]
fn the_supply_is_watched_between_the_ends() {
    let max = aethel_ir::MAX_MINOR_UNITS;
    let mut build = Build::new("supply");
    build.rows(
        Kind::Move,
        &[
            ("world", "alice", max),
            ("world2", "bob", max),
            ("alice", "bob", 1),
        ],
    );
    let snapshot = build.snapshot(0, &[]);
    for threads in [1, 2, 4] {
        let Err(ExecutionError::Failed(failure)) = execute(&build, &snapshot, &forced(threads)) else {
            panic!("not refused")
        };
        assert_eq!((failure.transaction.0, failure.position), (1, 1));
        let site = aethel_ir::Site::Supply(1);
        assert_eq!(failure.failure, aethel_ir::Failure::Overflow { site });
    }
    // Gross inflow is too much, but no moment is.
    let mut back = Build::new("back");
    back.rows(
        Kind::Move,
        &[
            ("world", "alice", max),
            ("alice", "world", max),
            ("world", "alice", max),
        ],
    );
    for threads in [1, 2] {
        assert!(execute(&back, &back.snapshot(0, &[]), &forced(threads)).is_ok());
    }
    // What is elsewhere counts.
    let mut options = forced(2);
    options.supply_elsewhere = vec![1];
    assert!(execute(&back, &back.snapshot(0, &[]), &options).is_err());
}

#[test]
fn overlap_is_counted_by_chunk() {
    let chunk = |thread, start_ns, end_ns, first, count| Chunk {
        thread,
        start_ns,
        end_ns,
        first,
        count,
    };
    let trace = |chunks: Vec<Chunk>| Trace {
        run: Run::default(),
        sequence: (0..10).collect(),
        chunks,
        choice: ThreadChoice::Forced(2),
        wall_ns: 100,
    };
    let apart = trace(vec![chunk(0, 0, 10, 0, 2), chunk(1, 10, 20, 2, 3)]);
    assert_eq!((apart.transactions_parallel(), apart.busy_ns()), (0, 20));
    let nested = trace(vec![
        chunk(0, 0, 50, 0, 2),
        chunk(1, 10, 20, 2, 3),
        chunk(1, 30, 60, 5, 1),
        chunk(0, 60, 70, 6, 4),
    ]);
    assert_eq!((nested.transactions_parallel(), nested.thread_count()), (6, 2));
}

#[test]
fn far_more_threads_than_cores_end() {
    let build = pairs(300);
    let trace = execute(&build, &build.snapshot(10, &[]), &forced(300)).unwrap();
    assert_eq!(trace.sequence.len(), 300);
}

/// Workers of which the last does everything.
struct LastFirst(usize);

impl Workers for LastFirst {
    fn count(&self) -> usize {
        self.0
    }

    fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        (0..self.0).rev().for_each(work);
    }
}

/// What flows in counts, whoever brought it: here it is more than all accounts together may hold on the way.
#[test]
fn the_inflow_of_every_worker_counts() {
    use aethel_ir::MAX_MINOR_UNITS;
    for (amount, fits) in [(MAX_MINOR_UNITS / 4, true), (MAX_MINOR_UNITS / 3 + 1, false)] {
        let mut build = Build::new("b");
        build.rows(
            Kind::Move,
            &[
                ("world1", "a", amount),
                ("world2", "b", amount),
                ("world3", "c", amount),
            ],
        );
        let snapshot = build.snapshot(0, &[]);
        let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
        let access = aethel_certificate::accesses(&build.batch);
        let plan = ConflictDetector.detect(&build.batch, &graph, &snapshot, &access);
        assert!(plan.unlogged());
        let clock = SystemClock::default();
        let watch = Watch::new(&clock);
        for workers in [1, 2, 3] {
            let team = LastFirst(workers);
            let choice = ThreadChoice::Forced(workers as u32);
            let options = forced(workers as u32);
            let sums = columns::run(&build.batch, &plan, &snapshot, &options, choice, &team, &watch);
            assert_eq!(sums.unwrap().is_some(), fits, "{workers} workers, {amount}");
            let parallel = Parallel::new(&build.batch, &plan, &snapshot, &options, &watch);
            assert_eq!(
                parallel.run(choice, &team).unwrap().is_some(),
                fits,
                "{workers} workers, {amount}"
            );
        }
    }
}

/// The supply outside the batch counts to the last unit: then columns do not say that nothing can go wrong on the way.
#[test]
fn columns_are_left_where_the_supply_may_leave_its_range() {
    let mut build = Build::new("pay");
    build.rows(Kind::Pay, &[("alice", "bob", 30), ("bob", "alice", 5)]);
    let snapshot = build.snapshot(100, &[]);
    let access = aethel_certificate::accesses(&build.batch);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let plan = ConflictDetector.detect(&build.batch, &graph, &snapshot, &access);
    assert_eq!(plan.settlement.most(), Some(235));
    let clock = SystemClock::default();
    for (elsewhere, by_columns) in [(235, true), (234, false)] {
        let options = ExecutionOptions {
            supply_elsewhere: vec![aethel_ir::MAX_MINOR_UNITS - elsewhere],
            ..forced(1)
        };
        let watch = Watch::new(&clock);
        let trace = ParallelExecutor.execute(&build.batch, &plan, &snapshot, &options, &watch);
        // Only columns log narrow changes.
        let narrow = matches!(trace.unwrap().run.written, aethel_ir::Amounts::Narrow(_));
        assert_eq!(narrow, by_columns);
    }
}
