#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::clock::SystemClock;
use crate::parallel_executor::{ExecutionOptions, ParallelExecutor};
use crate::support::{Build, Kind, from_steps, reference, strategies};
use crate::{ConflictDetector, DependencyAnalyzer};
use aethel_ir::Amounts;
use proptest::prelude::*;

/// Runs with faults planted in the scheduler, then proves.
fn prove_with(
    build: &Build,
    snapshot: &[i128],
    plant: impl Fn(&mut ExecutionOptions),
    tamper: impl Fn(&mut Trace),
    direct: Option<DirectProver>,
) -> Result<SerialProof, ProofError> {
    prove_commuting(build, snapshot, &[], plant, tamper, direct)
}

/// [`prove_with`], with what is proved about the intents.
fn prove_commuting(
    build: &Build,
    snapshot: &[i128],
    access: &[aethel_ir::Access],
    plant: impl Fn(&mut ExecutionOptions),
    tamper: impl Fn(&mut Trace),
    direct: Option<DirectProver>,
) -> Result<SerialProof, ProofError> {
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let plan = ConflictDetector.detect(&build.batch, &graph, snapshot, access);
    let clock = SystemClock::default();
    let watch = Watch::new(&clock);
    let mut options = ExecutionOptions {
        threads: Some(2),
        ..ExecutionOptions::default()
    };
    plant(&mut options);
    let mut trace = ParallelExecutor
        .execute(&build.batch, &plan, snapshot, &options, &watch)
        .unwrap();
    tamper(&mut trace);
    let options = ProofOptions {
        direct,
        sums: !access.is_empty(),
        solver: "test",
        ..ProofOptions::default()
    };
    LinearizabilityProver.prove(&build.batch, &graph, snapshot, &mut trace, &options, &watch)
}

fn two_withdrawals() -> (Build, Vec<i128>) {
    let mut build = Build::new("b");
    build.rows(Kind::Move, &[("a", "b", 60), ("a", "c", 60)]);
    let snapshot = build.snapshot(0, &[("a", 100)]);
    (build, snapshot)
}

#[test]
fn a_lost_update_is_refuted() {
    let (build, snapshot) = two_withdrawals();
    // Both saw 100: what a run without the edge between them might have left behind.
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let run = Run {
        final_values: vec![40, 60, 60],
        escrow: vec![],
        seen: vec![100, 0, 100, 0],
        versions: vec![0; 4],
        written: vec![40_i128, 60, 40, 60].into(),
    };
    let error = explain(&build.batch, &graph, &run, &snapshot).unwrap();
    assert_eq!(
        error.sentences,
        [
            "`move row 1` and `move row 2` both saw a at 1.00 USD and both wrote it, 0.40 USD and 0.40 USD: one of the writes is lost"
        ]
    );
    assert_eq!(error.diagnostic().code, Code::AE0601);
}

#[test]
fn a_dropped_edge_is_noticed_and_the_batch_run_serially() {
    // Enough money, so that the serial run goes through.
    let mut build = Build::new("b");
    build.rows(Kind::Move, &[("a", "b", 60), ("a", "c", 60), ("c", "d", 10)]);
    let snapshot = build.snapshot(100, &[("a", 200)]);
    let plant = |options: &mut ExecutionOptions| options.faults.free = Some(1);
    let proof = prove_with(&build, &snapshot, plant, |_| {}, None).unwrap();
    assert_eq!(proof.way, Way::SerialAfterDoubt);
    assert!(proof.fallback.is_some());
    let expected = reference(&build.batch, &snapshot).unwrap();
    assert_eq!(proof.run.final_values, expected.final_values);
    assert!(proof.checked.is_some());
}

#[test]
fn a_lost_write_is_noticed() {
    let mut build = Build::new("b");
    build.rows(Kind::Move, &[("a", "b", 60), ("a", "c", 60)]);
    let snapshot = build.snapshot(0, &[("a", 200)]);
    for lost in [0, 1] {
        let plant = |options: &mut ExecutionOptions| options.faults.lose_writes = Some(lost);
        let proof = prove_with(&build, &snapshot, plant, |_| {}, None).unwrap();
        assert_eq!(proof.way, Way::SerialAfterDoubt, "lost {lost}");
        assert!(proof.refutation.is_some());
    }
}

#[test]
fn a_garbage_final_state_is_refuted() {
    let (build, _) = two_withdrawals();
    let snapshot = build.snapshot(0, &[("a", 200)]);
    let proof = prove_with(
        &build,
        &snapshot,
        |_| {},
        |trace| trace.run.final_values[1] = 7,
        None,
    )
    .unwrap();
    assert_eq!(proof.way, Way::SerialAfterDoubt);
    let reason = proof.refutation.unwrap().sentences.join("");
    assert_eq!(reason, "b ends with 0.07 USD, the last write left 0.60 USD");
}

#[test]
fn a_doubted_run_whose_serial_run_fails_gives_that_failure() {
    let (build, snapshot) = two_withdrawals();
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let clock = SystemClock::default();
    let mut trace = Trace {
        run: Run {
            final_values: vec![40, 60, 60],
            escrow: vec![],
            seen: vec![100, 0, 100, 0],
            versions: vec![0; 4],
            written: vec![40_i128, 60, 40, 60].into(),
        },
        sequence: vec![0, 1],
        chunks: vec![],
        choice: crate::ThreadChoice::Forced(2),
        wall_ns: 1,
    };
    let watch = Watch::new(&clock);
    let options = ProofOptions::default();
    let result = LinearizabilityProver.prove(&build.batch, &graph, &snapshot, &mut trace, &options, &watch);
    let Err(ProofError::Failed(failure)) = result else {
        panic!("committed a lost update")
    };
    assert_eq!(failure.transaction, TransactionId(1));
    assert_eq!(
        failure.failure,
        aethel_ir::Failure::Overdraft {
            effect: 0,
            value: -20
        }
    );
}

/// The checker alone, without the replay.
#[test]
fn the_checker_alone_refuses_what_it_cannot_follow() {
    let (build, _) = two_withdrawals();
    let snapshot = build.snapshot(0, &[("a", 200)]);
    let mut proof = prove_with(&build, &snapshot, |_| {}, |_| {}, None).unwrap();
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let clock = SystemClock::default();
    let verdict = |proof: &SerialProof| {
        certified(
            &build.batch,
            &graph,
            &snapshot,
            proof,
            &ProofOptions::default(),
            &Watch::new(&clock),
        )
    };
    assert!(matches!(verdict(&proof), Ok(Some(_))));
    proof.run.versions[2] = 0;
    let Err(ProofError::Rejected(rejection)) = verdict(&proof) else {
        panic!("accepted")
    };
    assert!(
        rejected(&rejection)
            .message
            .starts_with("the certificate of the run is rejected: `move row 1` and")
    );
}

#[test]
fn what_other_accounts_hold_counts() {
    let mut build = Build::new("b");
    build.one(Kind::Move, "world", "a", 60);
    let snapshot = build.snapshot(0, &[]);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let plan = ConflictDetector.detect(&build.batch, &graph, &snapshot, &[]);
    let clock = SystemClock::default();
    let watch = Watch::new(&clock);
    let options = ExecutionOptions::default();
    let mut trace = ParallelExecutor
        .execute(&build.batch, &plan, &snapshot, &options, &watch)
        .unwrap();
    let options = ProofOptions {
        supply_elsewhere: &[aethel_ir::MAX_MINOR_UNITS],
        ..ProofOptions::default()
    };
    let verdict = LinearizabilityProver.prove(&build.batch, &graph, &snapshot, &mut trace, &options, &watch);
    assert!(matches!(verdict, Err(ProofError::Failed(_))));
}

#[test]
fn a_circle_is_named_step_by_step() {
    // mix(x, y) sees x, writes y; mix(y, x) the other way round: both saw the beginning, write skew.
    let mut build = Build::new("skew");
    build.rows(Kind::Mix, &[("x", "y", 1), ("y", "x", 1)]);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let snapshot = vec![5, 5];
    let run = Run {
        final_values: vec![16, 16],
        escrow: vec![],
        seen: vec![5, 5, 5, 5],
        versions: vec![0; 4],
        written: vec![16_i128, 16].into(),
    };
    let error = explain(&build.batch, &graph, &run, &snapshot).unwrap();
    assert_eq!(
        error.sentences,
        [
            "`mix row 1` is before `mix row 2`, since it saw 5 at x.n, which `mix row 2` overwrote",
            "`mix row 2` is before `mix row 1`, since it saw 5 at y.n, which `mix row 1` overwrote",
        ]
    );
    assert_eq!(error.edges, [(0, 1), (1, 0)]);

    // The prover asks a solver about the circle, and about nothing else.
    let clock = SystemClock::default();
    let mut trace = Trace {
        run,
        sequence: vec![0, 1],
        chunks: vec![],
        choice: crate::ThreadChoice::Forced(2),
        wall_ns: 1,
    };
    let mut again = trace.clone();
    let options = ProofOptions {
        confirm: Some(|edges| edges == [(0, 1), (1, 0)]),
        solver: "a solver",
        ..ProofOptions::default()
    };
    let watch = Watch::new(&clock);
    let proof = LinearizabilityProver
        .prove(&build.batch, &graph, &snapshot, &mut trace, &options, &watch)
        .unwrap();
    assert_eq!(proof.way, Way::SerialAfterDoubt);
    let refutation = proof.refutation.unwrap();
    assert_eq!(refutation.confirmed.as_deref(), Some("a solver"));
    let unsure = ProofOptions {
        confirm: Some(|_| false),
        ..options
    };
    let doubted = LinearizabilityProver
        .prove(&build.batch, &graph, &snapshot, &mut again, &unsure, &watch)
        .unwrap();
    assert_eq!(doubted.refutation.unwrap().confirmed, None);
    let help = refutation.diagnostic().help.unwrap_or_default();
    assert_eq!(
        help,
        "nothing of that run was kept; a solver confirms that no order fits"
    );
}

#[test]
fn the_solver_is_asked_about_small_batches_only() {
    let (build, _) = two_withdrawals();
    let snapshot = build.snapshot(0, &[("a", 200)]);
    let yes: DirectProver = |_, order, initial, last| {
        assert_eq!((order.len(), initial[0], last[0]), (2, 200, 80));
        DirectVerdict::Proved {
            queries: 1,
            millis: 0,
        }
    };
    let proof = prove_with(&build, &snapshot, |_| {}, |_| {}, Some(yes)).unwrap();
    assert_eq!((proof.way, proof.solver.as_str()), (Way::Parallel(2), "test"));
    let unsure: DirectProver = |_, _, _, _| DirectVerdict::Undecided {
        reason: "too hard".into(),
    };
    let proof = prove_with(&build, &snapshot, |_| {}, |_| {}, Some(unsure)).unwrap();
    assert_eq!(proof.way, Way::SerialAfterDoubt);
    assert_eq!(
        proof.fallback.as_deref(),
        Some("the solver could not decide: too hard")
    );
    let mut large = Build::new("large");
    for i in 0..17 {
        large.one(Kind::Count, &format!("c{i}"), "c", 0);
    }
    let never: DirectProver = |_, _, _, _| panic!("asked");
    let proof = prove_with(&large, &large.snapshot(0, &[]), |_| {}, |_| {}, Some(never)).unwrap();
    assert_eq!(proof.direct, None);
}

const KINDS: &[Kind] = &[
    Kind::Pay,
    Kind::Move,
    Kind::Mix,
    Kind::Count,
    Kind::Set,
    Kind::Look,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever the scheduler gets wrong, what is certified is the serial run.
    #[test]
    fn p10_planted_faults_never_get_through(
        steps in proptest::collection::vec(strategies::step(KINDS), 1..30),
        victim in any::<prop::sample::Index>(),
        fault in 0..4_u8,
        commuting in any::<bool>(),
    ) {
        let build = from_steps(&steps, 5);
        let snapshot = build.snapshot(1_000_000, &[]);
        let expected = reference(&build.batch, &snapshot).unwrap();
        let victim = victim.index(build.batch.len()) as u32;
        let plant = |options: &mut ExecutionOptions| match fault {
            0 => options.faults.lose_writes = Some(victim),
            1 => options.faults.free = Some(victim),
            2 => options.faults.stale = Some(victim),
            _ => options.faults.doubles = Some(victim),
        };
        let access = if commuting { aethel_certificate::accesses(&build.batch) } else { vec![] };
        let proof = prove_commuting(&build, &snapshot, &access, plant, |_| {}, None).unwrap();
        prop_assert_eq!(&proof.run.final_values, &expected.final_values);
        if proof.run.escrow.is_empty() {
            prop_assert_eq!(&proof.run.seen, &expected.seen);
        }
        prop_assert_eq!(proof.fallback.is_some(), proof.way == Way::SerialAfterDoubt);
    }
}

/// A planted fault that changes what the batch comes to is found, with the reason.
#[test]
fn a_fault_in_a_sum_is_found() {
    let mut build = Build::new("payroll");
    let rows: Vec<(String, i128)> = (0..20).map(|i| (format!("e{i}"), 10 + i)).collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, amount)| ("company", name.as_str(), *amount))
        .collect();
    build.rows(Kind::Pay, &rows);
    let snapshot = build.snapshot(0, &[("company", 100_000)]);
    let access = aethel_certificate::accesses(&build.batch);
    let expected = reference(&build.batch, &snapshot).unwrap();
    for victim in 0..20 {
        for double in [false, true] {
            let plant = |options: &mut ExecutionOptions| {
                if double {
                    options.faults.doubles = Some(victim);
                } else {
                    options.faults.lose_writes = Some(victim);
                }
            };
            let proof = prove_commuting(&build, &snapshot, &access, plant, |_| {}, None).unwrap();
            assert_eq!(proof.way, Way::SerialAfterDoubt, "{victim}");
            assert_eq!(proof.run.final_values, expected.final_values);
            let sentence = proof.refutation.unwrap().sentences.join("");
            assert!(
                sentence.contains("before and all changes together give"),
                "{sentence}"
            );
        }
    }
    let proof = prove_commuting(&build, &snapshot, &access, |_| {}, |_| {}, None).unwrap();
    assert_eq!((proof.way, proof.fallback), (Way::Parallel(2), None));
    assert!(proof.run.seen.is_empty());
}

/// Where each change went is part of the journal: it must be right even where the sums are.
#[test]
fn a_change_that_is_logged_wrong_is_found() {
    for kind in [Kind::Pay, Kind::Fee] {
        let mut build = Build::new("b");
        build.rows(kind, &[("a", "b", 1000), ("a", "c", 2000), ("d", "c", 3000)]);
        let snapshot = build.snapshot(10_000, &[]);
        let access = aethel_certificate::accesses(&build.batch);
        let expected = reference(&build.batch, &snapshot).unwrap();
        let swap = |trace: &mut Trace| {
            let second = trace.run.written.len() / 3;
            match &mut trace.run.written {
                Amounts::Narrow(changes) => changes.swap(0, second),
                Amounts::Wide(changes) => changes.swap(0, second),
            }
        };
        let proof = prove_commuting(&build, &snapshot, &access, |_| {}, swap, None).unwrap();
        assert_eq!(proof.way, Way::SerialAfterDoubt, "{kind:?}");
        assert_eq!(proof.run.final_values, expected.final_values);
        assert_eq!(proof.run.written.wide(), expected.written);
        let proof = prove_commuting(&build, &snapshot, &access, |_| {}, |_| {}, None).unwrap();
        assert!(
            proof.by_sums() && proof.fallback.is_none(),
            "{kind:?} {:?}",
            proof.fallback
        );
    }
}

#[test]
fn a_replay_is_made_when_it_is_asked_for() {
    let (build, _) = two_withdrawals();
    let snapshot = build.snapshot(0, &[("a", 200)]);
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let plan = ConflictDetector.detect(&build.batch, &graph, &snapshot, &[]);
    let clock = SystemClock::default();
    let watch = Watch::new(&clock);
    for (validation, wanted) in [(Validation::Certificate, None), (Validation::Replay, Some(true))] {
        let options = ExecutionOptions::default();
        let mut trace = ParallelExecutor
            .execute(&build.batch, &plan, &snapshot, &options, &watch)
            .unwrap();
        let options = ProofOptions {
            validation,
            ..ProofOptions::default()
        };
        let proof = LinearizabilityProver
            .prove(&build.batch, &graph, &snapshot, &mut trace, &options, &watch)
            .unwrap();
        assert_eq!((proof.replayed, proof.fallback), (wanted, None));
    }
}
